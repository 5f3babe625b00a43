import type { AppStatus } from "../api/types";
import { useCell } from "../cell";
import { bytes } from "../format";
import { Heading } from "../parts/heading";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";
import { href } from "../routes";
import { activity, isWorking, planned, shadow, status } from "../state/live";
import { ActivityPanel } from "./activity-panel";
import { TalliesTable } from "./collections";
import { PlanSummary } from "./plan-stages";
import { ShadowPanel } from "./shadow-panel";

export function OverviewView() {
  const known = useCell(status);
  const current = useCell(activity);
  const isBusy = useCell(isWorking);
  const copies = useCell(shadow);
  return (
    <>
      <Heading title="Overview" />
      {current && isBusy && <ActivityPanel activity={current} isShort />}
      {copies && <ShadowPanel shadow={copies} />}
      {!isBusy && <Pending />}
      {known ? (
        <>
          <Panel title="Apps">
            <AppTable apps={known.apps} />
          </Panel>
          <Panel title="Collections" aside={<span class="quiet">{bytes(known.bytes)} on disk</span>}>
            <TalliesTable collections={known.collections} />
          </Panel>
        </>
      ) : (
        <Loading />
      )}
    </>
  );
}

function Pending() {
  const found = useCell(planned);
  if (!found || (found.plan.stages.length === 0 && found.findings.length === 0)) return null;
  return (
    <Panel title="Pending" aside={<a href={href("plan")}>To the plan</a>}>
      <PlanSummary planned={found} />
    </Panel>
  );
}

function AppTable({ apps }: { apps: AppStatus[] }) {
  return (
    <Table
      caption="Apps with their versions"
      rows={apps}
      keyOf={(app) => app.app}
      empty="There is no app yet."
      columns={[
        { head: "App", cell: (app) => app.app, isName: true },
        { head: "Version", cell: (app) => app.version ?? "none" },
        { head: "May serve now", cell: (app) => <Serves app={app} /> },
        { head: "Baseline", cell: (app) => app.baseline ?? "none" },
        { head: "Applied", cell: (app) => <Applied app={app} /> },
      ]}
    />
  );
}

function Serves({ app }: { app: AppStatus }) {
  if (app.serves) return <Tag tone="good">{app.serves}</Tag>;
  return (
    <>
      <Tag tone="warn">none</Tag> items are between two versions
    </>
  );
}

function Applied({ app }: { app: AppStatus }) {
  if (app.applied.length === 0) return <>nothing</>;
  return <>{app.applied.map(([version, phases]) => `${version} (${phases.join(", ")})`).join("; ")}</>;
}
