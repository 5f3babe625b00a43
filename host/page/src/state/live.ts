/** What the page knows of the server, kept up to date by its events and by asking again. */

import { type Client, problemOf, UNREACHED } from "../api/client";
import { follow } from "../api/events";
import type { ServerEvent } from "../api/sse";
import type { Activity, Planned, Problem, RunEvent, ShadowStats, Status } from "../api/types";
import { Cell, derived } from "../cell";
import { announce } from "./announce";
import { advanced, caughtUp, isSame, isSameRun } from "./merge";
import { nameOf, progressOf } from "./purpose";
import { noted, type Sample } from "./rate";
import { api, session } from "./session";
import { situationOf } from "./situation";
import { type Line, linesOf } from "./told";

/** How often to ask while something goes on, or no events come; and otherwise. In milliseconds. */
const ASK_BUSY = 2_000;
const ASK_IDLE = 10_000;
/** Events that come together lead to one question. */
const TOGETHER = 250;
/** Lists are not read more often than this because of what changes while work goes on, in milliseconds. */
const CHANGES_EVERY = 3_000;
const MOST_LINES = 200;

export const status = new Cell<Status | null>(null);
export const activity = new Cell<Activity | null>(null);
export const shadow = new Cell<ShadowStats | null>(null);
export const planned = new Cell<Planned | null>(null);
export const samples = new Cell<readonly Sample[]>([]);
export const lines = new Cell<readonly Line[]>([]);
/** Grows when what lists show has changed, so that they are read again. */
export const changes = new Cell(0);

/** How much an undo has put back so far. */
export interface PutBack {
  activity: number | null;
  restored: number;
  left: number;
}
export const putBack = new Cell<PutBack | null>(null);

/** What the server said last in place of what it was asked for. */
export interface Trouble {
  problem: Problem;
  /** When it answered everything last. */
  since: number | null;
}
export const trouble = new Cell<Trouble | null>(null);

const isReached = new Cell<boolean | null>(null);
const isStreaming = new Cell<boolean | null>(null);

export type Connection = "connecting" | "live" | "asking" | "failing" | "lost";

export const connection = derived<Connection>([isReached, isStreaming, trouble], () => {
  if (isReached.value === false) return "lost";
  if (trouble.value) return "failing";
  if (isReached.value === null || isStreaming.value === null) return "connecting";
  return isStreaming.value ? "live" : "asking";
});

export const isWorking = derived([activity], () => activity.value?.state === "working");

/** Who is busy with what, so that nothing else can be begun; undefined: nobody. */
export const occupied = derived([activity, status], () => {
  const [current, busy] = [activity.value, status.value?.busy];
  if (current?.state === "working") return `${nameOf(current)} is going on`;
  return busy && `${busy.holder} is busy with ${busy.purpose}`;
});

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
      onEvent: hear,
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
  for (const known of [status, activity, shadow, planned, putBack, trouble, isReached, isStreaming]) {
    known.value = null;
  }
  goodAt = null;
  samples.value = [];
  lines.value = [];
}

let isAsking = false;
let asksAgain = false;
let askedAt = 0;
let goodAt: number | null = null;
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
  const every = occupied.value !== undefined || connection.value !== "live" ? ASK_BUSY : ASK_IDLE;
  if (Date.now() - askedAt >= every) void refresh();
}

/** Asks for everything that is shown on every view. */
export async function refresh(): Promise<void> {
  asksAgain = isAsking;
  if (isAsking) return;
  isAsking = true;
  try {
    await ask();
  } finally {
    askedAt = Date.now();
    isAsking = false;
    if (asksAgain) refreshSoon();
  }
}

/** What the server says, each part or why there is none. */
interface Answers {
  activity: Activity | null | undefined;
  status: Status | undefined;
  shadow: ShadowStats | null | undefined;
  planned: Planned | null | undefined;
  problem: Problem | null;
}

async function ask(): Promise<void> {
  const current = session.value;
  if (!current) return;
  const known = setHere;
  const answers = await answersOf(current.client);
  if (session.value !== current) return;
  take(answers);
  // What was begun meanwhile is not in the answer.
  if (known !== setHere) refreshSoon();
  else if (answers.activity !== undefined) show(caughtUp(activity.value, answers.activity));
}

