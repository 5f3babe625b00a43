import type { Activity, RunProgress } from "../api/types";
import { rate, seconds, time } from "../format";
import { Facts } from "../parts/facts";
import { Meter } from "../parts/meter";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Tag, type TagTone } from "../parts/tag";
import { href } from "../routes";
import { nameOf, waitsFor } from "../state/situation";
import { Controls } from "./controls";

/** What is going on, or was last: how far it is, and what directs it. */
export function ActivityPanel({ activity, isShort = false }: { activity: Activity; isShort?: boolean }) {
  const [tone, state] = stateOf(activity);
  const { progress } = activity;
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

function Pace({ activity }: { activity: Activity }) {
  const { progress, started_at, ended_at } = activity;
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
