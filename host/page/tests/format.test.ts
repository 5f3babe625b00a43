import { expect, test } from "vitest";
import {
  brief,
  bytes,
  count,
  counted,
  known,
  milliseconds,
  percent,
  rate,
  seconds,
  visible,
} from "../src/format";

test("numbers go with what they count", () => {
  expect(counted(1, "item")).toBe("1 item");
  expect(counted(20_968, "item")).toBe("20,968 items");
  expect(counted(0, "stage is", "stages are")).toBe("0 stages are");
});

test("a share is 100 only where nothing is left, and 0 only where nothing is done", () => {
  expect(percent(0, 10)).toBe(0);
  expect(percent(1, 1_000_000)).toBe(1);
  expect(percent(999_999, 1_000_000)).toBe(99);
  expect(percent(10, 10)).toBe(100);
  expect(percent(11, 10)).toBe(100);
  expect(percent(0, 0)).toBe(0);
});

test("spans of time have two units at most", () => {
  expect(seconds(0)).toBe("0 s");
  expect(seconds(0.2)).toBe("< 1 s");
  expect(seconds(59.6)).toBe("1 min 0 s");
  expect(seconds(3_725)).toBe("1 h 2 min");
  expect(seconds(200_000)).toBe("2 d 7 h");
  expect(seconds(null)).toBe("–");
  expect(seconds(Number.POSITIVE_INFINITY)).toBe("–");
  expect(milliseconds(12.4)).toBe("12 ms");
  expect(milliseconds(61_000)).toBe("1 min 1 s");
});

test("sizes and rates", () => {
  expect(bytes(1023)).toBe("1023 bytes");
  expect(bytes(1536)).toBe("1.5 KiB");
  expect(bytes(300 * 1024 ** 3)).toBe("300 GiB");
  expect(bytes(null)).toBe("–");
  expect(rate(0.25)).toBe("0.3");
  expect(rate(12_345.6)).toBe("12,346");
  expect(rate(null)).toBe("–");
});

test("what cannot be seen in an id is written out", () => {
  expect(visible("note\u202Egpj.exe")).toBe("note\\u{202e}gpj.exe");
  expect(visible("a\n\u0000b\u200B")).toBe("a\\u{a}\\u{0}b\\u{200b}");
  expect(visible("Zürich 🐦 日本")).toBe("Zürich 🐦 日本");
});

test("a long text is told in brief", () => {
  expect(brief("trapped\n  at  a\u202E")).toBe("trapped at a\\u{202e}");
  expect(brief("x".repeat(200))).toBe(`${"x".repeat(160)}…`);
});

test("what is not known is a dash", () => {
  expect(known(0, count)).toBe("0");
  expect(known(null, count)).toBe("–");
});
