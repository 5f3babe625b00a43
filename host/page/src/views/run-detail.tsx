import { useState } from "preact/hooks";
import type { Run, RunDetail } from "../api/types";
import { counted, time } from "../format";
import { Action, Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Facts } from "../parts/facts";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { StateTag, Tag } from "../parts/tag";
import { href } from "../routes";
import { type DownGoal, downGoal } from "../state/down";
import { setActivity } from "../state/live";
import { api } from "../state/session";
import { Stages } from "./plan-stages";
import { StepBars } from "./step-bars";
import { UndoDialog } from "./undo-dialog";

export function RunDetailView({ id }: { id: number }) {
  const { value, problem } = useLoaded(`run ${id}`, () => api().run(id));
  return (
    <>
      <Heading title={`Run ${id}`}>
        <p class="lead">
          <a href={href("runs")}>Runs</a> / {id}
        </p>
      </Heading>
      <ProblemNote problem={problem} />
      {value ? <Shown detail={value.value} /> : !problem && <Loading />}
    </>
  );
}

function Shown({ detail: { report, progress, retreat } }: { detail: RunDetail }) {
  const { run, open } = report;
  const steps = progress?.steps ?? report.steps;
  return (
    <>
      <Panel title="What it is" aside={<State run={run} isAlive={progress?.is_alive ?? false} />}>
        {run.reason && (
          <p class="reason">
            <Said text={run.reason} />
          </p>
        )}
        <Facts
          facts={[
            ["For", run.purpose],
            ["Started", time(run.started_at)],
            ["Changed last", time(run.changed_at)],
            ["Stages done", `${run.stages_done} of ${run.plan.stages.length}`],
            [
              "In quarantine",
              open > 0 ? <a href={href("quarantine")}>{counted(open, "item")}</a> : "nothing",
            ],
            ["Pre-images", run.has_pre_images ? "are kept" : "are not there"],
            run.backup !== undefined && ["Backup before it", <Id text={run.backup} />],
            ["Taken back by", retreat ? <code>{retreat}</code> : "nothing"],
          ]}
        />
        <WaysOn run={run} />
      </Panel>
      {steps.length > 0 && (
        <Panel title="Steps">
          <StepBars steps={steps} />
        </Panel>
      )}
      <Panel title="Its plan">
        <Stages stages={run.plan.stages} done={run.stages_done} />
      </Panel>
    </>
  );
}

/** Its state; a run whose process has ended is still said to be running. */
function State({ run: { state }, isAlive }: { run: Run; isAlive: boolean }) {
  return state === "running" && !isAlive ? <Tag tone="warn">interrupted</Tag> : <StateTag state={state} />;
}

/** What can be done about a run. */
function WaysOn({ run }: { run: Run }) {
  const isUndoable = run.has_pre_images && run.state !== "undone";
  const goal = downGoal(run);
  if (!isUndoable && !goal) return null;
  return (
    <div class="buttons">
      {goal && <GoDown run={run.id} goal={goal} />}
      {isUndoable && <UndoButton run={run.id} />}
    </div>
  );
}

/** Goes on with a way back, which no plan does. */
function GoDown({ run, goal }: { run: number; goal: DownGoal }) {
  const work = async () => {
    setActivity(await api().startRun({ purpose: "down", ...goal }));
    location.hash = href("run");
    return "The run is under way";
  };
  return (
    <Action kind="primary" work={work} blocked={useBusy()}>
      Go on with run {run}
    </Action>
  );
}

function UndoButton({ run }: { run: number }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button kind="danger" changes blocked={useBusy()} onClick={() => setAsking(true)}>
        Undo …
      </Button>
      {isAsking && <UndoDialog run={run} onClose={() => setAsking(false)} />}
    </>
  );
}
