// Bodies as an author sees them. Each engine hands them over as what it is faster with: text or bytes.

import { parseExactly, refuseRounding } from "./numbers.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The ways to see a body; `print` gives text or bytes, `check` refuses a body that would not survive the two. */
export const formats = {
  json: {
    parse: (body) => json(body, JSON.parse),
    check: (body) => refuseRounding(asText(body)),
    print: printed,
  },
  exact: {
    parse: (body) => json(body, parseExactly),
    print: printed,
  },
  text: {
    parse: asText,
    print(text) {
      if (typeof text !== "string") throw new TypeError("a body as text is a string");
      if (!text.isWellFormed()) throw new TypeError("a body as text has no lone surrogates");
      return text;
    },
  },
  bytes: {
    parse: asBytes,
    print(bytes) {
      if (!(bytes instanceof Uint8Array)) throw new TypeError("a body as bytes is a Uint8Array");
      return bytes;
    },
  },
};

function json(body, parse) {
  const text = asText(body);
  try {
    return parse(text);
  } catch (error) {
    throw new Error("the body is not JSON", { cause: error });
  }
}

function printed(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`not JSON: ${typeof value}`);
  return text;
}

export function asText(body) {
  if (typeof body === "string") return body;
  try {
    return decoder.decode(body);
  } catch {
    throw new Error("the body is not UTF-8");
  }
}

export function asBytes(body) {
  if (typeof body === "string") return encoder.encode(body);
  return new Uint8Array(body.buffer, body.byteOffset, body.length); // StarlingMonkey's come from another realm
}
