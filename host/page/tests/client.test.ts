import { expect, test, vi } from "vitest";
import { ApiError, Client, UNREACHED } from "../src/api/client";

interface Sent {
  url: string;
  init: RequestInit;
}

function clientOf(answer: (init: RequestInit) => Response | Promise<Response>) {
  const sent: Sent[] = [];
  const onUnauthorized = vi.fn();
  const client = new Client({
    base: "http://host/api/v1/",
    token: "secret",
    onUnauthorized,
    patience: 20,
    fetch: async (url, init = {}) => {
      sent.push({ url: String(url), init });
      return answer(init);
    },
  });
  return { client, sent, onUnauthorized };
}

function json(body: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(body), {
    ...init,
    headers: { "Content-Type": "application/json", ...init.headers },
  });
}

async function problemOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof ApiError)) throw new Error(`not refused: ${String(error)}`);
  return error.problem;
}

test("a call carries the token, and only what is asked for", async () => {
  const { client, sent } = clientOf(() => json({ items: [], next: null }));
  await client.runs({ after: undefined, limit: 50 });
  expect(sent[0]?.url).toBe("http://host/api/v1/runs?limit=50");
  expect(sent[0]?.init.headers).toMatchObject({ Authorization: "Bearer secret" });
});

test("names from documents stay one segment of the path, and cursors one value", async () => {
  const { client, sent } = clientOf(() => json({ items: [], next: null }));
  await client.quarantined({ collection: "notes", id: "a/../b?c#d%2f ä" });
  await client.runs({ after: "a&limit=9" });
  expect(sent[0]?.url).toBe("http://host/api/v1/quarantine/notes/a%2F..%2Fb%3Fc%23d%252f%20%C3%A4");
  expect(sent[1]?.url).toBe("http://host/api/v1/runs?after=a%26limit%3D9");
});

test("an undo names the run as it was seen", async () => {
  const { client, sent } = clientOf(() => json({}, { status: 202, headers: { ETag: '"7"' } }));
  const { etag } = await client.run(3);
  await client.undo(3, "keep", etag);
  expect(sent[1]?.url).toBe("http://host/api/v1/runs/3/undo");
  expect(sent[1]?.init.headers).toMatchObject({ "If-Match": '"7"' });
  expect(sent[1]?.init.body).toBe('{"changed":"keep"}');
});

test("a problem is told with its detail, hint and findings", async () => {
  const problem = {
    title: "Refused",
    status: 409,
    detail: "nothing can be planned",
    hint: "wait",
    findings: [],
  };
  const headers = { "Content-Type": "application/problem+json" };
  const { client } = clientOf(() => json(problem, { status: 409, headers }));
  expect(await problemOf(client.startRun({ purpose: "up" }))).toEqual(problem);
});

test("an error that is no problem, or is cut, is told as far as it is known", async () => {
  const proxy = clientOf(() => new Response("<h1>", { status: 502, statusText: "Bad Gateway" }));
  expect(await problemOf(proxy.client.status())).toEqual({ title: "Bad Gateway", status: 502 });
  const headers = { "Content-Type": "application/problem+json" };
  const cut = clientOf(() => new Response('{"ti', { status: 500, headers }));
  expect(await problemOf(cut.client.status())).toEqual({ title: "The call failed", status: 500 });
});

test("an answer that is no JSON is an error", async () => {
  const { client } = clientOf(() => new Response("<html>"));
  expect((await problemOf(client.status())).title).toBe("The answer is no JSON");
});

test("a refused token is told to whoever keeps it", async () => {
  const { client, onUnauthorized } = clientOf(() => json({ title: "no" }, { status: 401 }));
  expect((await problemOf(client.status())).status).toBe(401);
  expect(onUnauthorized).toHaveBeenCalledOnce();
});

test("a server that does not answer has a status of its own", async () => {
  const { client } = clientOf(() => {
    throw new TypeError("fetch failed");
  });
  expect((await problemOf(client.status())).status).toBe(UNREACHED);
});

/** What never comes, but for the end of patience. */
function never<T>({ signal }: RequestInit): Promise<T> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

test("an answer that does not come is waited for so long", async () => {
  const { client } = clientOf(never<Response>);
  expect(await problemOf(client.status())).toMatchObject({
    title: "The server does not answer",
    status: UNREACHED,
  });
  expect((await problemOf(client.makeBackup())).hint).toContain("whether it was done");
});

test("an answer whose body does not come is none", async () => {
  const { client } = clientOf((init) => {
    const body = new ReadableStream({
      start: (inner) => void never(init).catch((late) => inner.error(late)),
    });
    return new Response(body);
  });
  expect((await problemOf(client.status())).title).toBe("The server does not answer");
});

test("a stream is waited for as long as whoever opens it likes", async () => {
  const { client, sent } = clientOf(() => new Response(""));
  const { signal } = new AbortController();
  await client.events("", signal);
  expect(sent[0]?.init.signal).toBe(signal);
});

test("an id that no address can have is not asked for", async () => {
  const { client, sent } = clientOf(() => json({}));
  for (const id of [".", ".."]) {
    expect((await problemOf(client.item({ collection: "notes", id }))).status).toBe(400);
  }
  await client.item({ collection: "notes", id: "..." });
  expect(sent).toHaveLength(1);
});

test("only a problem document is the server's word", async () => {
  const headers = { "Content-Type": "application/problem+json" };
  const problem = { type: "about:blank", title: "Not Found", status: 404 };
  const told = clientOf(() => json(problem, { status: 404, headers }));
  expect((await problemOf(told.client.status())).type).toBe("about:blank");
  const proxy = clientOf(() => json(problem, { status: 404 }));
  expect((await problemOf(proxy.client.status())).type).toBeUndefined();
});

test("a stream is taken up behind the last event", async () => {
  const { client, sent } = clientOf(() => new Response(""));
  await client.events("12", new AbortController().signal);
  expect(sent[0]?.init.headers).toMatchObject({ "Last-Event-ID": "12", Accept: "text/event-stream" });
});
