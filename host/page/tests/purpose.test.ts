import { expect, test } from "vitest";
import { isUndo, nameOf, progressOf, runOf, undoResult } from "../src/state/purpose";
import { ACTIVITY, atItem, PROGRESS } from "./samples";

test("work is called by what it is for, in the server's words and the command line's", () => {
  const names = ["up", "up of one item", "up --shadow", "shadow", "quarantine retry", "undo", "finalize"];
  expect(names.map((purpose) => nameOf({ purpose, run: 7 }))).toEqual([
    "Run 7",
    "Run 7",
    "The shadow run 7",
    "The shadow run 7",
    "The retry, run 7,",
    "The undo of run 7",
    "The finalization of the shadow run",
  ]);
  expect(nameOf({ purpose: "up", run: null })).toBe("A run");
  expect(nameOf({ purpose: "backup verify", run: null })).toBe("The verification of a backup");
  expect(nameOf({ purpose: "spring cleaning", run: null })).toBe('Activity "spring cleaning"');
});

test("a run that is only in the way is not taken for what is carried out", () => {
  for (const purpose of ["import", "prune", "reset", "backup", "spring cleaning"]) {
    expect(runOf({ purpose, run: 7 })).toBeNull();
    expect(progressOf(atItem(10, { purpose }))).toBeNull();
  }
  expect(runOf({ purpose: "down", run: 7 })).toBe(7);
  expect(progressOf(atItem(10))).toEqual(PROGRESS);
});

test("an undo has a run, and none of its progress", () => {
  const undo = atItem(100, { purpose: "undo" });
  expect([isUndo(undo), isUndo(ACTIVITY)]).toEqual([true, false]);
  expect(runOf(undo)).toBe(3);
  expect(progressOf(undo)).toBeNull();
});

test("the result of an undo is told from others", () => {
  expect(undoResult({ restored: 5, left: 1, done: true })).toEqual({ restored: 5, left: 1 });
  expect(undoResult({ name: "a.godwit" })).toBeNull();
  expect(undoResult([])).toBeNull();
  expect(undoResult(null)).toBeNull();
});
