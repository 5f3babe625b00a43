/** What is read from the server for one view. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/types";
import { useCell } from "../cell";
import { changes } from "../state/live";
import { Reading } from "./reading";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  again: () => void;
}

interface Known<T> {
  key: string;
  value: T | null;
  problem: Problem | null;
}

/** Reads something when the view opens, when `key` changes, and when the store has. What was read before stays meanwhile. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [known, setKnown] = useState<Known<T>>({ key, value: null, problem: null });
  const reading = useRef<Reading<T> | null>(null);
  reading.current ??= new Reading((answer) =>
    setKnown((before) => ({
      value: before.key === answer.key ? before.value : null,
      problem: null,
      ...answer,
    })),
  );
  const change = useCell(changes);
  const read = () => reading.current?.read(key, load);
  useEffect(read, [key, change]);
  useEffect(() => () => reading.current?.end(), []);
  const isOther = known.key !== key;
  return {
    value: isOther ? null : known.value,
    problem: isOther ? null : known.problem,
    again: read,
  };
}
