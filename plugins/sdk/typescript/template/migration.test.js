import assert from "node:assert/strict";
import test from "node:test";
import { Host } from "godwit/testing";
import migration from "./migration.ts";

test("an item without tags gets a list of them, as the last member", () => {
  const host = new Host({ "{{collection}}": '{"_id":"a","text":"Grüezi"}\n{"_id":"b","tags":["x"],"text":"Hoi"}' });
  const report = host.migrate(migration);
  assert.deepEqual(report.updated, ["a"]);
  assert.deepEqual(report.unchanged, ["b"]);
  assert.equal(host.export("{{collection}}"), '{"_id":"a","text":"Grüezi","tags":[]}\n{"_id":"b","tags":["x"],"text":"Hoi"}\n');
});
