/** What is shown of an activity, of what answers and events say of it: they cross on their way. */

import type { Activity, RunEvent } from "../api/types";
import { isOfOther, progressOf } from "./purpose";

type Progressed = Extract<RunEvent, { event: "batch_committed" }>;

/** Whether two answers are about the same work. All of other processes has the same number. */
export function isSame(one: Activity | null, other: Activity | null): boolean {
  return one?.number === other?.number && one?.purpose === other?.purpose;
}

/** Whether two answers are about the same run of the same work, so that their figures go on from each other. */
export function isSameRun(one: Activity | null, other: Activity | null): boolean {
  return isSame(one, other) && one?.run === other?.run;
}

/** The activity as an event says that it is by now; `null` where that is about another one. */
export function advanced(shown: Activity | null, told: Progressed): Activity | null {
  if (shown?.state !== "working" || shown.number !== told.activity) return null;
  return { ...shown, run: told.progress.run, progress: told.progress };
}

/** What an answer says, but for progress that is behind what was heard while it was on its way. */
export function caughtUp(shown: Activity | null, found: Activity | null): Activity | null {
  if (!shown || found?.state !== "working" || !isSame(shown, found)) return found;
  return isBehind(found, shown) ? { ...found, run: shown.run, progress: shown.progress } : found;
}

function isBehind(found: Activity, shown: Activity): boolean {
  // One work may carry out several runs, one after another. That another process has begun anew is not told.
  if (found.run !== shown.run) return !isOfOther(found) && (found.run ?? 0) < (shown.run ?? 0);
  const [now, known] = [progressOf(found), progressOf(shown)];
  return now !== null && known !== null && now.read < known.read;
}
