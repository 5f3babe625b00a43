/** Doing something that may fail, with what came of it. */

import { useSignal } from "@preact/signals";
import { ApiError } from "../api/client";
import type { Problem } from "../api/types";
import { announce } from "../state/announce";
import { refreshSoon } from "../state/live";

export interface Act {
  isBusy: boolean;
  problem: Problem | null;
  /** What the last success said. */
  outcome: string;
  /** Does it, and gives whether it succeeded. */
  run: (work: () => Promise<string>) => Promise<boolean>;
  forget: () => void;
}

export function useAct(): Act {
  const isBusy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const outcome = useSignal("");

  const forget = () => {
    problem.value = null;
    outcome.value = "";
  };

  const run = async (work: () => Promise<string>) => {
    if (isBusy.value) return false;
    forget();
    isBusy.value = true;
    try {
      outcome.value = await work();
      announce(outcome.value);
      refreshSoon();
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isBusy.value = false;
    }
    return problem.value === null;
  };

  return { isBusy: isBusy.value, problem: problem.value, outcome: outcome.value, run, forget };
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { title: "Something went wrong in this page", status: 0, detail: String(error) };
}
