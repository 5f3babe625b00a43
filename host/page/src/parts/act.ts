/** Doing something that may fail, with what came of it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { problemOf } from "../api/client";
import type { Problem } from "../api/types";
import { announce } from "../state/announce";
import { refreshSoon } from "../state/live";

/** For how long an outcome stays, in milliseconds: later it would tell of what is past. */
const SHOWN_FOR = 10_000;

export interface Act {
  isBusy: boolean;
  problem: Problem | null;
  /** What the last success said. */
  outcome: string;
  /** Does it, and gives whether it succeeded. */
  run: (work: () => Promise<string>) => Promise<boolean>;
}

export function useAct(): Act {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [outcome, setOutcome] = useState("");
  // The state is that of the last drawing; a second click may come before the next one.
  const isUnderWay = useRef(false);

  useEffect(() => {
    if (outcome === "") return;
    const timer = setTimeout(() => setOutcome(""), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [outcome]);

  const turn = (isOn: boolean) => {
    isUnderWay.current = isOn;
    setBusy(isOn);
  };

  const run = async (work: () => Promise<string>) => {
    if (isUnderWay.current) return false;
    setProblem(null);
    setOutcome("");
    turn(true);
    try {
      const said = await work();
      setOutcome(said);
      announce(said);
      refreshSoon();
      return true;
    } catch (error) {
      setProblem(problemOf(error));
      return false;
    } finally {
      turn(false);
    }
  };

  return { isBusy, problem, outcome, run };
}
