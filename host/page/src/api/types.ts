/** What the server says, as its Rust types are serialized. Times are milliseconds since 1970. */

export type Timestamp = number;
export type Phase = "offline" | "online";
export type RunPurpose = "up" | "retry" | "item" | "down" | "shadow";
export type RunState = "running" | "stopped" | "failed" | "blocked" | "completed" | "undoing" | "undone";
export type ShadowState = "following" | "finalizing" | "switched" | "resetting";
export type Severity = "refused" | "warned" | "accepted" | "info";
export type Role = "admin" | "read";

/** Any JSON value: the body of an item. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Session {
  role: Role;
  version: string;
  store: string;
}

/** An error, as in RFC 9457. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  hint?: string;
  findings?: Finding[];
}

export interface Status {
  store: string;
  bytes: number | null;
  apps: AppStatus[];
  collections: CollectionStatus[];
  unfinished: Run | null;
  /** Who works on the store now, in this process or another one; left out: nobody. */
  busy?: Busy;
  shadow?: ShadowState;
}

export interface Busy {
  /** As in `host.example, process 4711`. */
  holder: string;
  purpose: string;
}

export interface AppStatus {
  app: string;
  version: string | null;
  /** The version that may serve now; `null` while items are between two versions. */
  serves: string | null;
  baseline: string | null;
  applied: [version: string, phases: Phase[]][];
}

export interface Tallies {
  items: number;
  /** In quarantine, and nobody has accepted that. */
  open: number;
  accepted: number;
  /** Items that wait to be brought up to date. */
  waiting: number;
}

export interface CollectionStatus extends Tallies {
  collection: string;
  app: string;
  level: string | null;
  indexes: string[];
}

export interface Counts {
  read: number;
  unchanged: number;
  updated: number;
  removed: number;
  failed: number;
  /** Items created, replaced or deleted beside those that were fed. */
  written: number;
  bytes: number;
}

export interface StepReport {
  app: string;
  version: string;
  phase: Phase;
  step: string;
  collection: string;
  done: boolean;
  counts: Counts;
}

export interface StepProgress extends StepReport {
  total: number;
  seconds_left: number | null;
}

export interface RunProgress {
  run: number;
  purpose: RunPurpose;
  state: RunState;
  /** Whether somebody carries it out now. */
  is_alive: boolean;
  steps: StepProgress[];
  read: number;
  total: number;
  items_per_second: number | null;
  seconds_left: number | null;
  waits_for: string[];
}

export type Operation =
  | { create_collection: { collection: string; opaque: boolean } }
  | { ensure_index: { collection: string; pointer: string } }
  | { drop_index: { collection: string; pointer: string } };

export interface Transform {
  mode: "rewrite" | "derive";
  collection: string;
  reads: string[];
  writes: string[];
}

export type Step = { name: string; phase: Phase } & ({ transform: Transform } | { schema: Operation });

export interface Stage {
  app: string;
  version: string;
  from: string | null;
  phase: Phase;
  digest: string;
  file: string;
  first_step: number;
  steps: Step[];
}

export interface Plan {
  stages: Stage[];
}

export interface Run {
  id: number;
  purpose: RunPurpose;
  state: RunState;
  reason?: string;
  started_at: Timestamp;
  changed_at: Timestamp;
  plan: Plan;
  stages_done: number;
  has_pre_images: boolean;
  /** Left out where it is so. */
  keeps_pre_images?: boolean;
  backup?: string;
}

export interface Report {
  run: Run;
  steps: StepReport[];
  open: number;
}

export interface RunDetail {
  report: Report;
  /** `null` where nothing of it is left to be carried out. */
  progress: RunProgress | null;
  /** The command that takes the run back; `null` where nothing does. */
  retreat: string | null;
}

export interface Finding {
  kind: string;
  severity: Severity;
  app: string | null;
  version: string | null;
  file: string | null;
  message: string;
  way_out: string;
}

export interface Planned {
  plan: Plan;
  /** The unfinished run that the plan belongs to. */
  resumes: number | null;
  findings: Finding[];
}

export interface Migration {
  app: string;
  version: string;
  file: string;
  digest: string;
  summary: string;
  applied: Phase[];
  /** Whether it has a way back of its own. */
  reverts: boolean;
  steps: { name: string; phase: Phase; kind: "rewrite" | "derive" | "schema"; collection: string }[];
}

export interface Migrations {
  items: Migration[];
  rejected: { file: string; reason: string }[];
}

export interface Pacing {
  items_per_second?: number | null;
  /** Percent of the time. */
  duty?: number | null;
  /** Milliseconds after each batch. */
  rest?: number;
  batch_bytes?: number | null;
}

