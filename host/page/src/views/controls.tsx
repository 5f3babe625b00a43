import { useState } from "preact/hooks";
import type { Activity } from "../api/types";
import { Action, Button } from "../parts/action";
import { ConfirmDialog } from "../parts/dialog";
import { setActivity } from "../state/live";
import { isOfOther, isOfRun, isUndo, runOf } from "../state/purpose";
import { api } from "../state/session";
import { waitsFor } from "../state/situation";
import { ThrottleForm } from "./throttle";

/** Pauses, resumes, slows down and cancels the run that is going on. */
export function Controls({ activity }: { activity: Activity }) {
  const [isAsking, setAsking] = useState(false);
  const [isThrottling, setThrottling] = useState(false);
  const run = runOf(activity);
  if (run === null || !activity.directed) return <p class="quiet">{undirected(activity)}</p>;
  const stopping = activity.is_stopping ? "It is being cancelled" : undefined;
  const isPaced = !isUndo(activity);
  return (
    <>
      <div class="buttons">
        <HoldAction run={run} isPaused={waitsFor(activity).includes("paused")} blocked={stopping} />
        {isPaced && (
          <Button changes blocked={stopping} onClick={() => setThrottling(!isThrottling)}>
            {isThrottling ? "Close the throttle" : "Throttle …"}
          </Button>
        )}
        <Button kind="danger" changes blocked={stopping} onClick={() => setAsking(true)}>
          Cancel …
        </Button>
      </div>
      {isPaced && isThrottling && (
        <ThrottleForm run={run} pacing={activity.pacing} isOther={isOfOther(activity)} />
      )}
      {isAsking && <CancelDialog activity={activity} run={run} onClose={() => setAsking(false)} />}
    </>
  );
}

/** Why work cannot be directed from here. */
function undirected(activity: Activity): string {
  if (!isOfOther(activity)) {
    return isOfRun(activity) ? "It can be directed once it has a run." : "It ends by itself.";
  }
  return activity.directed
    ? "It is directed on the command line: godwit pause, resume and cancel."
    : "Another process does it, which cannot be asked for anything from here.";
}

function HoldAction({
  run,
  isPaused,
  blocked,
}: {
  run: number;
  isPaused: boolean;
  blocked: string | undefined;
}) {
  const work = async () => {
    setActivity(await (isPaused ? api().resume(run) : api().pause(run)));
    return isPaused ? "It goes on" : "It pauses after the batch in flight";
  };
  return (
    <Action kind={isPaused ? "primary" : "plain"} work={work} blocked={blocked}>
      {isPaused ? "Resume" : "Pause"}
    </Action>
  );
}

function CancelDialog({ activity, run, onClose }: { activity: Activity; run: number; onClose: () => void }) {
  const work = async () => {
    setActivity(await api().cancel(run));
    return "It is being cancelled";
  };
  const what = isUndo(activity)
    ? { title: `Cancel the undo of run ${run}?`, verb: "Cancel the undo", text: UNDO_CANCELLED }
    : { title: `Cancel run ${run}?`, verb: "Cancel the run", text: RUN_CANCELLED };
  return (
    <ConfirmDialog title={what.title} verb={what.verb} work={work} onClose={onClose}>
      <p>{what.text}</p>
    </ConfirmDialog>
  );
}

const RUN_CANCELLED =
  "It commits the batch in flight and stops. What is done stays: the run can go on later, or be undone.";
const UNDO_CANCELLED =
  "It stops in the middle. What is put back stays so, and nothing else can be run: undo the run again, which goes on with the rest.";
