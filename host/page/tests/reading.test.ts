import { expect, test } from "vitest";
import { ApiError } from "../src/api/client";
import { type Answer, Reading } from "../src/parts/reading";

/** Reads that end when they are told to. */
function reads() {
  const answers: Answer<string>[] = [];
  const begun: { name: string; end: (value: string) => void; fail: (error: Error) => void }[] = [];
  const reading = new Reading<string>((answer) => answers.push(answer));
  const read = (key: string, name: string) =>
    reading.read(
      key,
      () => new Promise((resolve, reject) => begun.push({ name, end: resolve, fail: reject })),
    );
  const names = () => begun.map((one) => one.name);
  return { answers, begun, names, read, reading };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("an answer counts however often it was asked again meanwhile, and there is one more read", async () => {
  const { answers, begun, names, read } = reads();
  for (const name of ["first", "second", "third"]) read("runs", name);
  begun[0]?.end("a");
  await settled();
  expect(answers).toEqual([{ key: "runs", value: "a" }]);
  expect(names()).toEqual(["first", "third"]);
  begun[1]?.end("b");
  await settled();
  expect(answers.at(-1)).toEqual({ key: "runs", value: "b" });
  expect(begun).toHaveLength(2);
});

test("another key does not wait, and drops what was read for the one before", async () => {
  const { answers, begun, read } = reads();
  read("page 1", "one");
  read("page 1", "one again");
  read("page 2", "two");
  begun[1]?.end("b");
  begun[0]?.end("a");
  await settled();
  expect(answers).toEqual([{ key: "page 2", value: "b" }]);
  expect(begun).toHaveLength(2);
});

test("a failure is told, and the next read takes place", async () => {
  const { answers, begun, read } = reads();
  read("runs", "first");
  read("runs", "second");
  begun[0]?.fail(new ApiError({ title: "Full", status: 507 }));
  await settled();
  expect(answers).toEqual([{ key: "runs", problem: { title: "Full", status: 507 } }]);
  expect(begun).toHaveLength(2);
});

test("what fails before it has begun is a failure like any other", async () => {
  const answers: Answer<string>[] = [];
  const reading = new Reading<string>((answer) => answers.push(answer));
  reading.read("runs", () => {
    throw new Error("no");
  });
  await settled();
  expect(answers[0]).toMatchObject({ problem: { detail: "Error: no" } });
});

test("nothing is told once it has ended", async () => {
  const { answers, begun, read, reading } = reads();
  read("runs", "first");
  reading.end();
  begun[0]?.end("a");
  await settled();
  expect(answers).toEqual([]);
});
