import { useCell } from "../cell";
import { href, route } from "../routes";
import { situation } from "../state/live";

/** Where things stand, on every view. */
export function StateLine() {
  const found = useCell(situation);
  const current = useCell(route);
  if (!found) {
    return (
      <section class="state calm" aria-label="State">
        <p>Reading the store …</p>
      </section>
    );
  }
  const isHere = current.view === found.view;
  return (
    <section class={`state ${found.tone}`} aria-label="State">
      <p>
        <strong>{found.title}</strong> <span>{found.next}</span>
      </p>
      {!isHere && found.view !== "overview" && (
        <a href={href(found.view)}>{WAYS[found.view] ?? "Go there"}</a>
      )}
    </section>
  );
}

const WAYS: Partial<Record<string, string>> = {
  plan: "To the plan",
  run: "To the run",
  runs: "To the runs",
  quarantine: "To the quarantine",
};
