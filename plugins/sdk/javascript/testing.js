// A host in memory; it is described in testing.d.ts.

import { isDeepStrictEqual } from "node:util";
import { asText } from "./lib/body.js";
import { outcome } from "./lib/outcome.js";

export class Host {
  #collections = new Map();
  #run;
  lines = [];

  constructor(collections = {}, { fromVersion, startedAt = 0, seed = 0n } = {}) {
    this.#run = { fromVersion, startedAt, seed };
    for (const [name, text] of Object.entries(collections)) {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      this.#collections.set(name, new Map(lines.map((line) => [JSON.parse(line)._id, line])));
    }
  }

  migrate({ steps }) {
    const report = { updated: [], unchanged: [], removed: [], failed: [] };
    const inOrder = [...steps.filter(offline), ...steps.filter((step) => !offline(step))];
    for (const step of inOrder) {
      for (const id of sortedIds(this.#collection(step.collection))) this.#feed(step, id, report);
    }
    return report;
  }

  items(collection) {
    return this.#sorted(collection).map((body) => JSON.parse(body));
  }

  export(collection) {
    return this.#sorted(collection).map((body) => `${body}\n`).join("");
  }

  #feed(step, id, report) {
    const items = this.#collection(step.collection);
    const old = items.get(id);
    const written = new Map();
    const { tag, val } = outcome(step, id, old, this.#hostOf(step, id, written));
    if (tag === "failed") {
      report.failed.push({ id, reason: val });
      return;
    }
    for (const [collection, bodies] of written) {
      for (const [other, body] of bodies) set(this.#collection(collection), other, body);
    }
    if (tag === "removed") items.delete(id);
    const same = tag === "updated" && isDeepStrictEqual(JSON.parse(val), JSON.parse(old));
    if (tag === "updated" && !same) items.set(id, val);
    report[same ? "unchanged" : tag].push(id);
  }

  /** What the contract lets a component import, as far as the step asked for it. */
  #hostOf(step, fedId, written) {
    const writable = (collection) => step.writes.includes(collection);
    const readable = (collection) => writable(collection) || step.reads.includes(collection);
    const allow = (may, collection) => {
      if (!may(collection)) refuse("denied");
    };
    const seen = (collection) => new Map([...this.#collection(collection), ...(written.get(collection) ?? [])]);
    const bytes = (body) => new TextEncoder().encode(body);
    const write = (collection, id, body) => {
      allow(writable, collection);
      checkId(id);
      if (collection === step.collection && id === fedId) refuse("invalid", "the item is being migrated");
      if (!written.has(collection)) written.set(collection, new Map());
      written.get(collection).set(id, body);
    };
    return {
      documents: {
        get(collection, id) {
          allow(readable, collection);
          checkId(id);
          const body = seen(collection).get(id);
          return body === undefined ? undefined : bytes(body);
        },
        scan(collection, after, limit) {
          allow(readable, collection);
          const items = seen(collection);
          const ids = sortedIds(items).filter((id) => items.get(id) !== undefined);
          const first = after == null ? 0 : ids.findIndex((id) => compare(id, after) > 0);
          if (first < 0) return [];
          return ids.slice(first, first + limit).map((id) => ({ id, body: bytes(items.get(id)) }));
        },
        put: (collection, id, body) => write(collection, id, asText(body)),
        delete: (collection, id) => write(collection, id, undefined),
      },
      log: { log: (level, message, item) => this.lines.push({ level, message, item }) },
      run: { current: () => this.#run },
    };
  }

  #collection(name) {
    if (!this.#collections.has(name)) this.#collections.set(name, new Map());
    return this.#collections.get(name);
  }

  #sorted(collection) {
    const items = this.#collection(collection);
    return sortedIds(items).map((id) => items.get(id));
  }
}

const offline = ({ phase }) => phase === "offline";
const compare = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other));
const sortedIds = (items) => [...items.keys()].sort(compare);

function set(items, id, body) {
  if (body === undefined) items.delete(id);
  else items.set(id, body);
}

function checkId(id) {
  const size = Buffer.byteLength(id);
  if (size < 1 || size > 512) refuse("invalid", `an id has 1 to 512 bytes, this one has ${size}`);
}

/** Refuses as the engines do. */
function refuse(tag, val) {
  throw Object.assign(new Error(tag), { payload: { tag, val } });
}
