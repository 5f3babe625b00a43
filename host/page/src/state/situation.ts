/** Where things stand, in one line, and what to do next. */

import type { Activity, Busy, Planned, Run, ShadowStats, Status } from "../api/types";
import { brief, count, counted, percent, seconds, time } from "../format";
import type { View } from "../routes";
import { isOfOther, isUndo, nameOf, progressOf } from "./purpose";

export type Tone = "calm" | "busy" | "good" | "warn" | "bad";

export interface Situation {
  tone: Tone;
  title: string;
  next: string;
  /** Where the next thing is done. */
  view: View;
  /** The run whose page that is. */
  run?: number;
}

export interface Known {
  status: Status;
  activity: Activity | null;
  shadow: ShadowStats | null;
  planned: Planned | null;
}

export function situationOf({ status, activity, shadow, planned }: Known): Situation {
  const open = status.collections.reduce((sum, collection) => sum + collection.open, 0);
  if (activity?.state === "working") return ofWork(activity, status.busy);
  if (status.busy) return ofBusy(status.busy);
  if (status.unfinished && status.unfinished.purpose !== "shadow")
    return ofUnfinished(status.unfinished, open);
  const rest = status.shadow ? ofShadow(status.shadow, shadow) : ofRest(planned, open);
  return activity?.state === "failed" ? ofFailed(activity, rest) : rest;
}

function ofWork(activity: Activity, busy: Busy | undefined): Situation {
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
  const isAsked = activity.directed || !isOfOther(activity);
  const next = isAsked ? howFar(activity) : `${busy?.holder ?? "Another process"} does it. ${UNASKED}`;
  return { tone: "busy", title: `${name} is running`, next, view };
}

const UNASKED = "How far it is cannot be asked from here.";

function ofBusy({ holder, purpose }: Busy): Situation {
  return { tone: "busy", title: `${holder} is busy with ${purpose}`, next: UNASKED, view: "run" };
}

/** Something that failed, and has left no run behind that would say so; it is told until something else is begun. */
function ofFailed(activity: Activity, rest: Situation): Situation {
  const { error, ended_at } = activity;
  const when = ended_at === null ? "" : `${time(ended_at)}: `;
  const why = brief(error?.detail ?? error?.title ?? "nobody knows why");
  const title = `${nameOf(activity)} failed`;
  return { tone: "bad", title, next: `${when}${why}. ${rest.title}. ${rest.next}`.trim(), view: "run" };
}

/** Why work waits: what holds it, and what its run says. */
export function waitsFor(activity: Activity): string[] {
  return [...new Set([...activity.holds, ...(progressOf(activity)?.waits_for ?? [])])];
}

function howFar(activity: Activity): string {
  if (isUndo(activity)) return "What the run has changed is being put back.";
  const progress = progressOf(activity);
  if (!progress || progress.total === 0) return "There is nothing to do but wait.";
  const left = progress.seconds_left === null ? "" : `, ${seconds(progress.seconds_left)} left`;
  return `${percent(progress.read, progress.total)} % of ${count(progress.total)} items are read${left}.`;
}

function ofUnfinished(run: Run, open: number): Situation {
  const name = `Run ${run.id}`;
  const back = run.has_pre_images ? " An undo goes back." : "";
  // A plan goes forward only: a way back is gone on with at its run.
  const onward = run.purpose === "down" ? { view: "runs" as const, run: run.id } : { view: "plan" as const };
  switch (run.state) {
    case "blocked":
      if (open === 0) {
        return {
          tone: "warn",
          title: `${name} is blocked no more`,
          next: "Nothing is in quarantine any more. Go on with it.",
          ...onward,
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
        ...onward,
      };
    case "undoing":
      return {
        tone: "warn",
        title: `The undo of run ${run.id} was interrupted`,
        next: "Undo it again: it goes on with putting everything back.",
        view: "runs",
        run: run.id,
      };
    case "stopped":
      return { tone: "warn", title: `${name} was stopped`, next: `Go on with it.${back}`, ...onward };
    default:
      return { tone: "warn", title: `${name} was interrupted`, next: `Go on with it.${back}`, ...onward };
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
