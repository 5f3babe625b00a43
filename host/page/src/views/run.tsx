import type { Activity, Report } from "../api/types";
import { useCell } from "../cell";
import { clock, counted } from "../format";
import { RateChart } from "../parts/chart";
import { Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { Panel } from "../parts/panel";
import { StateTag } from "../parts/tag";
import { href } from "../routes";
import { activity, lines, samples, shadow, status } from "../state/live";
import { progressOf } from "../state/purpose";
import { ActivityPanel } from "./activity-panel";
import { ShadowPanel } from "./shadow-panel";
import { StepBars } from "./step-bars";

/** The run that is going on, or that was last. */
export function RunView() {
  const current = useCell(activity);
  const copies = useCell(shadow);
  return (
    <>
      <Heading title="Run" />
      {current ? <Going activity={current} /> : <Nothing />}
      {copies && <ShadowPanel shadow={copies} />}
      <Lines />
    </>
  );
}

function Going({ activity: current }: { activity: Activity }) {
  const isWorking = current.state === "working";
  return (
    <>
      <div class="pair">
        <ActivityPanel activity={current} />
        {isWorking ? progressOf(current) && <Throughput /> : <Reports reports={current.reports ?? []} />}
      </div>
      <Steps activity={current} />
    </>
  );
}

/** The steps of the run that goes on, or of each that has ended. */
function Steps({ activity: current }: { activity: Activity }) {
  const progress = progressOf(current);
  const ended = current.reports ?? [];
  const all = progress
    ? [{ title: "Steps", steps: progress.steps }]
    : ended.map(({ run, steps }) => ({
        title: ended.length > 1 ? `Steps of run ${run.id}` : "Steps",
        steps,
      }));
  return (
    <>
      {all
        .filter(({ steps }) => steps.length > 0)
        .map(({ title, steps }) => (
          <Panel key={title} title={title}>
            <StepBars steps={steps} />
          </Panel>
        ))}
    </>
  );
}

function Throughput() {
  return (
    <Panel title="Throughput">
      <RateChart samples={useCell(samples)} now={Date.now()} />
    </Panel>
  );
}

function Nothing() {
  const run = useCell(status)?.unfinished;
  return (
    <p class="empty">
      Nothing is going on.{" "}
      {run ? <a href={href("runs", run.id)}>Run {run.id}</a> : <a href={href("runs")}>The runs</a>}{" "}
      {run ? "is not finished." : "tell what was done."}
    </p>
  );
}

function Reports({ reports }: { reports: Report[] }) {
  if (reports.length === 0) return null;
  return (
    <Panel title="What came of it">
      <ul class="summary">
        {reports.map(({ run, open }) => (
          <li key={run.id}>
            <a href={href("runs", run.id)}>Run {run.id}</a> <StateTag state={run.state} />{" "}
            {open > 0 && <a href={href("quarantine")}>{counted(open, "item")} in quarantine</a>}{" "}
            {run.reason && <Said text={run.reason} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Lines() {
  const told = useCell(lines);
  if (told.length === 0) return null;
  return (
    <Panel title="What happened">
      <ol class="told" reversed tabIndex={0} aria-label="What happened, the newest first">
        {told.toReversed().map((line, place) => (
          <li key={told.length - place} class={line.tone}>
            <time>{clock(line.at)}</time> <bdi>{line.text}</bdi>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
