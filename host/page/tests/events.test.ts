import { expect, test } from "vitest";
import { ApiError } from "../src/api/client";
import { backoff, follow } from "../src/api/events";

type Attempt = string[] | Error;

/** Follows streams that are cut, one for each attempt, and notes what happens. */
async function followed(attempts: Attempt[]) {
  const stop = new AbortController();
  const [ids, events, waits, connections]: [string[], string[], number[], boolean[]] = [[], [], [], []];
  await follow(
    {
      open: async (lastId) => {
        const attempt = attempts[ids.length];
        ids.push(lastId);
        if (attempt instanceof Error) throw attempt;
        if (!attempt) stop.abort();
        return new Response(streamOf(attempt ?? []));
      },
      onEvent: (event) => events.push(event.data),
      onConnection: (isConnected) => connections.push(isConnected),
      sleep: async (wait) => void waits.push(wait),
      random: () => 1,
    },
    stop.signal,
  );
  return { ids, events, waits, connections };
}

function streamOf(pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
}

test("a stream that breaks is taken up behind the last event", async () => {
  const found = await followed([
    ["id: 1\ndata: a\n\nid: 2\nda", "ta: b\n\nid: 3\ndata: los"],
    ["id: 3\ndata: c\n\n"],
  ]);
  expect(found.events).toEqual(["a", "b", "c"]);
  // The third event was not complete: it must come again.
  expect(found.ids).toEqual(["", "2", "3"]);
  expect(found.connections).toEqual([true, false, true, false, true]);
});

test("a character that is cut in two comes out whole", async () => {
  const [head, tail] = [
    new Uint8Array([0x64, 0x61, 0x74, 0x61, 0x3a, 0xc3]),
    new Uint8Array([0xa4, 0x0a, 0x0a]),
  ];
  const stop = new AbortController();
  const events: string[] = [];
  await follow(
    {
      open: async () => new Response(new Blob([head, tail]).stream()),
      onEvent: (event) => events.push(event.data),
      onConnection: () => undefined,
      sleep: async () => stop.abort(),
    },
    stop.signal,
  );
  expect(events).toEqual(["ä"]);
});

test("waits grow with each failure, and start anew once an event has come", async () => {
  const failure = new ApiError({ title: "unreached", status: 0 });
  const found = await followed([failure, failure, failure, ["data: a\n\n"], failure]);
  expect(found.waits).toEqual([500, 1000, 2000, 500, 500]);
});

test("the server says how long the first wait is", async () => {
  expect((await followed([["retry: 100\ndata: a\n\n"], []])).waits).toEqual([100, 100]);
});

test("a token that is refused ends it", async () => {
  const found = await followed([new ApiError({ title: "no", status: 401 }), ["data: a\n\n"]]);
  expect(found.ids).toHaveLength(1);
});

test("waits have an upper bound, and half of each is left to chance", () => {
  expect(backoff(40, 500, () => 1)).toBe(15_000);
  expect(backoff(1, 500, () => 0)).toBe(250);
});

test("a stream on which nothing comes is given up, and taken up again", async () => {
  const stop = new AbortController();
  const ids: string[] = [];
  await follow(
    {
      open: async (lastId) => {
        ids.push(lastId);
        const [piece] = ids.length === 1 ? ["id: 7\ndata: a\n\n"] : [""];
        const body = new ReadableStream<Uint8Array>({
          start: (inner) => inner.enqueue(new TextEncoder().encode(piece)),
        });
        return new Response(body);
      },
      onEvent: () => undefined,
      onConnection: () => undefined,
      sleep: async () => {
        if (ids.length === 2) stop.abort();
      },
      silence: 10,
    },
    stop.signal,
  );
  expect(ids).toEqual(["", "7"]);
});

test("a stream that does not open is given up", async () => {
  const stop = new AbortController();
  let opened = 0;
  await follow(
    {
      open: (_, signal) => {
        opened += 1;
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
      onEvent: () => undefined,
      onConnection: () => undefined,
      sleep: async () => {
        if (opened === 2) stop.abort();
      },
      silence: 10,
    },
    stop.signal,
  );
  expect(opened).toBe(2);
});
