/** A reader of `text/event-stream` (WHATWG HTML, 9.2.6), fed with text in pieces of any size. */

export interface ServerEvent {
  id: string;
  name: string;
  data: string;
}

export class EventParser {
  /** The id of the last event that is complete; it holds until another one is given. */
  lastId: string;
  /** How long to wait before connecting again, in milliseconds, if the server has said so. */
  retry: number | null = null;

  #rest = "";
  #endsWithCr = false;
  #isFirst = true;
  #id: string;
  #name = "";
  #data: string[] = [];

  constructor(lastId = "") {
    this.lastId = lastId;
    this.#id = lastId;
  }

  /** Takes the next piece and gives the events that it completes. */
  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    for (const line of this.#lines(piece)) {
      const event = line === "" ? this.#dispatch() : this.#field(line);
      if (event) events.push(event);
    }
    return events;
  }

  /** The lines that a piece completes. They end with LF, CR or CRLF, and a CRLF may be cut in two. */
  #lines(piece: string): string[] {
    if (piece === "") return [];
    let text = piece;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#endsWithCr && text.startsWith("\n")) text = text.slice(1);
    this.#endsWithCr = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? "";
    return lines;
  }

  #field(line: string): undefined {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    switch (name) {
      case "event":
        this.#name = value;
        break;
      case "data":
        this.#data.push(value);
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^\d+$/.test(value)) this.retry = Number(value);
        break;
    }
  }

  #dispatch(): ServerEvent | undefined {
    const [name, data] = [this.#name, this.#data];
    this.lastId = this.#id;
    this.#name = "";
    this.#data = [];
    if (data.length === 0) return undefined;
    return { id: this.lastId, name: name || "message", data: data.join("\n") };
  }
}
