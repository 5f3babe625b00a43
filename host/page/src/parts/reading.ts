/** Reads something again and again, one read at a time. */

import { problemOf } from "../api/client";
import type { Problem } from "../api/types";

/** What came of a read, of what `key` says. */
export type Answer<T> = { key: string } & ({ value: T } | { problem: Problem });

export class Reading<T> {
  readonly #onAnswer: (answer: Answer<T>) => void;
  #key: string | null = null;
  #turn = 0;
  #isUnderWay = false;
  #next: (() => Promise<T>) | null = null;

  constructor(onAnswer: (answer: Answer<T>) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Reads. What is under way for the same key is waited for, and then read once more; for another key it is dropped. */
  read(key: string, load: () => Promise<T>): void {
    if (this.#isUnderWay && key === this.#key) this.#next = load;
    else void this.#begin(key, load);
  }

  /** Drops what is under way. */
  end(): void {
    this.#turn += 1;
    this.#isUnderWay = false;
    this.#next = null;
  }

  async #begin(key: string, load: () => Promise<T>): Promise<void> {
    this.end();
    const turn = this.#turn;
    this.#key = key;
    this.#isUnderWay = true;
    const answer = await answered(key, load);
    if (turn !== this.#turn) return;
    const next = this.#next;
    this.end();
    this.#onAnswer(answer);
    if (next) void this.#begin(key, next);
  }
}

async function answered<T>(key: string, load: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { key, value: await load() };
  } catch (error) {
    return { key, problem: problemOf(error) };
  }
}