async function answersOf(client: Client): Promise<Answers> {
  let problem: Problem | null = null;
  const answer = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    // Whoever cannot be reached is not waited for once more.
    if (problem?.status === UNREACHED) return undefined;
    try {
      return await call();
    } catch (error) {
      problem ??= problemOf(error);
      return undefined;
    }
  };
  // In this order: who has ended is not busy any more.
  const activity = await answer(client.activity);
  const status = await answer(client.status);
  const isBusy = activity?.state === "working";
  const [shadow, found] = await Promise.all([
    status?.shadow ? answer(client.shadow) : status && null,
    isBusy ? planned.value : answer(() => client.plan({})),
  ]);
  return { activity, status, shadow, planned: found, problem };
}

/** Takes what answers say, but for what goes on. */
function take({ status: newStatus, shadow: newShadow, planned: newPlanned, problem }: Answers): void {
  // The status says nothing of what is in quarantine in a shadow run.
  const isChanged =
    (newStatus && isOther(status.value, newStatus)) ||
    (newShadow !== undefined && shadow.value?.open !== newShadow?.open);
  // What could not be read while the server was away, or in trouble, is read now.
  const isBack = (trouble.value || isReached.value === false) && !problem;
  if (isBack) changes.value += 1;
  else if (isChanged) noteChange();
  if (newStatus) status.value = newStatus;
  if (newShadow !== undefined) shadow.value = newShadow;
  if (newPlanned !== undefined) planned.value = newPlanned;
  isReached.value = problem?.status !== UNREACHED;
  trouble.value = problem && { problem, since: goodAt };
  if (!problem) goodAt = Date.now();
}

/** Whether a status says something else. A store that is worked on has other bytes all the time. */
function isOther(before: Status | null, now: Status): boolean {
  return JSON.stringify({ ...before, bytes: 0 }) !== JSON.stringify({ ...now, bytes: 0 });
}

let changedAt = 0;
let changesSoon: ReturnType<typeof setTimeout> | undefined;

/** Has lists read again, now or a little later. */
function noteChange(): void {
  if (changesSoon !== undefined) return;
  const wait = changedAt + CHANGES_EVERY - Date.now();
  const tell = () => {
    changesSoon = undefined;
    changedAt = Date.now();
    changes.value += 1;
  };
  if (wait <= 0) tell();
  else changesSoon = setTimeout(tell, wait);
}

/** How often what goes on was said by another answer than that to a question for it. */
let setHere = 0;

/** Takes what the answer to a change says of the activity. */
export function setActivity(found: Activity): void {
  setHere += 1;
  show(found);
}

/** Lists say something else once an activity begins or ends; how far it is does not matter. */
function show(found: Activity | null): void {
  const before = activity.value;
  if (!isSame(before, found)) putBack.value = null;
  if (!isSameRun(before, found)) samples.value = [];
  const isChanged = !isSame(before, found) || found?.state !== before?.state;
  activity.value = found;
  if (isChanged) changes.value += 1;
  sample();
}

function sample(): void {
  const current = activity.value;
  const progress = current?.state === "working" && progressOf(current);
  if (progress) samples.value = noted(samples.value, { at: Date.now(), read: progress.read });
}

/** Events that change nothing of what is asked for, or so often that it is asked for by and by. */
const BY_AND_BY: RunEvent["event"][] = ["batch_committed", "item_failed", "log", "put_back", "followed"];

/** Takes what an event says. */
export function hear(event: ServerEvent): void {
  const told = parse(event.data);
  if (told && event.name !== "hello") noteLines(told);
  if (told?.event === "batch_committed") hearProgress(told);
  else if (told?.event === "put_back") putBack.value = told;
  if (!told || !BY_AND_BY.includes(told.event)) refreshSoon();
}

function noteLines(told: RunEvent): void {
  const more = linesOf(told);
  if (more.length > 0) lines.value = [...lines.value, ...more].slice(-MOST_LINES);
}

function hearProgress(told: Extract<RunEvent, { event: "batch_committed" }>): void {
  const next = advanced(activity.value, told);
  if (next) show(next);
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
