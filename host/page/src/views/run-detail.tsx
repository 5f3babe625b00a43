import { useState } from "preact/hooks";
import type { RunDetail } from "../api/types";
import { counted, time } from "../format";
import { Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Facts } from "../parts/facts";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { StateTag } from "../parts/tag";
import { href } from "../routes";
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
  return (
    <>
      <Panel title="What it is" aside={<StateTag state={run.state} />}>
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
        {run.has_pre_images && run.state !== "undone" && <UndoButton run={run.id} />}
      </Panel>
      {progress.steps.length > 0 && (
        <Panel title="Steps">
          <StepBars steps={progress.steps} />
        </Panel>
      )}
      <Panel title="Its plan">
        <Stages stages={run.plan.stages} done={run.stages_done} />
      </Panel>
    </>
  );
}

function UndoButton({ run }: { run: number }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <div class="buttons">
      <Button kind="danger" changes blocked={useBusy()} onClick={() => setAsking(true)}>
        Undo …
      </Button>
      {isAsking && <UndoDialog run={run} onClose={() => setAsking(false)} />}
    </div>
  );
}
