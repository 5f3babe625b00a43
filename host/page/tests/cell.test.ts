import { expect, test } from "vitest";
import { Cell, derived } from "../src/cell";

test("a change is told once, and none where nothing changes", () => {
  const cell = new Cell(1);
  const seen: number[] = [];
  const stop = cell.listen(() => seen.push(cell.value));
  cell.value = 2;
  cell.value = 2;
  stop();
  cell.value = 3;
  expect(seen).toEqual([2]);
});

test("what is derived follows", () => {
  const [left, right] = [new Cell(1), new Cell(2)];
  const sum = derived([left, right], () => left.value + right.value);
  left.value = 40;
  expect(sum.value).toBe(42);
});

test("a listener may end itself while it is told", () => {
  const cell = new Cell(0);
  const seen: string[] = [];
  const stop = cell.listen(() => {
    seen.push("first");
    stop();
  });
  cell.listen(() => seen.push("second"));
  cell.value = 1;
  cell.value = 2;
  expect(seen).toEqual(["first", "second", "second"]);
});
