import { Documents } from "./documents.js";

/** What the function of a step may use beside the item. */
export class Context {
  #host;

  constructor(id, host) {
    this.id = id;
    this.#host = host;
  }

  get documents() {
    return new Documents(this.#host.documents);
  }

  get log() {
    return logger(this.#host.log, this.id);
  }

  get run() {
    const { fromVersion, startedAt, seed } = this.#host.run.current();
    return { fromVersion: fromVersion ?? undefined, startedAt: Number(startedAt), seed: BigInt(seed) };
  }
}

/** Writes lines about an item, or about none. */
export function logger(host, item) {
  const at = (level) => (message) => host.log(level, shown(message).toWellFormed(), item);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A value as it is written to the log: objects that have no text of their own as JSON. */
export function shown(value) {
  if (typeof value !== "object" || value === null) return String(value);
  const hasText = !Array.isArray(value) && ![undefined, Object.prototype.toString].includes(value.toString);
  if (hasText) return String(value);
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch (error) {
    return `no JSON: ${error.message}`;
  }
}
