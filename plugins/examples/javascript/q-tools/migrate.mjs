// What Node makes of items with a tool's scripts: `node migrate.mjs TOOL < ITEMS > ITEMS-AFTER`. A line that no script
// changes stays as it is.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const scripts = new URL(`${process.argv[2]}/migration-scripts/`, import.meta.url);
const require = createRequire(scripts);
const migrations = readdirSync(scripts).filter((name) => /^to-v.*\.js$/.test(name)).sort().map((name) => require(`./${name}`));

for await (const line of createInterface({ input: process.stdin })) {
  let item = JSON.parse(line);
  let after = line;
  for (const { migrate } of migrations) {
    const result = migrate(item);
    if (!result.isChanged) continue;
    item = result.item;
    if (JSON.stringify(item) !== JSON.stringify(JSON.parse(after))) after = JSON.stringify(item);
  }
  console.log(after);
}
