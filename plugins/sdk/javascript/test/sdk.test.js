import assert from "node:assert/strict";
import test from "node:test";
import { DocumentsError, derive, migration, removed, rewrite, unchanged } from "godwit";
import { Host } from "godwit/testing";
import { descriptor } from "../lib/migration.js";

const notes = '{"_id":"a","text":"Grüezi"}\n{"_id":"b","tags":["x"]}\n';

const migrate = (items, ...steps) => {
  const host = new Host({ notes: items });
  const report = host.migrate(migration({ app: "notes", version: "2.0.0", steps }));
  return { host, report };
};
const failure = (item, ...step) => migrate(item, rewrite("s", "notes", ...step)).report.failed[0]?.reason;

test("a migration says what it is", () => {
  const steps = [
    rewrite("split", "orders", { writes: ["addresses"] }, () => unchanged),
    derive("index", "orders", { online: true, reads: ["users"], writes: ["cities"] }, () => {}),
  ];
  assert.deepEqual(descriptor(migration({ app: "shop", version: "3.0.0", dependsOn: { billing: ">=1.4" }, steps })), {
    app: "shop",
    version: "3.0.0",
    requires: undefined,
    dependsOn: [{ app: "billing", versions: ">=1.4" }],
    summary: "",
    steps: [
      { name: "split", phase: "offline", mode: "rewrite", collection: "orders", reads: [], writes: ["addresses"] },
      { name: "index", phase: "online", mode: "derive", collection: "orders", reads: ["users"], writes: ["cities"] },
    ],
  });
});

test("an item is updated, unchanged, removed or fails alone", () => {
  const { host, report } = migrate(`${notes}{"_id":"c","old":true}\n{"_id":"d","bad":1}`, rewrite("s", "notes", (note) => {
    if (note.old) return removed;
    if (note.bad) throw new TypeError("bad", { cause: new Error("so it came") });
    return note.tags ? unchanged : { ...note, tags: [] };
  }));
  assert.deepEqual(report, {
    updated: ["a"],
    unchanged: ["b"],
    removed: ["c"],
    failed: [{ id: "d", reason: "TypeError: bad: so it came" }],
  });
  assert.equal(host.export("notes"), '{"_id":"a","text":"Grüezi","tags":[]}\n{"_id":"b","tags":["x"]}\n{"_id":"d","bad":1}\n');
});

test("what is no outcome is a failure", () => {
  assert.match(failure('{"_id":"a"}', () => {}), /gave nothing back/);
  assert.match(failure('{"_id":"a"}', async (item) => item), /asynchronous/);
  assert.match(failure('{"_id":"a"}', () => () => 1), /not JSON: function/);
  assert.match(failure('{"_id":"a"}', { as: "text" }, () => 1), /a string/);
  assert.match(failure('{"_id":"a"}', { as: "bytes" }, () => "text"), /a Uint8Array/);
  assert.equal(migrate(notes, derive("s", "notes", () => 1)).report.failed.length, 2);
});

