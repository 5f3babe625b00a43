import { expect, test } from "vitest";
import type { Activity } from "../src/api/types";
import { advanced, caughtUp, isSame } from "../src/state/merge";
import { ACTIVITY, atItem, PROGRESS } from "./samples";

function told(read: number, more: { activity?: number; run?: number } = {}) {
  const { activity = 1, run = 3 } = more;
  return { event: "batch_committed" as const, at: 0, activity, progress: { ...PROGRESS, run, read } };
}

test("an event takes what is shown on, and gives it its run", () => {
  expect(advanced({ ...ACTIVITY, run: null }, told(20))).toMatchObject({ run: 3, progress: { read: 20 } });
});

test("an event of another activity, or behind the end, says nothing of what is shown", () => {
  expect(advanced(ACTIVITY, told(20, { activity: 2 }))).toBeNull();
  expect(advanced({ ...ACTIVITY, number: 0 }, told(20))).toBeNull();
  expect(advanced({ ...ACTIVITY, state: "done" }, told(20))).toBeNull();
  expect(advanced(null, told(20))).toBeNull();
});

test("an answer that is behind an event does not take progress back", () => {
  const found = caughtUp(atItem(50), atItem(40, { holds: ["paused"] }));
  expect(found?.progress?.read).toBe(50);
  expect(found?.holds).toEqual(["paused"]);
  expect(caughtUp(atItem(50), atItem(60))?.progress?.read).toBe(60);
});

test("an answer about a run before that of an event comes late; one about a later run does not", () => {
  const second = { run: 4, progress: { ...PROGRESS, run: 4, read: 1 } };
  expect(caughtUp(atItem(1, second), atItem(90))?.run).toBe(4);
  expect(caughtUp(atItem(90), atItem(1, second))).toMatchObject(second);
});

test("an end, another activity and another process's work are taken as they are", () => {
  const done: Activity = { ...ACTIVITY, state: "done" };
  expect(caughtUp(atItem(50), done)).toBe(done);
  const next = atItem(1, { number: 2 });
  expect(caughtUp(atItem(50), next)).toBe(next);
  const other = atItem(50, { number: 0, run: 9 });
  const anew = atItem(1, { number: 0, run: null, progress: null });
  expect(caughtUp(other, anew)).toBe(anew);
  expect(caughtUp(null, next)).toBe(next);
  expect(caughtUp(next, null)).toBeNull();
});

test("works of other processes are told apart by what they are for", () => {
  const other = { ...ACTIVITY, number: 0 };
  expect(isSame(other, { ...other, purpose: "import" })).toBe(false);
  expect(isSame(other, { ...other, state: "done" })).toBe(true);
});
