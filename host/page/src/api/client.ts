/** The calls of the HTTP API. */

import type {
  Activity,
  AuditEntry,
  Backup,
  ChangedItems,
  CollectionStatus,
  Entry,
  Item,
  ItemName,
  Migrations,
  Pacing,
  Page,
  Phase,
  Planned,
  Problem,
  Quarantined,
  QuarantinedDetail,
  Run,
  RunDetail,
  RunRequest,
  Session,
  ShadowStats,
  Status,
} from "./types";

/** Occurs when a call fails, with what the server says about it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

/** What to say of an error: what the server says, or that it is the page's own. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { title: "Something went wrong in this page", status: 0, detail: String(error) };
}

/** What stands for the status of a call that no server has answered. */
export const UNREACHED = 0;

/** How long an answer may take, in milliseconds: the server gives up a little before. */
const PATIENCE = 35_000;

/** A value with the ETag that a change of it has to name. */
export interface Tagged<T> {
  value: T;
  etag: string | null;
}

export interface Slice {
  after?: string | undefined;
  limit?: number;
}

export interface ClientOptions {
  base: string;
  token: string;
  /** Called when the token is refused. */
  onUnauthorized: () => void;
  fetch?: typeof fetch;
  /** How long an answer may take, in milliseconds. */
  patience?: number;
}

type Query = Record<string, string | number | boolean | undefined>;

interface Call {
  method?: string;
  query?: Query;
  body?: unknown;
  ifMatch?: string | null;
  signal?: AbortSignal;
}

export class Client {
  readonly #options: ClientOptions;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  session = () => this.#get<Session>("session");
  status = () => this.#get<Status>("status");
  migrations = () => this.#get<Migrations>("migrations");
  collections = () => this.#get<{ items: CollectionStatus[] }>("collections");
  activityOf = (number: number) => this.#get<Activity>(path`activities/${number}`);
  backups = () => this.#get<{ items: Backup[] }>("backups");
  activity = async () => (await this.#get<{ activity: Activity | null }>("activity")).activity;
  shadow = async () => (await this.#get<{ shadow: ShadowStats | null }>("shadow")).shadow;

  plan = (goal: { app?: string | undefined; to?: string | undefined; phase?: Phase | undefined }) =>
    this.#get<Planned>("plan", goal);

  runs = (slice: Slice) => this.#get<Page<Run>>("runs", { ...slice });
  history = (slice: Slice) => this.#get<Page<Entry>>("history", { ...slice });
  audit = (slice: Slice) => this.#get<Page<AuditEntry>>("audit", { ...slice });

  run = (id: number) => this.#tagged<RunDetail>(path`runs/${id}`);
  startRun = (request: RunRequest) => this.#post<Activity>("runs", request);
  pause = (run: number) => this.#post<Activity>(path`runs/${run}/pause`);
  resume = (run: number) => this.#post<Activity>(path`runs/${run}/resume`);
  cancel = (run: number) => this.#post<Activity>(path`runs/${run}/cancel`);
  throttle = (run: number, pacing: Pacing) => this.#post<Activity>(path`runs/${run}/throttle`, pacing);

  undo = (run: number, changed: ChangedItems, etag: string | null) =>
    this.#send<Activity>(path`runs/${run}/undo`, { method: "POST", body: { changed }, ifMatch: etag });

  /** `shadow`, here and below: of the shadow run's copies in place of what is live. */
  quarantine = (
    query: Slice & { collection?: string | undefined; accepted?: boolean; shadow?: boolean | undefined },
  ) => this.#get<Page<Quarantined>>("quarantine", { ...query });
  quarantined = (name: ItemName, shadow?: boolean) =>
    this.#get<QuarantinedDetail>(path`quarantine/${name.collection}/${name.id}`, { shadow });
  /** Tries items again; all of them where none is named. */
  retry = (items?: ItemName[], shadow?: boolean) =>
    this.#post<Activity>("quarantine/retry", { ...(items && { items }), ...(shadow && { shadow }) });
  accept = (items: ItemName[], shadow?: boolean) =>
    this.#post<{ accepted: number }>("quarantine/accept", { items, ...(shadow && { shadow }) });

  items = (collection: string, query: Slice & { pointer?: string | undefined; value?: string | undefined }) =>
    this.#get<Page<Item>>(path`collections/${collection}/items`, { ...query });
  item = (name: ItemName) => this.#get<Item>(path`collections/${name.collection}/items/${name.id}`);

  makeBackup = () => this.#post<Activity>("backups");
  verifyBackup = (name: string) => this.#post<Activity>(path`backups/${name}/verify`);

  /** Opens the stream of events behind the one that was seen last. */
  events(lastId: string, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    return this.#request("events", headers, { signal });
  }

  #get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#send<T>(path, { query });
  }

  #post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#send<T>(path, { method: "POST", body });
  }