test("what is no step is told when the migration is built", () => {
  assert.throws(() => rewrite("s", "notes"), /`s` has no function/);
  assert.throws(() => rewrite("s", "notes", { as: "yaml" }, () => unchanged), /can't see items as `yaml`/);
  assert.throws(() => rewrite("s", "notes", { read: ["users"] }, () => unchanged), /step `s` has no member `read`/);
  assert.throws(() => migration({ app: "notes", version: "2.0.0", require: ">=1" }), /no member `require`/);
});

test("a number is not rounded", { skip: !JSON.rawJSON && "needs Node 22" }, () => {
  const big = '{"_id":"a","n":9007199254740993}';
  assert.match(failure(big, (item) => ({ ...item, tags: [] })), /would change the number 9007199254740993/);
  assert.equal(failure(big, () => unchanged), undefined);

  const numbers = '{"_id":"a","n":[9007199254740993,1e400,0.1234567890123456789,1.10,12345678901234567000,"12345678901234567"]}';
  const { host } = migrate(numbers, rewrite("s", "notes", { as: "exact" }, (item) => ({ ...item, m: item.n[4] })));
  assert.equal(
    host.export("notes"),
    '{"_id":"a","n":[9007199254740993,1e400,0.1234567890123456789,1.1,12345678901234567000,"12345678901234567"],"m":12345678901234567000}\n',
  );
});

test("a body is seen as text or bytes", () => {
  const { host } = migrate(
    notes,
    rewrite("text", "notes", { as: "text" }, (text) => text.replace("Grüezi", "Sälü")),
    rewrite("bytes", "notes", { as: "bytes" }, (bytes) => (bytes.length > 24 ? bytes.map((byte) => (byte === 0x53 ? 0x73 : byte)) : unchanged)),
  );
  assert.equal(host.export("notes"), '{"_id":"a","text":"sälü"}\n{"_id":"b","tags":["x"]}\n');
});

test("other items are read and written, as far as the step asked for them", () => {
  const seen = [];
  const { host, report } = migrate(notes, rewrite("s", "notes", { reads: ["notes"], writes: ["log"] }, (note, { id, documents }) => {
    documents.put("log", id, { of: note });
    documents.put("log", "gone", 1);
    documents.delete("log", "gone");
    seen.push(documents.get("log", id), documents.get("log", "gone"), ...[...documents.scan("notes", { after: "a" })].map(({ id }) => id));
    for (const forbidden of [() => documents.put("notes", "x", 1), () => documents.get("other", "x"), () => documents.put("log", "", 1)]) {
      assert.throws(forbidden, DocumentsError);
    }
    if (id === "b") throw new Error("and dropped");
    return unchanged;
  }));
  assert.deepEqual(report.failed, [{ id: "b", reason: "and dropped" }]);
  assert.deepEqual(seen.slice(0, 3), [{ of: { _id: "a", text: "Grüezi" } }, undefined, "b"]);
  assert.deepEqual(host.items("log"), [{ of: { _id: "a", text: "Grüezi" } }]);
});

test("a scan goes over many pages", () => {
  const many = Array.from({ length: 600 }, (_, n) => `{"_id":"${String(n).padStart(3, "0")}"}`).join("\n");
  let ids;
  migrate(many, derive("s", "notes", { reads: ["notes"] }, (_, { documents }) => {
    ids = Array.from(documents.scan("notes"), ({ id }) => id);
  }));
  assert.equal(ids.length, 600);
  assert.deepEqual(ids, ids.toSorted());
});

test("lines name the item", () => {
  const { host } = migrate('{"_id":"a"}', derive("s", "notes", (_, { log, run }) => log.warn(run.startedAt)));
  assert.deepEqual(host.lines, [{ level: "warn", message: "0", item: "a" }]);
});

test("lines show objects as JSON", () => {
  const own = { toString: () => "own" };
  const round = [];
  round.push(round);
  const { host } = migrate('{"_id":"a"}', derive("s", "notes", (item, { log }) => {
    for (const value of [item, [1, "x"], own, null, new Error("no"), Object.create(null), "text"]) log.info(value);
    log.info(round);
  }));
  const messages = host.lines.map(({ message }) => message);
  assert.match(messages.pop(), /^no JSON: /);
  assert.deepEqual(messages, ['{"_id":"a"}', '[1,"x"]', "own", "null", "Error: no", "{}", "text"]);
});

test("the log says where a function is wrong", () => {
  const { host } = migrate('{"_id":"a"}\n{"_id":"b","no":true}', rewrite("s", "notes", function shorten(note) {
    if (note.no) throw new Error("no note");
    return note.text.trim();
  }));
  assert.equal(host.lines.length, 1);
  assert.match(host.lines[0].message, /^TypeError: .*\(at .*shorten.*sdk\.test\.js:\d+:\d+\)\)$/);
  assert.equal(host.lines[0].item, "a");
});
