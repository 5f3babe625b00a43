import { useState } from "preact/hooks";
import type { Activity } from "../api/types";
import { Action, Button } from "../parts/action";
import { ConfirmDialog } from "../parts/dialog";
import { setActivity } from "../state/live";
import { api } from "../state/session";
import { waitsFor } from "../state/situation";
import { ThrottleForm } from "./throttle";

/** Pauses, resumes, slows down and cancels the run that is going on. */
export function Controls({ activity }: { activity: Activity }) {
  const [isAsking, setAsking] = useState(false);
  const [isThrottling, setThrottling] = useState(false);
  const { run } = activity;
  if (run === null) return <p class="quiet">It can be directed once it has a run.</p>;
  const stopping = activity.is_stopping ? "It is being cancelled" : undefined;
  return (
    <>
      <div class="buttons">
        <HoldAction run={run} isPaused={waitsFor(activity).includes("paused")} blocked={stopping} />
        <Button changes blocked={stopping} onClick={() => setThrottling(!isThrottling)}>
          {isThrottling ? "Close the throttle" : "Throttle …"}
        </Button>
        <Button kind="danger" changes blocked={stopping} onClick={() => setAsking(true)}>
          Cancel …
        </Button>
      </div>
      {isThrottling && <ThrottleForm run={run} pacing={activity.pacing} />}
      {isAsking && <CancelDialog run={run} onClose={() => setAsking(false)} />}
    </>
  );
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

function CancelDialog({ run, onClose }: { run: number; onClose: () => void }) {
  const work = async () => {
    setActivity(await api().cancel(run));
    return "It is being cancelled";
  };
  return (
    <ConfirmDialog title={`Cancel run ${run}?`} verb="Cancel the run" work={work} onClose={onClose}>
      <p>
        It commits the batch in flight and stops. What is done stays: the run can go on later, or be undone.
      </p>
    </ConfirmDialog>
  );
}
