/** What is read from the server for one view. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/types";
import { useCell } from "../cell";
import { changes } from "../state/live";
import { problemOf } from "./act";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  again: () => void;
}

interface Read<T> {
  key: string;
  value: T | null;
  problem: Problem | null;
}

/** Reads something when the view opens, when `key` changes, and when the store has. What was read before stays meanwhile. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [found, setFound] = useState<Read<T>>({ key, value: null, problem: null });
  const turn = useRef(0);
  const change = useCell(changes);

  const read = async () => {
    turn.current += 1;
    const mine = turn.current;
    const next = await load().then(
      (value) => () => ({ key, value, problem: null }),
      (error: unknown) => (before: Read<T>) => ({
        key,
        value: before.key === key ? before.value : null,
        problem: problemOf(error),
      }),
    );
    if (mine === turn.current) setFound(next);
  };

  useEffect(() => {
    void read();
  }, [key, change]);

  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  const isOther = found.key !== key;
  return {
    value: isOther ? null : found.value,
    problem: isOther ? null : found.problem,
    again: () => void read(),
  };
}
