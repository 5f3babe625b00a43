import { useSignal } from "@preact/signals";
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
  const isOpen = useSignal(false);
  return (
    <nav class={isOpen.value ? "views open" : "views"} aria-label="Views">
      <button
        type="button"
        class="button menu"
        aria-expanded={isOpen.value}
        aria-controls="views"
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <span aria-hidden="true">☰</span> {NAMES[current]}
        <span class="unseen">: menu</span>
      </button>
      <ul id="views">
        {VIEWS.map((view) => (
          <li key={view}>
            <a
              href={href(view)}
              aria-current={view === current ? (route.value.about.length > 0 ? "true" : "page") : undefined}
              onClick={() => {
                isOpen.value = false;
              }}
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
    case "plan": {
      const stages = planned.value?.plan.stages.length ?? 0;
      return <Waiting number={isWorking.value ? 0 : stages} what="pending" />;
    }
    case "run":
      return isWorking.value ? (
        <span class="pulse">
          <span class="unseen">, going on</span>
        </span>
      ) : null;
    case "quarantine": {
      const open = status.value?.collections.reduce((sum, one) => sum + one.open, 0) ?? 0;
      return <Waiting number={open} what="items" isBad />;
    }
    default:
      return null;
  }
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
