// Brings the items of {{app}} to version {{version}} with the tool's own script, as it is.

import { migration, rewrite, unchanged } from "godwit";
import * as script from "./migration-scripts/to-v{{version}}.js";

export default migration({
  app: "{{app}}",
  version: "{{version}}",
  requires: "{{requires}}",
  summary: "what to-v{{version}}.js does",
  steps: [rewrite("script", "{{collection}}", migrate)],
});

function migrate(item) {
  const result = script.migrate(item);
  if (typeof result?.then === "function") throw new Error("the script is asynchronous; a migration can't wait");
  if (result === null || typeof result !== "object") throw new Error("the script gave back no `{ isChanged, item }`");
  return result.isChanged ? result.item : unchanged;
}
