/** Ways back that were interrupted. */

import type { Run, RunState } from "../api/types";

export interface DownGoal {
  app: string;
  to: string;
}

const UNFINISHED: RunState[] = ["running", "stopped", "failed", "blocked"];

/** Where an unfinished way back leads to, by which it is gone on with; `null` for any other run. */
export function downGoal({ purpose, state, plan }: Run): DownGoal | null {
  const stage = plan.stages[0];
  if (purpose !== "down" || !UNFINISHED.includes(state) || !stage) return null;
  return { app: stage.app, to: stage.version };
}
