/** Values of the contract, for tests to change what they are about. */

import type { Activity, Planned, Run, RunProgress, Stage, Status } from "../src/api/types";

export const STAGE: Stage = {
  app: "notes",
  version: "2.0.0",
  from: "1.0.0",
  phase: "offline",
  digest: "",
  file: "notes-2-0-0.wasm",
  first_step: 0,
  steps: [],
};

export const RUN: Run = {
  id: 3,
  purpose: "up",
  state: "stopped",
  started_at: 0,
  changed_at: 0,
  plan: { stages: [STAGE] },
  stages_done: 0,
  has_pre_images: true,
};

export const PROGRESS: RunProgress = {
  run: 3,
  purpose: "up",
  state: "running",
  is_alive: true,
  steps: [],
  read: 10,
  total: 100,
  items_per_second: null,
  seconds_left: null,
  waits_for: [],
};

export const ACTIVITY: Activity = {
  number: 1,
  purpose: "up",
  state: "working",
  started_at: 0,
  ended_at: null,
  run: 3,
  directed: true,
  holds: [],
  is_stopping: false,
  pacing: null,
  progress: null,
  error: null,
  reports: null,
  result: null,
};

export const STATUS: Status = { store: "lmdb:data", bytes: 0, apps: [], collections: [], unfinished: null };

export const NOTHING: Planned = { plan: { stages: [] }, resumes: null, findings: [] };

/** The activity, whose run has read so many items. */
export function atItem(read: number, more: Partial<Activity> = {}): Activity {
  return { ...ACTIVITY, progress: { ...PROGRESS, read }, ...more };
}
