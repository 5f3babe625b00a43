/** What work is for, by the server's words for its own work, and by those of the command line for another process's. */

import type { Activity, Json, RunProgress } from "../api/types";

interface Purpose {
  /** What it is called; its run is not known at once. */
  name: (run: number | null) => string;
  /** Whether the run that is told with it is what it carries out, and not one that happens to be unfinished. */
  isOfRun: boolean;
}

type Named = Pick<Activity, "purpose" | "run">;

const numbered = (before: string, without: string, behind = "") => ({
  name: (run: number | null) => (run === null ? without : `${before} ${run}${behind}`),
  isOfRun: true,
});
const plain = (name: string, isOfRun = false) => ({ name: () => name, isOfRun });

const RUN = numbered("Run", "A run");
const SHADOW = numbered("The shadow run", "The shadow run");
const RETRY = numbered("The retry, run", "The retry", ",");

const PURPOSES = new Map<string, Purpose>([
  ["up", RUN],
  ["down", RUN],
  ["item", RUN],
  ["up of one item", RUN],
  ["shadow", SHADOW],
  ["up --shadow", SHADOW],
  ["finalize", plain("The finalization of the shadow run", true)],
  ["reset", plain("The reset of the shadow run")],
  ["retry", RETRY],
  ["quarantine retry", RETRY],
  ["undo", numbered("The undo of run", "The undo")],
  ["backup", plain("The backup")],
  ["backup verify", plain("The verification of a backup")],
  ["restore", plain("The restore of a backup")],
  ["import", plain("The import")],
  ["prune", plain("The pruning of runs")],
  ["baseline", plain("The noting of a baseline")],
  ["repair", plain("The repair of the history")],
]);

/** What an activity is called. */
export function nameOf(activity: Named): string {
  const { purpose } = activity;
  return PURPOSES.get(purpose)?.name(runOf(activity)) ?? `Activity "${purpose}"`;
}

/** Whether an activity carries out a run, or undoes one. */
export function isOfRun({ purpose }: Pick<Activity, "purpose">): boolean {
  return PURPOSES.get(purpose)?.isOfRun ?? false;
}

/** The run that an activity carries out, or undoes. */
export function runOf(activity: Named): number | null {
  return isOfRun(activity) ? activity.run : null;
}

/** Whether another process does it. */
export function isOfOther({ number }: Pick<Activity, "number">): boolean {
  return number === 0;
}

export function isUndo({ purpose }: Pick<Activity, "purpose">): boolean {
  return purpose === "undo";
}

/** How far an activity is. How far its run was says nothing of an undo, nor another run's progress of anything. */
export function progressOf(activity: Activity): RunProgress | null {
  return runOf(activity) === null || isUndo(activity) ? null : activity.progress;
}

/** What an undo came to, if a result is that of one. */
export function undoResult(result: Json): { restored: number; left: number } | null {
  if (result === null || typeof result !== "object" || Array.isArray(result)) return null;
  const { restored, left } = result;
  return typeof restored === "number" && typeof left === "number" ? { restored, left } : null;
}
