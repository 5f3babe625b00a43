import { expect, test } from "vitest";
import { ApiError, UNREACHED } from "../src/api/client";
import type { Activity } from "../src/api/types";
import { ended } from "../src/state/verified";
import { ACTIVITY } from "./samples";

const BEGUN: Activity = { ...ACTIVITY, number: 5, purpose: "backup verify", run: null };

/** What came of it where the server answers so, one after another. */
function cameOf(...answers: (Activity | ApiError)[]) {
  const activityOf = async (number: number) => {
    expect(number).toBe(5);
    const answer = answers.shift();
    if (!answer || answer instanceof ApiError) throw answer;
    return answer;
  };
  return ended({ activityOf }, BEGUN, async () => undefined);
}

test("an end is waited for, also where the server is away for a while", async () => {
  const done: Activity = { ...BEGUN, state: "done" };
  const away = new ApiError({ title: "The server cannot be reached", status: UNREACHED });
  expect(await cameOf(BEGUN, away, BEGUN, done)).toEqual(done);
});

test("a server that does not know of it any more is no good news", async () => {
  const gone = new ApiError({ title: "Not Found", status: 404 });
  expect(await cameOf(gone)).toMatchObject({ state: "failed", error: { status: 404 } });
});
