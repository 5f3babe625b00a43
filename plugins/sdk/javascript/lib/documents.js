import { asBytes, formats } from "./body.js";

/** Items fetched at once by a scan: enough to make crossings rare; the host bounds the bytes. */
const PAGE = 256;

export class Documents {
  #host;

  constructor(host) {
    this.#host = host;
  }

  get(collection, id, { as = "json" } = {}) {
    const body = this.#access("get", collection, [name(id)]);
    return body == null ? undefined : read(as, collection, id, body);
  }

  *scan(collection, { after, as = "json" } = {}) {
    for (;;) {
      const page = this.#access("scan", collection, [after == null ? undefined : name(after), PAGE]);
      if (page.length === 0) return;
      for (const { id, body } of page) yield { id, body: read(as, collection, id, body) };
      after = page.at(-1).id;
    }
  }

  put(collection, id, body, { as = "json" } = {}) {
    this.#access("put", collection, [name(id), asBytes(formats[as].print(body))]);
  }

  delete(collection, id) {
    this.#access("delete", collection, [name(id)]);
  }

  #access(what, collection, rest) {
    try {
      return this.#host[what](name(collection), ...rest);
    } catch (error) {
      throw error.payload ? new DocumentsError(error.payload, collection) : error;
    }
  }
}

export class DocumentsError extends Error {
  name = "DocumentsError";

  constructor({ tag, val }, collection) {
    super(messages[tag](collection, val));
    this.kind = tag;
    this.collection = collection;
    this.reason = val;
  }
}

const messages = {
  denied: (collection) => `access to collection \`${collection}\` is denied`,
  limit: (_, reason) => `a limit of the sandbox is reached: ${reason}`,
  invalid: (_, reason) => `not valid: ${reason}`,
};

function read(as, collection, id, body) {
  const format = formats[as];
  try {
    const value = format.parse(body);
    format.check?.(body);
    return value;
  } catch (error) {
    throw new Error(`item \`${id}\` of collection \`${collection}\` can't be read`, { cause: error });
  }
}

/** An id or a collection's name; the engines end the whole batch when they are handed anything but text. */
function name(text) {
  if (typeof text !== "string") throw new TypeError(`an id or a collection's name is a string, not ${text}`);
  return text.toWellFormed();
}
