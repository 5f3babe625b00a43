/** Answers: JSON, problems, the page's files. */

import { readFile } from "node:fs/promises";

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Occurs when a call is refused. */
export class Refused extends Error {
  constructor(status, title, more = {}) {
    super(title);
    this.problem = { type: "about:blank", title, status, ...more };
  }
}

export function send(response, status, body, headers = {}) {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/index.html": ["index.html", "text/html; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/app.css": ["app.css", "text/css; charset=utf-8"],
};

/** Serves a file of the page; gives whether there is one. */
export async function sendFile(response, path) {
  const found = FILES[path];
  if (!found) return false;
  const [name, type] = found;
  const bytes = await readFile(new URL(`../dist/${name}`, import.meta.url));
  response.writeHead(200, {
    "Content-Type": type,
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
  response.end(bytes);
  return true;
}

export async function readJson(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  if (pieces.length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    throw new Refused(422, "The body is no JSON");
  }
}
