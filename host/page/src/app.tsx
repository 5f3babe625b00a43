import { useEffect, useRef } from "preact/hooks";
import { useCell } from "./cell";
import { Boundary } from "./parts/boundary";
import { useKeptFocus } from "./parts/kept-focus";
import { route, SHADOW, type View } from "./routes";
import { Header } from "./shell/header";
import { LiveRegion } from "./shell/live-region";
import { Navigation } from "./shell/navigation";
import { Notices } from "./shell/notices";
import { StateLine } from "./shell/state-line";
import { keepUpToDate } from "./state/live";
import { session } from "./state/session";
import { AuditView } from "./views/audit";
import { BackupsView } from "./views/backups";
import { CollectionsView } from "./views/collections";
import { HistoryView } from "./views/history";
import { ItemView } from "./views/item";
import { ItemsView } from "./views/items";
import { LoginView } from "./views/login";
import { OverviewView } from "./views/overview";
import { PlanView } from "./views/plan";
import { QuarantineView } from "./views/quarantine";
import { QuarantinedView } from "./views/quarantined";
import { RunView } from "./views/run";
import { RunDetailView } from "./views/run-detail";
import { RunsView } from "./views/runs";

export function App() {
  // Another token is another page: nothing of what the one before has read stays.
  const current = useCell(session);
  return current ? <Page key={current.token} /> : <LoginView />;
}

function Page() {
  const main = useRef<HTMLElement>(null);
  useEffect(keepUpToDate, []);
  useKeptFocus(main);
  const { view, about } = useCell(route);
  return (
    <>
      <button type="button" class="button skip" onClick={toContent}>
        Skip to the content
      </button>
      <Header />
      <StateLine />
      <div class="body">
        <Navigation current={view} />
        <main id="main" ref={main} tabIndex={-1}>
          <Notices />
          <Boundary key={[view, ...about].join("\n")}>
            <Shown view={view} about={about} />
          </Boundary>
        </main>
      </div>
      <LiveRegion />
    </>
  );
}

function toContent(): void {
  document.getElementById("main")?.focus();
}

function Shown({ view, about }: { view: View; about: string[] }) {
  const [first, second, third] = about;
  switch (view) {
    case "overview":
      return <OverviewView />;
    case "plan":
      return <PlanView />;
    case "run":
      return <RunView />;
    case "quarantine":
      return first && second ? (
        <QuarantinedView name={{ collection: first, id: second }} isShadow={third === SHADOW} />
      ) : (
        <QuarantineView isShadow={third === SHADOW} />
      );
    case "runs":
      return first ? <RunDetailView id={Number(first)} /> : <RunsView />;
    case "history":
      return <HistoryView />;
    case "collections":
      if (first && second) return <ItemView name={{ collection: first, id: second }} />;
      return first ? <ItemsView collection={first} /> : <CollectionsView />;
    case "backups":
      return <BackupsView />;
    case "audit":
      return <AuditView />;
  }
}