  async #send<T>(path: string, call: Call): Promise<T> {
    return (await this.#tagged<T>(path, call)).value;
  }

  async #tagged<T>(path: string, call: Call = {}): Promise<Tagged<T>> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (call.ifMatch) headers["If-Match"] = call.ifMatch;
    const patience = AbortSignal.timeout(this.#options.patience ?? PATIENCE);
    const response = await this.#request(path, headers, { ...call, signal: patience });
    const value = await json<T>(response, () => patience.aborted && unanswered(call.method));
    return { value, etag: response.headers.get("ETag") };
  }

  async #request(path: string, headers: Record<string, string>, call: Call): Promise<Response> {
    if (path.split("/").some(isDots)) throw new ApiError(UNNAMEABLE);
    const init: RequestInit = {
      method: call.method ?? "GET",
      headers: { ...headers, Authorization: `Bearer ${this.#options.token}` },
      cache: "no-store",
      credentials: "omit",
    };
    if (call.body !== undefined) init.body = JSON.stringify(call.body);
    if (call.signal) init.signal = call.signal;
    const response = await this.#reach(`${this.#options.base}${path}${search(call.query)}`, init);
    if (response.status === 401) this.#options.onUnauthorized();
    if (!response.ok) throw new ApiError(await problemIn(response));
    return response;
  }

  async #reach(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      if (!init.signal?.aborted) throw new ApiError(UNREACHABLE);
      // Not every browser's error says why it was given up; the signal does.
      throw isTimeout(init.signal.reason) ? new ApiError(unanswered(init.method)) : error;
    }
  }
}

const UNREACHABLE: Problem = {
  title: "The server cannot be reached",
  status: UNREACHED,
  hint: "check that the host is running; this page tries again by itself",
};

/** What a URL cannot name: both mean another place in it, however they are written. */
const UNNAMEABLE: Problem = {
  title: "An address cannot have this name",
  status: 400,
  detail: "`.` and `..` mean another place in an address",
  hint: "ask for it on the command line",
};

function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

/** What is said of a call that was not answered in time. What it was to change may be changed all the same. */
function unanswered(method = "GET"): Problem {
  const hint =
    method === "GET"
      ? "this page tries again by itself"
      : "look whether it was done, before you do it once more";
  return { title: "The server does not answer", status: UNREACHED, hint };
}

/** A path whose values are written so that each is one segment of it. */
function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((built, part, place) => built + encodeURIComponent(values[place - 1] ?? "") + part);
}

function search(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** The body of an answer; `late` says what is to be told where it did not come in time. */
async function json<T>(response: Response, late: () => Problem | false): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(late() || { title: "The answer is no JSON", status: response.status });
  }
}

/** What the server says went wrong, or the little that is known where a proxy has answered in its place. */
async function problemIn(response: Response): Promise<Problem> {
  const fallback = { title: response.statusText || "The call failed", status: response.status };
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/problem+json")) return fallback;
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}
