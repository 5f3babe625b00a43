/** What is told to people who do not see the page: not more often than one can listen. */

import { Cell } from "../cell";

/** The time between two announcements, in milliseconds. */
const PAUSE = 2500;

export const announced = new Cell("");

let next: string | null = null;
let isPausing = false;

/** Announces a text, now or once there was a pause; of several that wait, only the last one is told. */
export function announce(text: string): void {
  next = text;
  if (isPausing) return;
  isPausing = true;
  // What changes together has changed by then, and nothing of in between is told.
  setTimeout(tell);
}

function tell(): void {
  isPausing = next !== null;
  if (next === null) return;
  announced.value = next;
  next = null;
  setTimeout(tell, PAUSE);
}