export interface Activity {
  /** 0: another process does it. */
  number: number;
  /** As in `up`; another process says it as its command line does, as in `up --shadow`. */
  purpose: string;
  state: "working" | "done" | "failed";
  started_at: Timestamp | null;
  ended_at: Timestamp | null;
  run: number | null;
  /** Whether it can be paused, cancelled and throttled; not so where it is busy and cannot be asked. */
  directed: boolean;
  holds: string[];
  is_stopping: boolean;
  pacing: Pacing | null;
  /** `null` once it has ended: `reports` say then what was done. */
  progress: RunProgress | null;
  error: Problem | null;
  reports: Report[] | null;
  /** What it came to, once it has ended well. */
  result: Json;
}

export interface Failure {
  kind: string;
  reason: string;
  migration: string;
  step: string;
  run: number;
  at: Timestamp;
  accepted: boolean;
}

export interface ItemName {
  collection: string;
  id: string;
}

export interface Quarantined extends ItemName {
  version: string;
  failure: Failure;
}

/** One difference: each side as it is written, or `null` where it was not there. */
export interface Difference {
  pointer: string;
  before_text: string | null;
  after_text: string | null;
}

export interface QuarantinedDetail extends Quarantined {
  /** `null` where it is no JSON, too. */
  body: Json;
  text: string;
  before: Json;
  diff: Difference[];
  /** Whether the bodies are too large to be compared. */
  diff_omitted: boolean;
}

export interface Item {
  id: string;
  version: string;
  /** `null` where it is no JSON, too. */
  body: Json;
  /** The body as it is written: numbers keep all their digits. */
  text: string;
  /** Why it has not the version that was asked for, where it has not. */
  kept_back?: string;
}

interface Fact {
  number: number;
  at: Timestamp;
  app: string;
  version: string;
}

export type Entry = Fact &
  (
    | { event: "baseline" }
    | {
        event: "applied";
        phase: Phase;
        from: string | null;
        digest: string;
        file: string;
        run: number;
        counts: Counts;
        accepted: number;
      }
    | { event: "mended"; digest: string; run: number }
    | { event: "repaired"; digest: string; file: string; reason: string }
    | { event: "reverted" | "reinstated" | "undone"; phase: Phase; run: number }
  );

export interface ShadowStats {
  state: ShadowState;
  is_alive: boolean;
  app: string | null;
  to: string | null;
  run: [number, RunState] | null;
  copied: [done: number, of: number];
  collections: string[];
  waiting: number;
  open: number;
  deferred: [step: string, items: number][];
  is_ready: boolean;
  blocks_for: number | null;
}

/** A file in the folder of backups. What is in it is `null` where it cannot be read. */
export interface Backup {
  name: string;
  bytes: number | null;
  made_at: Timestamp | null;
  entries: number | null;
  digest: string | null;
  /** The store that it was made of. */
  store: string | null;
  /** Whether that is this one, as far as it can be told. */
  is_own: boolean;
  /** Why it cannot be read. */
  error?: string;
}

export interface AuditEntry {
  number: number;
  at: Timestamp;
  who: string;
  what: string;
  /** The status of the answer; 0 until there is one. */
  status: number;
}

export interface RunRequest {
  purpose: "up" | "shadow" | "finalize" | "reset" | "down";
  app?: string;
  to?: string;
  phase?: Phase;
}

/** What an undo does with items that were changed after the run. */
export type ChangedItems = "refuse" | "keep";

export interface StepName {
  app: string;
  version: string;
  phase: Phase;
  step: string;
  collection: string;
}

interface Told {
  at: Timestamp;
  activity: number | null;
}

/** Events that the page looks into. Of the others it knows that they happened. */
export type RunEvent = Told &
  (
    | { event: "batch_committed"; progress: RunProgress }
    | { event: "run_started"; run: number; resumed: boolean }
    | { event: "undo_started"; run: number; resumed: boolean }
    | { event: "put_back"; run: number; restored: number; left: number }
    | { event: "run_done"; run: number; state: RunState; reason: string | null }
    | { event: "step_started"; step: StepName; total: number | null }
    | { event: "step_done"; step: StepName; counts: Counts }
    | { event: "item_failed"; step: StepName; id: string; kind: string; reason: string }
    | {
        event: "log";
        step: StepName;
        lines: { level: string; item: string | null; message: string }[];
        dropped: number;
      }
    | { event: "denied"; step: StepName; what: string }
    | { event: "applied"; app: string; version: string; phase: Phase }
    | { event: "paused"; reasons: string[] }
    | { event: "resumed" | "setting_up" | "set_up" }
    | { event: "work_failed"; reason: string }
    | { event: "backup"; file: string; bytes: number }
    | { event: "copied"; collection: string; items: number }
    | { event: "followed"; writes: number }
    | { event: "switched"; collections: string[] }
  );
