import type { StepProgress } from "../api/types";
import { count, seconds } from "../format";
import { Facts } from "../parts/facts";
import { Meter } from "../parts/meter";
import { Tag } from "../parts/tag";

/** A bar for each step, with what became of its items. */
export function StepBars({ steps }: { steps: StepProgress[] }) {
  return (
    <ol class="steps" aria-label="Steps">
      {steps.map((step) => (
        <li key={`${step.app} ${step.version} ${step.phase} ${step.step}`}>
          <p class="what">
            <b>{step.app}</b> {step.version}{" "}
            <span class="quiet">
              {step.phase} · over {step.collection}
            </span>{" "}
            <StepTag step={step} />
          </p>
          <Meter
            label={`Step ${step.step}`}
            done={step.counts.read}
            total={step.done ? step.counts.read : step.total}
          />
          {isBegun(step) && <StepCounts step={step} />}
        </li>
      ))}
    </ol>
  );
}

function isBegun(step: StepProgress): boolean {
  return step.done || step.counts.read > 0;
}

function StepTag({ step }: { step: StepProgress }) {
  if (step.done) return <Tag tone="good">done</Tag>;
  return isBegun(step) ? <Tag tone="busy">begun</Tag> : <Tag>not begun</Tag>;
}

function StepCounts({ step: { counts, done, seconds_left } }: { step: StepProgress }) {
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
        !done && seconds_left !== null && ["Time left", seconds(seconds_left)],
      ]}
    />
  );
}
