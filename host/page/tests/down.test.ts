import { expect, test } from "vitest";
import type { Run } from "../src/api/types";
import { downGoal } from "../src/state/down";
import { RUN } from "./samples";

test("an unfinished way back leads to the version of its stage", () => {
  const run: Run = { ...RUN, purpose: "down" };
  for (const state of ["running", "stopped", "failed", "blocked"] as const) {
    expect(downGoal({ ...run, state })).toEqual({ app: "notes", to: "2.0.0" });
  }
  for (const state of ["completed", "undoing", "undone"] as const) {
    expect(downGoal({ ...run, state })).toBeNull();
  }
});

test("other runs are no ways back", () => {
  expect(downGoal(RUN)).toBeNull();
});
