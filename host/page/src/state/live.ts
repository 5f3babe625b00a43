/** What the page knows of the server, kept up to date by its events and by asking again. */

import { ApiError, UNREACHED } from "../api/client";
import { follow } from "../api/events";
import type { ServerEvent } from "../api/sse";
import type { Activity, Planned, RunEvent, RunProgress, ShadowStats, Status } from "../api/types";
import { Cell, derived } from "../cell";
import { announce } from "./announce";
import { noted, type Sample } from "./rate";
import { api, session } from "./session";
import { situationOf } from "./situation";
import { type Line, linesOf } from "./told";

/** How often to ask while something goes on, or no events come; and otherwise. In milliseconds. */
const ASK_BUSY = 2_000;
const ASK_IDLE = 10_000;
/** Events that come together lead to one question. */
const TOGETHER = 250;
const MOST_LINES = 200;

export const status = new Cell<Status | null>(null);
export const activity = new Cell<Activity | null>(null);
export const shadow = new Cell<ShadowStats | null>(null);
export const planned = new Cell<Planned | null>(null);
export const samples = new Cell<readonly Sample[]>([]);
export const lines = new Cell<readonly Line[]>([]);
/** Grows with each change of what lists show, so that they are read again. */
export const changes = new Cell(0);

const isReached = new Cell<boolean | null>(null);
const isStreaming = new Cell<boolean | null>(null);

export type Connection = "connecting" | "live" | "asking" | "lost";

export const connection = derived<Connection>([isReached, isStreaming], () => {
  if (isReached.value === false) return "lost";
  if (isReached.value === null || isStreaming.value === null) return "connecting";
  return isStreaming.value ? "live" : "asking";
});

export const isWorking = derived([activity], () => activity.value?.state === "working");

export const situation = derived([status, activity, shadow, planned], () => {
  const known = status.value;
  if (!known) return null;
  return situationOf({
    status: known,
    activity: activity.value,
    shadow: shadow.value,
    planned: planned.value,
  });
});

/** Starts to keep everything up to date; gives what ends it. */
export function keepUpToDate(): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  forget();
  void follow(
    {
      open: (lastId, signal) => api().events(lastId, signal),
      onEvent: take,
      onConnection: (isConnected) => {
        isStreaming.value = isConnected;
        refreshSoon();
      },
    },
    signal,
  );
  const timer = setInterval(askNowAndThen, 1000);
  const onOffline = () => {
    isReached.value = false;
  };
  globalThis.addEventListener("offline", onOffline, { signal });
  globalThis.addEventListener("online", refreshSoon, { signal });
  const stopTelling = [situation, connection].map((cell) => cell.listen(tellSituation));
  void refresh();
  return () => {
    stop.abort();
    clearInterval(timer);
    for (const stop of stopTelling) stop();
  };
}

function forget(): void {
  for (const known of [status, activity, shadow, planned, isReached, isStreaming]) known.value = null;
  samples.value = [];
  lines.value = [];
}

let isAsking = false;
let asksAgain = false;
let askedAt = 0;
let soon: ReturnType<typeof setTimeout> | undefined;

export function refreshSoon(): void {
  if (soon !== undefined) return;
  soon = setTimeout(() => {
    soon = undefined;
    void refresh();
  }, TOGETHER);
}

function askNowAndThen(): void {
  if (document.hidden) return;
  const every = isWorking.value || connection.value !== "live" ? ASK_BUSY : ASK_IDLE;
  if (Date.now() - askedAt >= every) void refresh();
}

/** Asks for everything that is shown on every view. */
export async function refresh(): Promise<void> {
  asksAgain = isAsking;
  if (isAsking) return;
  isAsking = true;
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.problem.status === UNREACHED) isReached.value = false;
  } finally {
    askedAt = Date.now();
    isAsking = false;
    if (asksAgain) refreshSoon();
  }
}

async function ask(): Promise<void> {
  const current = session.value;
  if (!current) return;
  const { client } = current;
  const [newStatus, newActivity] = await Promise.all([client.status(), client.activity()]);
  const isBusy = newActivity?.state === "working";
  const [newShadow, newPlanned] = await Promise.all([
    newStatus.shadow ? client.shadow() : null,
    isBusy ? planned.value : client.plan({}).catch(() => null),
  ]);
  if (session.value !== current) return;
  // What could not be read while the server was away is read now.
  const isOther = (before: unknown, now: unknown) => JSON.stringify(before) !== JSON.stringify(now);
  // The status says nothing of what is in quarantine in a shadow run.
  const isChanged = isOther(status.value, newStatus) || shadow.value?.open !== newShadow?.open;
  if (!isReached.value || isChanged) changes.value += 1;
  isReached.value = true;
  status.value = newStatus;
  shadow.value = newShadow;
  planned.value = newPlanned;
  setActivity(newActivity);
}

/** Takes what an answer says of the activity. Lists say something else once one begins or ends; how far it is does not matter. */
export function setActivity(found: Activity | null): void {
  const before = activity.value;
  if (found?.number !== before?.number) samples.value = [];
  if (found?.number !== before?.number || found?.state !== before?.state) changes.value += 1;
  activity.value = found;
  if (found?.state === "working" && found.progress) sample(found.progress, Date.now());
}

function sample(progress: RunProgress, at: number): void {
  samples.value = noted(samples.value, { at, read: progress.read });
}

function take(event: ServerEvent): void {
  const told = parse(event.data);
  if (told?.event === "batch_committed" && isWorking.value) takeProgress(told.progress);
  else if (told && event.name !== "hello") takeLines(told);
  else refreshSoon();
}

function takeLines(told: RunEvent): void {
  const more = linesOf(told);
  if (more.length > 0) lines.value = [...lines.value, ...more].slice(-MOST_LINES);
  if (told.event !== "log") refreshSoon();
}

function takeProgress(progress: RunProgress): void {
  const current = activity.value;
  if (!current) return;
  activity.value = { ...current, run: progress.run, progress };
  sample(progress, Date.now());
}

function parse(data: string): RunEvent | null {
  try {
    return JSON.parse(data) as RunEvent;
  } catch {
    return null;
  }
}

let lastTold = "";

function tellSituation(): void {
  const title = connection.value === "lost" ? "The connection is lost" : (situation.value?.title ?? "");
  if (title && title !== lastTold) announce(title);
  lastTold = title;
}
