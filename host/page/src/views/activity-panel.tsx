import type { Activity, RunProgress } from "../api/types";
import { useCell } from "../cell";
import { count, rate, seconds, time } from "../format";
import { Facts } from "../parts/facts";
import { Meter } from "../parts/meter";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Tag, type TagTone } from "../parts/tag";
import { href } from "../routes";
import { putBack } from "../state/live";
import { isUndo, nameOf, progressOf, undoResult } from "../state/purpose";
import { waitsFor } from "../state/situation";
import { Controls } from "./controls";

/** What is going on, or was last: how far it is, and what directs it. */
export function ActivityPanel({ activity, isShort = false }: { activity: Activity; isShort?: boolean }) {
  const [tone, state] = stateOf(activity);
  const progress = progressOf(activity);
  const isWorking = activity.state === "working";
  return (
    <Panel
      class="activity"
      title={nameOf(activity)}
      aside={
        <>
          <Tag tone={tone}>{state}</Tag>
          {isShort && <a href={href("run")}>To the run</a>}
        </>
      }
    >
      {progress ? (
        <All progress={progress} />
      ) : (
        isWorking && <Meter label="Going on" done={0} total={0} isUnknown />
      )}
      {isUndo(activity) && <Undone activity={activity} />}
      <Pace activity={activity} />
      {isWorking && <Controls activity={activity} />}
      <ProblemNote problem={activity.error} />
    </Panel>
  );
}

function stateOf(activity: Activity): [TagTone, string] {
  if (activity.state === "failed") return ["bad", "failed"];
  if (activity.state === "done") return ["good", "done"];
  if (activity.is_stopping) return ["warn", "being cancelled"];
  const waits = waitsFor(activity);
  if (waits.length > 0) return ["warn", waits.includes("paused") ? "paused" : "waiting"];
  return ["busy", "running"];
}

function All({ progress }: { progress: RunProgress }) {
  return <Meter label="All steps" done={progress.read} total={progress.total} />;
}

/** What an undo has put back; one of another process does not say. */
function Undone({ activity: { number, result } }: { activity: Activity }) {
  const told = useCell(putBack);
  const known = undoResult(result) ?? (told?.activity === number ? told : null);
  return (
    <Facts
      class="figures"
      facts={[
        known && ["Put back", count(known.restored)],
        known && ["Left, as they were changed since", count(known.left)],
      ]}
    />
  );
}

function Pace({ activity }: { activity: Activity }) {
  const { started_at, ended_at } = activity;
  const progress = progressOf(activity);
  const isWorking = activity.state === "working";
  const waits = waitsFor(activity);
  return (
    <Facts
      class="figures"
      facts={[
        isWorking && progress && ["Items a second", rate(progress.items_per_second)],
        isWorking && progress && ["Time left", seconds(progress.seconds_left)],
        started_at !== null && ["Started", time(started_at)],
        ended_at !== null &&
          started_at !== null && [
            "Ended",
            `${time(ended_at)}, after ${seconds((ended_at - started_at) / 1000)}`,
          ],
        isWorking && waits.length > 0 && ["Why it waits", waits.join(", ")],
      ]}
    />
  );
}
