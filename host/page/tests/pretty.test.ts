import { expect, test } from "vitest";
import { pretty } from "../src/pretty";

function laid(text: string): string | undefined {
  return pretty(text)
    ?.map((token) => token.text)
    .join("");
}

test("a text is laid out as JSON.stringify does it", () => {
  const value = { a: [1, 'x,{}\\"', { b: null }], c: {}, d: [], e: -1.5e-7, f: true, "g:h": [[]] };
  expect(laid(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
  expect(laid(JSON.stringify(value, null, 7))).toBe(JSON.stringify(value, null, 2));
  expect(laid("3")).toBe("3");
});

test("what JavaScript cannot hold stays as it is", () => {
  expect(laid('{"n":12345678901234567890.10,"n":1e400}')).toBe(
    '{\n  "n": 12345678901234567890.10,\n  "n": 1e400\n}',
  );
});

test("names are told from strings", () => {
  const kinds = pretty('{"a":"b"}')?.filter((token) => token.kind !== "mark");
  expect(kinds).toEqual([
    { kind: "name", text: '"a"' },
    { kind: "string", text: '"b"' },
  ]);
});

test("what is no JSON is not laid out", () => {
  expect(pretty("{'a': 1}")).toBeNull();
  expect(pretty("")).toBeNull();
});
