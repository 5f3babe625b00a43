import { useCell } from "../cell";
import { href, route, type View } from "../routes";
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
  const about = found.run === undefined ? [] : [found.run];
  const isHere = current.view === found.view && current.about.join() === about.join();
  return (
    <section class={`state ${found.tone}`} aria-label="State">
      <p>
        <strong>{found.title}</strong> <span>{found.next}</span>
      </p>
      {!isHere && found.view !== "overview" && (
        <a href={href(found.view, ...about)}>{about.length > 0 ? "To the run" : WAYS[found.view]}</a>
      )}
    </section>
  );
}

const WAYS: Partial<Record<View, string>> = {
  plan: "To the plan",
  run: "To the run",
  quarantine: "To the quarantine",
};
