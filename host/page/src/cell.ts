/** Values that tell when they change, and components that are drawn again then. */

import { useLayoutEffect, useReducer } from "preact/hooks";

type Listener = () => void;

export class Cell<T> {
  #value: T;
  readonly #listeners = new Set<Listener>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    if (Object.is(this.#value, value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls the listener after each change; gives what ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** What follows from other cells, for as long as the page lives. */
export function derived<T>(from: Pick<Cell<unknown>, "listen">[], follow: () => T): Cell<T> {
  const cell = new Cell(follow());
  for (const source of from) {
    source.listen(() => {
      cell.value = follow();
    });
  }
  return cell;
}

/** The value of a cell; the component is drawn again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useReducer((turn: number, _: undefined) => turn + 1, 0);
  useLayoutEffect(() => cell.listen(() => redraw(undefined)), [cell]);
  return cell.value;
}
