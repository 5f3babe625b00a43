const encoder = new TextEncoder();
const kinds = { unchanged: 0, updated: 1, removed: 2, failed: 3 };

/** The outcomes of a batch in flat columns, written down as they come. */
export class Outcomes {
  #kinds;
  #payloads;
  #payloadEnds;
  #items = 0;
  #end = 0;

  constructor(items, bytes) {
    this.#kinds = new Uint8Array(items);
    this.#payloads = new Uint8Array(bytes + bytes / 4);
    this.#payloadEnds = new Uint32Array(items);
  }

  push({ tag, val }) {
    if (typeof val === "string") this.#pushText(val);
    else if (val) this.#pushBytes(val);
    this.#kinds[this.#items] = kinds[tag];
    this.#payloadEnds[this.#items] = this.#end;
    this.#items += 1;
  }

  columns() {
    return { kinds: this.#kinds, payloads: this.#payloads.subarray(0, this.#end), payloadEnds: this.#payloadEnds };
  }

  #pushText(text) {
    const { read, written } = encoder.encodeInto(text, this.#payloads.subarray(this.#end));
    this.#end += written;
    if (read < text.length) this.#pushBytes(encoder.encode(text.slice(read)));
  }

  #pushBytes(bytes) {
    const end = this.#end + bytes.length;
    if (end > this.#payloads.length) this.#grow(end);
    this.#payloads.set(bytes, this.#end);
    this.#end = end;
  }

  #grow(end) {
    const payloads = new Uint8Array(2 * end);
    payloads.set(this.#payloads.subarray(0, this.#end));
    this.#payloads = payloads;
  }
}
