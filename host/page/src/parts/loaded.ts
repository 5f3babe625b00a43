/** What is read from the server for one view. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Problem } from "../api/types";
import { changes } from "../state/live";
import { problemOf } from "./act";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  again: () => void;
}

/** Reads something when the view opens, when `key` changes, and when the store has. What was read before stays meanwhile. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const value = useSignal<T | null>(null);
  const problem = useSignal<Problem | null>(null);
  const turn = useRef(0);
  const known = useRef(key);

  const read = async () => {
    turn.current += 1;
    const mine = turn.current;
    const settle = (found: T | null, failed: Problem | null) => {
      if (mine !== turn.current) return;
      if (!failed) value.value = found;
      problem.value = failed;
    };
    await load().then(
      (found) => settle(found, null),
      (error: unknown) => settle(null, problemOf(error)),
    );
  };

  useEffect(() => {
    if (known.current !== key) value.value = null;
    known.current = key;
    void read();
  }, [key, changes.value]);

  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  return { value: value.value, problem: problem.value, again: () => void read() };
}
