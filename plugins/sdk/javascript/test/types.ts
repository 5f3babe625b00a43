// Compiled only: what the types allow, and what they don't.

import { type Context, DocumentsError, derive, migration, removed, rewrite, unchanged } from "godwit";

interface Note {
  text: string;
  tags?: string[];
}

rewrite<Note>("a", "b", (note) => {
  note.tags = [];
  return note;
});
rewrite<Note>("a", "b", { writes: ["x"] }, (note) => ({ ...note, tags: [], of: { note } }));
rewrite("a", "b", { writes: ["x"], online: true }, (item, { documents, log, run, id }) => {
  for (const { id, body } of documents.scan<Note>("x", { after: "k" })) log.info(id + body.text);
  const first: { id: string }[] = documents.scan("x").take(3).toArray();
  const bytes: Uint8Array | undefined = documents.get("x", first[0].id, { as: "bytes" });
  documents.put("x", id, { at: run.startedAt, seed: String(run.seed) });
  documents.put("x", id, bytes ?? new Uint8Array(1), { as: "bytes" });
  return item === null ? removed : unchanged;
});
rewrite<Note>("a", "b", { as: "exact" }, (note) => ({ ...note, text: note.text.trim() }));
rewrite<Note, "exact">("a", "b", { as: "exact" }, (note) => note);
derive<Note>("a", "b", { as: "exact" }, (note, { log }) => log.info(note.text));
rewrite("a", "b", { as: "bytes" }, (bytes) => bytes.subarray(1));
rewrite("a", "b", { as: "text" }, (text) => text.trim());
derive<Note>("a", "b", (note, { documents, id }: Context) => {
  documents.put("x", id, { note, at: new Date(5) });
  documents.put("x", id, [note]);
  documents.put("x", id, note);
});
derive("a", "b", { writes: ["x"] }, (_note, { documents, id }) => documents.delete("x", id));

// @ts-expect-error nothing is given back
rewrite<Note>("a", "b", (note) => {
  note.tags = [];
});
// @ts-expect-error asynchronous
rewrite<Note>("a", "b", async (note) => note);
// @ts-expect-error text for bytes
rewrite("a", "b", { as: "bytes" }, () => "text");
// @ts-expect-error any JSON: is it an object?
rewrite("a", "b", (note) => note.tags);
// @ts-expect-error no JSON
rewrite("a", "b", () => 1n);
// @ts-expect-error without an app
migration({ version: "1.0.0" });

export const reason = (error: unknown) => (error instanceof DocumentsError && error.kind === "limit" ? error.reason : undefined);
