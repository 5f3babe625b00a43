import { expect, test } from "vitest";
import type { Activity, Finding, Run, Status } from "../src/api/types";
import { type Known, situationOf, waitsFor } from "../src/state/situation";
import { ACTIVITY, atItem, NOTHING, PROGRESS, RUN, STAGE, STATUS } from "./samples";

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

test("work that failed and has left no run behind is told, with what else there is to do", () => {
  const error = { title: "Conflict", status: 409, detail: "no space is left on the device" };
  const activity: Activity = { ...ACTIVITY, purpose: "backup", run: null, state: "failed", error };
  const planned = { ...NOTHING, plan: { stages: [STAGE] } };
  const found = situation({ activity, planned });
  expect(found).toMatchObject({ tone: "bad", title: "The backup failed", view: "run" });
  expect(found.next).toContain("no space is left on the device. Idle: 1 stage is pending.");
  const following: Status = { ...STATUS, shadow: "following" };
  expect(situation({ activity, status: following }).next).toContain("A shadow run is open");
  expect(situation({ activity: { ...activity, state: "done", error: null } }).tone).toBe("good");
});

test("who is busy and cannot be asked is named", () => {
  const busy = { holder: "db1, process 4711", purpose: "prune" };
  const status = { ...statusWith(0, RUN), busy };
  expect(situation({ status }).title).toBe("db1, process 4711 is busy with prune");
  const activity: Activity = { ...ACTIVITY, number: 0, purpose: "up", run: null, directed: false };
  const found = situation({ status, activity });
  expect(found).toMatchObject({ tone: "busy", title: "A run is running" });
  expect(found.next).toContain("db1, process 4711 does it.");
});

test("an undo is no reading of its run", () => {
  const activity = atItem(100, { purpose: "undo" });
  expect(situation({ activity })).toMatchObject({
    title: "The undo of run 3 is running",
    next: "What the run has changed is being put back.",
  });
});

test("another run's progress is no import's", () => {
  const activity = atItem(10, { number: 0, purpose: "import" });
  expect(situation({ activity })).toMatchObject({
    title: "The import is running",
    next: "There is nothing to do but wait.",
  });
  const waiting = { ...PROGRESS, waits_for: ["it is day"] };
  expect(waitsFor({ ...activity, progress: waiting })).toEqual([]);
  expect(waitsFor({ ...ACTIVITY, progress: waiting })).toEqual(["it is day"]);
});

test("a way back that was interrupted is gone on with at its run, not by a plan", () => {
  for (const state of ["running", "stopped", "failed"] as const) {
    const run: Run = { ...RUN, purpose: "down", state };
    expect(situation({ status: statusWith(0, run) })).toMatchObject({ view: "runs", run: 3 });
    expect(situation({ status: statusWith(0, { ...RUN, state }) }).view).toBe("plan");
  }
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
