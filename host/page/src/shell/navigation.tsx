import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { count } from "../format";
import { href, route, VIEWS, type View } from "../routes";
import { isWorking, planned, status } from "../state/live";

const NAMES: Record<View, string> = {
  overview: "Overview",
  plan: "Plan",
  run: "Run",
  quarantine: "Quarantine",
  runs: "Runs",
  history: "History",
  collections: "Collections",
  backups: "Backups",
  audit: "Audit log",
};

export function Navigation({ current }: { current: View }) {
  const [isOpen, setOpen] = useState(false);
  const { about } = useCell(route);
  return (
    <nav class={isOpen ? "views open" : "views"} aria-label="Views">
      <button
        type="button"
        class="button menu"
        aria-expanded={isOpen}
        aria-controls="views"
        onClick={() => setOpen(!isOpen)}
      >
        <span aria-hidden="true">☰</span> {NAMES[current]}
        <span class="unseen">: menu</span>
      </button>
      <ul id="views">
        {VIEWS.map((view) => (
          <li key={view}>
            <a
              href={href(view)}
              aria-current={view === current ? (about.length > 0 ? "true" : "page") : undefined}
              onClick={() => setOpen(false)}
            >
              {NAMES[view]}
              <Mark view={view} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** What waits in a view. */
function Mark({ view }: { view: View }) {
  switch (view) {
    case "plan":
      return <Pending />;
    case "run":
      return <GoingOn />;
    case "quarantine":
      return <Failed />;
    default:
      return null;
  }
}

function Pending() {
  const stages = useCell(planned)?.plan.stages.length ?? 0;
  return <Waiting number={useCell(isWorking) ? 0 : stages} what="pending" />;
}

function GoingOn() {
  if (!useCell(isWorking)) return null;
  return (
    <span class="pulse">
      <span class="unseen">, going on</span>
    </span>
  );
}

function Failed() {
  const collections = useCell(status)?.collections ?? [];
  const open = collections.reduce((sum, one) => sum + one.open, 0);
  return <Waiting number={open} what="items" isBad />;
}

function Waiting({ number, what, isBad = false }: { number: number; what: string; isBad?: boolean }) {
  if (number === 0) return null;
  return (
    <span class={isBad ? "badge bad" : "badge"}>
      {count(number)}
      <span class="unseen"> {what}</span>
    </span>
  );
}
