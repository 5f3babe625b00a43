import { describe, expect, test } from "vitest";
import { EventParser, type ServerEvent } from "../src/api/sse";

function parsed(...pieces: string[]): ServerEvent[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const STREAM =
  'id: 7\r\nevent: run_done\r\ndata: {"run":\r\ndata: 3}\r\n\r\n: a comment\r\n\r\ndata: ä\r\n\r\n';
const EVENTS = [
  { id: "7", name: "run_done", data: '{"run":\n3}' },
  { id: "7", name: "message", data: "ä" },
];

describe("events", () => {
  test("are the same wherever the stream is cut", () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      expect(parsed(STREAM.slice(0, at), STREAM.slice(at))).toEqual(EVENTS);
    }
    expect(parsed(...STREAM)).toEqual(EVENTS);
  });

  test("are the same with each end of lines", () => {
    for (const end of ["\n", "\r"]) {
      expect(parsed(STREAM.replaceAll("\r\n", end))).toEqual(EVENTS);
    }
  });

  test("need data, and are dropped where the stream ends before their empty line", () => {
    expect(parsed("event: ping\n\n", "data: unfinished\n")).toEqual([]);
  });

  test("take one space behind the colon, no more, and fields without a value", () => {
    expect(parsed("data:  two\ndata:none\ndata\n\n")).toEqual([
      { id: "", name: "message", data: " two\nnone\n" },
    ]);
  });

  test("do not take over the name of the one before", () => {
    expect(parsed("event: a\ndata: 1\n\ndata: 2\n\n").map((event) => event.name)).toEqual(["a", "message"]);
  });

  test("of unknown fields are read all the same", () => {
    expect(parsed("colour: red\ndata: 1\n\n")).toHaveLength(1);
  });
});

describe("the last id", () => {
  test("is not that of an event which is not complete yet", () => {
    const parser = new EventParser("41");
    parser.push("id: 42\ndata: 2\n");
    expect(parser.lastId).toBe("41");
    parser.push("\n");
    expect(parser.lastId).toBe("42");
  });

  test("goes on from the stream before and is that of the last event", () => {
    const parser = new EventParser("41");
    expect(parser.lastId).toBe("41");
    expect(parser.push("data: 1\n\n")[0]?.id).toBe("41");
    parser.push("id: 42\ndata: 2\n\n");
    expect(parser.lastId).toBe("42");
  });

  test("is taken back by an empty one, and not set by one with a zero byte", () => {
    const parser = new EventParser("41");
    parser.push("id: 4\0" + "2\n\n");
    expect(parser.lastId).toBe("41");
    parser.push("id\n\n");
    expect(parser.lastId).toBe("");
  });
});

test("a byte order mark at the start is no part of the first field", () => {
  expect(parsed("\uFEFFdata: 1\n\n")).toHaveLength(1);
});

test("the time to wait is taken if it is a number", () => {
  const parser = new EventParser();
  parser.push("retry: soon\n");
  expect(parser.retry).toBeNull();
  parser.push("retry: 250\n");
  expect(parser.retry).toBe(250);
});
