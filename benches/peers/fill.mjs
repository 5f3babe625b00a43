// Fills a database with the first documents of a file, one on each line, under the ids that they have.
//
//   node fill.mjs DATABASE FILE COUNT

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { open } from "./store.mjs";

const [path, file, count] = process.argv.slice(2);
const database = open(path);
database.exec("CREATE TABLE items (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID");
const add = database.prepare("INSERT INTO items (id, body) VALUES (?, ?)");
database.exec("BEGIN");
let left = Number(count);
for await (const line of createInterface({ input: createReadStream(file) })) {
  if (left-- === 0) break;
  add.run(JSON.parse(line)._id, line);
}
database.exec("COMMIT");
database.close();
