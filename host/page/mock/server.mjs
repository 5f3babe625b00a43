/**
 * Plays the HTTP API with a store that is made up, so that the page can be tried and tested without a host.
 *
 *   node mock/server.mjs [PORT]      then open http://127.0.0.1:4780/#token=admin (or #token=read)
 */

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Refused, readJson, send, sendFile } from "./http.mjs";
import { ROUTES } from "./routes.mjs";
import { Stream } from "./stream.mjs";
import { Work } from "./work.mjs";
import { newWorld } from "./world.mjs";

const ROLES = { "Bearer admin": "admin", "Bearer read": "read" };
const BASE = "/api/v1/";

/** Starts a server with a store of its own; `perSecond` is how fast it pretends to be, and `failure` why runs fail there. */
export async function start({ port = 0, perSecond = 600, failure } = {}) {
  const world = newWorld();
  const stream = new Stream();
  const work = new Work(world, stream, perSecond, failure);
  let isCut = false;
  const server = createServer((request, response) => {
    if (isCut) return request.socket.destroy();
    answer(request, response, { world, stream, work }).catch((error) => {
      const { problem } =
        error instanceof Refused ? error : { problem: { title: String(error), status: 500 } };
      send(response, problem.status, problem);
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  /** Answers nobody, until it is mended. */
  const cut = () => {
    isCut = true;
    stream.end();
  };
  const mend = () => {
    isCut = false;
  };
  const close = () => {
    work.end();
    stream.end();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, cut, mend, close };
}

async function answer(request, response, { world, stream, work }) {
  const url = new URL(request.url, "http://mock");
  if (!url.pathname.startsWith(BASE)) {
    if (await sendFile(response, url.pathname)) return;
    throw new Refused(404, "There is no such page");
  }
  const role = ROLES[request.headers.authorization];
  if (!role) throw new Refused(401, "The token is wrong or missing");
  if (request.method !== "GET" && role !== "admin") throw new Refused(403, "This token may only read");
  const path = url.pathname.slice(BASE.length);
  if (path === "events") return stream.serve(request, response);
  const [route, names] = routeOf(request.method, path);
  const body = request.method === "GET" ? {} : await readJson(request);
  const call = { world, work, role, query: url.searchParams, body, ifMatch: request.headers["if-match"] };
  const answered = route(call, ...names);
  if (request.method !== "GET") noteAudit(world, `${request.method} ${decodeURIComponent(path)}`, body, 200);
  const {
    status,
    body: shown,
    etag,
  } = "status" in answered && "body" in answered ? answered : { status: 200, body: answered };
  send(response, status, shown, etag ? { ETag: etag } : {});
}

function routeOf(method, path) {
  const parts = path.split("/");
  for (const [wanted, pattern, route] of ROUTES) {
    const names = pattern.split("/");
    if (wanted !== method || names.length !== parts.length) continue;
    if (names.every((name, place) => name.startsWith(":") || name === parts[place])) {
      const given = parts.filter((_, place) => names[place].startsWith(":"));
      return [route, given.map(decodeURIComponent)];
    }
  }
  throw new Refused(404, "There is no such call");
}

function noteAudit(world, target, body, status) {
  const sent = JSON.stringify(body ?? {});
  const what = sent === "{}" ? target : `${target} ${sent}`;
  world.audit.push({ number: world.audit.length + 1, at: Date.now(), who: "admin", what, status });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({ port: Number(process.argv[2] ?? 4780) });
  console.log(`${url}#token=admin`);
}
