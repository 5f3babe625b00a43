import type { StepProgress, StepReport } from "../api/types";
import { count, seconds } from "../format";
import { Facts } from "../parts/facts";
import { Meter } from "../parts/meter";
import { Tag } from "../parts/tag";

/** A step, with how far it is where that is known. */
type Shown = StepReport & Partial<StepProgress>;

/** A bar for each step, with what became of its items. */
export function StepBars({ steps }: { steps: Shown[] }) {
  return (
    <ol class="steps" aria-label="Steps">
      {steps.map((step) => (
        <li key={`${step.app} ${step.version} ${step.phase} ${step.step} ${step.collection}`}>
          <p class="what">
            <b>{step.app}</b> {step.version}{" "}
            <span class="quiet">
              {step.phase} · over {step.collection}
            </span>{" "}
            <StepTag step={step} />
          </p>
          <HowFar step={step} />
          {isBegun(step) && <StepCounts step={step} />}
        </li>
      ))}
    </ol>
  );
}

/** What a step that has ended before its end had left to do is not told. */
function HowFar({ step: { step, done, counts, total } }: { step: Shown }) {
  const label = `Step ${step}`;
  const all = done ? counts.read : total;
  return all === undefined ? <b>{label}</b> : <Meter label={label} done={counts.read} total={all} />;
}

function isBegun(step: Shown): boolean {
  return step.done || step.counts.read > 0;
}

function StepTag({ step }: { step: Shown }) {
  if (step.done) return <Tag tone="good">done</Tag>;
  return isBegun(step) ? <Tag tone="busy">begun</Tag> : <Tag>not begun</Tag>;
}

function StepCounts({ step: { counts, done, seconds_left } }: { step: Shown }) {
  return (
    <Facts
      class="counts"
      facts={[
        ["Read", count(counts.read)],
        ["Unchanged", count(counts.unchanged)],
        ["Updated", count(counts.updated)],
        ["Removed", count(counts.removed)],
        ["Failed", <span class={counts.failed > 0 ? "bad-text" : ""}>{count(counts.failed)}</span>],
        ["Written", count(counts.written)],
        !done && typeof seconds_left === "number" && ["Time left", seconds(seconds_left)],
      ]}
    />
  );
}
