/** Follows the server's events: connects again when the stream breaks, behind the event that was seen last. */

import { ApiError } from "./client";
import { EventParser, type ServerEvent } from "./sse";

export interface StreamOptions {
  open: (lastId: string, signal: AbortSignal) => Promise<Response>;
  onEvent: (event: ServerEvent) => void;
  /** Called when the stream is there, and when it is lost. */
  onConnection: (isConnected: boolean) => void;
  /** Waits so many milliseconds; tests do not. */
  sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
  /** After so many milliseconds without a byte the stream is lost. */
  silence?: number;
}

/** The first wait before connecting again, and the longest, in milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** The server sends something every 15 seconds. */
const SILENCE = 40_000;

/** How long to wait before the attempt after so many failed ones; up to a half of it is left to chance. */
export function backoff(failures: number, first = FIRST_WAIT, random = Math.random): number {
  const wait = Math.min(LONGEST_WAIT, first * 2 ** Math.max(0, failures - 1));
  return wait * (0.5 + random() / 2);
}

/** Follows events until the signal is aborted, or the token is refused. */
export async function follow(options: StreamOptions, signal: AbortSignal): Promise<void> {
  const sleep = options.sleep ?? rest;
  let lastId = "";
  let first: number | undefined;
  for (let failures = 1; !signal.aborted; failures += 1) {
    const parser = new EventParser(lastId);
    const watch = new Watch(signal, options.silence ?? SILENCE);
    try {
      const response = await options.open(lastId, watch.signal);
      options.onConnection(true);
      for await (const event of read(response, parser, watch)) {
        failures = 0;
        options.onEvent(event);
      }
    } catch (error) {
      if (isRefused(error)) return;
    } finally {
      watch.end();
    }
    if (signal.aborted) return;
    lastId = parser.lastId;
    first = parser.retry ?? first;
    options.onConnection(false);
    await sleep(backoff(failures, first, options.random), signal);
  }
}

async function* read(response: Response, parser: EventParser, watch: Watch): AsyncGenerator<ServerEvent> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  // A stream that is cancelled already, or has failed, is at its end too.
  watch.signal.addEventListener("abort", () => void reader?.cancel().catch(() => undefined));
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return;
    watch.note();
    yield* parser.push(piece.value);
  }
}

/** Gives a stream up once nothing has come for a while: a connection may be dead without anybody being told. */
class Watch {
  readonly #own = new AbortController();
  readonly #giveUp = () => this.#own.abort();
  readonly #outer: AbortSignal;
  readonly #silence: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(outer: AbortSignal, silence: number) {
    this.#outer = outer;
    this.#silence = silence;
    this.#timer = setTimeout(this.#giveUp, silence);
    outer.addEventListener("abort", this.#giveUp);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** Something has come. */
  note(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#giveUp, this.#silence);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#giveUp);
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 401;
}

/** Waits, unless the signal is aborted or the network is back before. */
function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    globalThis.addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
