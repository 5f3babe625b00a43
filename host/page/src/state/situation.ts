/** Where things stand, in one line, and what to do next. */

import type { Activity, Planned, Run, ShadowStats, Status } from "../api/types";
import { brief, count, counted, percent, seconds } from "../format";
import type { View } from "../routes";

export type Tone = "calm" | "busy" | "good" | "warn" | "bad";

export interface Situation {
  tone: Tone;
  title: string;
  next: string;
  /** Where the next thing is done. */
  view: View;
}

export interface Known {
  status: Status;
  activity: Activity | null;
  shadow: ShadowStats | null;
  planned: Planned | null;
}

export function situationOf({ status, activity, shadow, planned }: Known): Situation {
  const open = status.collections.reduce((sum, collection) => sum + collection.open, 0);
  if (activity?.state === "working") return ofWork(activity);
  if (status.unfinished && status.unfinished.purpose !== "shadow")
    return ofUnfinished(status.unfinished, open);
  if (status.shadow) return ofShadow(status.shadow, shadow);
  return ofRest(planned, open);
}

/** What an activity is called. */
export function nameOf({ purpose, run }: Pick<Activity, "purpose" | "run">): string {
  const number = run === null ? "" : ` ${run}`;
  switch (purpose) {
    case "backup":
      return "A backup";
    case "undo":
      return `The undo of run${number}`;
    case "finalize":
      return "The finalization of the shadow run";
    case "reset":
      return "The reset of the shadow run";
    case "shadow":
      return `The shadow run${number}`;
    case "retry":
      return `The retry${run === null ? "" : `, run${number},`}`;
    case "up":
    case "down":
    case "item":
      return `Run${number}`;
    default:
      return `Activity "${purpose}"`;
  }
}

function ofWork(activity: Activity): Situation {
  const name = nameOf(activity);
  const view: View = "run";
  if (activity.is_stopping) {
    return {
      tone: "warn",
      title: `${name} is being cancelled`,
      next: "It commits what is in flight first.",
      view,
    };
  }
  const waits = waitsFor(activity);
  if (waits.length > 0) {
    const isPaused = waits.includes("paused");
    const title = isPaused ? `${name} is paused` : `${name} waits`;
    const others = waits.filter((reason) => reason !== "paused");
    const why = others.length > 0 ? `It waits: ${others.join(", ")}.` : "It keeps its lease.";
    return { tone: "warn", title, next: isPaused ? `${why} Resume lets it go on.` : why, view };
  }
  return { tone: "busy", title: `${name} is running`, next: howFar(activity), view };
}

/** Why work waits: what holds it, and what its run says. */
export function waitsFor(activity: Activity): string[] {
  return [...new Set([...activity.holds, ...(activity.progress?.waits_for ?? [])])];
}

function howFar({ progress }: Activity): string {
  if (!progress || progress.total === 0) return "There is nothing to do but wait.";
  const left = progress.seconds_left === null ? "" : `, ${seconds(progress.seconds_left)} left`;
  return `${percent(progress.read, progress.total)} % of ${count(progress.total)} items are read${left}.`;
}

function ofUnfinished(run: Run, open: number): Situation {
  const name = `Run ${run.id}`;
  const back = run.has_pre_images ? " An undo goes back." : "";
  switch (run.state) {
    case "blocked":
      if (open === 0) {
        return {
          tone: "warn",
          title: `${name} is blocked no more`,
          next: "Nothing is in quarantine any more. Go on with it.",
          view: "plan",
        };
      }
      return {
        tone: "warn",
        title: `${name} is blocked: ${counted(open, "item")} in quarantine`,
        next: `Retry them with a mended migration, or accept them; then go on with the run.${back}`,
        view: "quarantine",
      };
    case "failed":
      return {
        tone: "bad",
        title: `${name} failed`,
        next: `${run.reason ? `${brief(run.reason)}. ` : ""}Mend the cause, then go on with it.${back}`,
        view: "plan",
      };
    case "undoing":
      return {
        tone: "warn",
        title: `The undo of run ${run.id} was interrupted`,
        next: "Undo it again: it goes on with putting everything back.",
        view: "runs",
      };
    case "stopped":
      return { tone: "warn", title: `${name} was stopped`, next: `Go on with it.${back}`, view: "plan" };
    default:
      return { tone: "warn", title: `${name} was interrupted`, next: `Go on with it.${back}`, view: "plan" };
  }
}

function ofShadow(state: NonNullable<Status["shadow"]>, shadow: ShadowStats | null): Situation {
  const view: View = "plan";
  switch (state) {
    case "finalizing":
      return {
        tone: "warn",
        title: "The shadow run is being finalized",
        next: "The application must not write. Finalize goes on, Reset gives it up.",
        view,
      };
    case "switched":
      return {
        tone: "busy",
        title: "The shadow run is live",
        next: "Finalize drops what was there before.",
        view,
      };
    case "resetting":
      return { tone: "warn", title: "The shadow run is being dropped", next: "Reset goes on with it.", view };
    case "following":
      return { tone: "busy", title: "A shadow run is open", next: afterShadow(shadow), view };
  }
}

function afterShadow(shadow: ShadowStats | null): string {
  if (shadow && shadow.open > 0) {
    return `${counted(shadow.open, "item")} failed in the copies: deal with them, or reset.`;
  }
  if (shadow && !shadow.is_ready) return "Go on with it until it is ready, or reset.";
  return "Finalize makes it live, Reset drops it.";
}

function ofRest(planned: Planned | null, open: number): Situation {
  const refused = planned?.findings.filter((finding) => finding.severity === "refused").length ?? 0;
  const stages = planned?.plan.stages.length ?? 0;
  if (refused > 0) {
    const title = "Nothing can be planned";
    return { tone: "bad", title, next: `${counted(refused, "finding")} to deal with first.`, view: "plan" };
  }
  if (stages > 0) {
    const title = `Idle: ${counted(stages, "stage is", "stages are")} pending`;
    return { tone: "calm", title, next: "Look at the plan, then run it.", view: "plan" };
  }
  if (open > 0) {
    const title = `Idle: ${counted(open, "item")} in quarantine`;
    return { tone: "warn", title, next: "Retry or accept them.", view: "quarantine" };
  }
  if (!planned) return { tone: "calm", title: "Idle", next: "", view: "overview" };
  return {
    tone: "good",
    title: "Idle: everything is up to date",
    next: "There is nothing to do.",
    view: "overview",
  };
}
