// A script over SQLite: reads each document, changes it, and writes it back.
//
//   node script.mjs DATABASE once|each
//
// `once`: one transaction for everything, which is quickest, and begins anew where it is killed. `each`: one for each
// document.

import { change } from "./change.mjs";
import { open } from "./store.mjs";

const PAGE = 1_000;

const [path, transactions] = process.argv.slice(2);
const database = open(path);
const page = database.prepare("SELECT id, body FROM items WHERE id > ? ORDER BY id LIMIT ?");
const save = database.prepare("UPDATE items SET body = ? WHERE id = ?");

function migrate() {
  let after = "";
  for (;;) {
    const items = page.all(after, PAGE);
    if (items.length === 0) return;
    for (const { id, body } of items) {
      save.run(JSON.stringify(change(JSON.parse(body))), id);
      after = id;
    }
  }
}

if (transactions === "once") database.transaction(migrate)();
else migrate();
