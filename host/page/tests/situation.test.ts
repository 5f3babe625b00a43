import { expect, test } from "vitest";
import type { Activity, Finding, Planned, Run, Stage, Status } from "../src/api/types";
import { type Known, situationOf } from "../src/state/situation";

const STAGE: Stage = {
  app: "notes",
  version: "2.0.0",
  from: "1.0.0",
  phase: "offline",
  digest: "",
  file: "notes-2-0-0.wasm",
  first_step: 0,
  steps: [],
};

const RUN: Run = {
  id: 3,
  purpose: "up",
  state: "stopped",
  started_at: 0,
  changed_at: 0,
  plan: { stages: [STAGE] },
  stages_done: 0,
  has_pre_images: true,
};

const ACTIVITY: Activity = {
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

const STATUS: Status = { store: "lmdb:data", bytes: 0, apps: [], collections: [], unfinished: null };
const NOTHING: Planned = { plan: { stages: [] }, resumes: null, findings: [] };

function situation(known: Partial<Known> = {}) {
  return situationOf({ status: STATUS, activity: null, shadow: null, planned: NOTHING, ...known });
}

function statusWith(open: number, unfinished: Run | null = null): Status {
  const tallies = { items: 9, open, accepted: 0, waiting: 0 };
  const collections = [{ collection: "notes", app: "notes", level: null, indexes: [], ...tallies }];
  return { ...STATUS, collections, unfinished };
}

test("a store at rest is up to date, has stages pending, or a quarantine", () => {
  expect(situation().title).toBe("Idle: everything is up to date");
  const planned = { ...NOTHING, plan: { stages: [STAGE] } };
  expect(situation({ planned })).toMatchObject({ title: "Idle: 1 stage is pending", view: "plan" });
  expect(situation({ status: statusWith(2) })).toMatchObject({
    title: "Idle: 2 items in quarantine",
    tone: "warn",
  });
});

test("findings that are refused come before what is planned", () => {
  const finding = { kind: "gap", severity: "refused" } as Finding;
  expect(situation({ planned: { ...NOTHING, findings: [finding] } }).title).toBe("Nothing can be planned");
});

test("work is running, paused, waiting for others, or being cancelled", () => {
  expect(situation({ activity: ACTIVITY }).title).toBe("Run 3 is running");
  expect(situation({ activity: { ...ACTIVITY, holds: ["paused"] } }).title).toBe("Run 3 is paused");
  const night = situation({ activity: { ...ACTIVITY, holds: ["it is day"] } });
  expect(night).toMatchObject({ title: "Run 3 waits", next: "It waits: it is day." });
  expect(situation({ activity: { ...ACTIVITY, is_stopping: true } }).title).toBe("Run 3 is being cancelled");
});

test("work that has ended does not hide what it has left", () => {
  const activity: Activity = { ...ACTIVITY, state: "failed" };
  expect(situation({ activity, status: statusWith(0, RUN) }).title).toBe("Run 3 was stopped");
});

test("every unfinished run has a way on", () => {
  for (const state of ["running", "stopped", "failed", "blocked", "undoing"] as const) {
    expect(situation({ status: statusWith(1, { ...RUN, state }) }).next).not.toBe("");
  }
  const blocked = { ...RUN, state: "blocked" as const };
  expect(situation({ status: statusWith(1, blocked) }).view).toBe("quarantine");
  expect(situation({ status: statusWith(0, blocked) }).view).toBe("plan");
});

test("an undo is offered only where there are pre-images", () => {
  const bare = { ...RUN, has_pre_images: false };
  expect(situation({ status: statusWith(0, RUN) }).next).toContain("undo");
  expect(situation({ status: statusWith(0, bare) }).next).not.toContain("undo");
});

test("every state of a shadow run has a way on", () => {
  for (const shadow of ["following", "finalizing", "switched", "resetting"] as const) {
    expect(situation({ status: { ...STATUS, shadow } }).next).not.toBe("");
  }
});
