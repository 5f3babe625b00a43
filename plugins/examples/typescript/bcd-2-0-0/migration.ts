// Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//
// Before, a browser with one statement had it bare, and one with several had a list of them.

import { type Json, migration, rewrite, unchanged } from "godwit";

interface Feature {
  support?: Json;
}

export default migration({
  app: "bcd",
  version: "2.0.0",
  requires: ">=1, <2",
  summary: "makes every entry of `support` a list of statements",
  steps: [rewrite("lists", "features", lists)],
});

function lists(feature: Feature | null) {
  const support = feature?.support;
  if (!isObject(support)) throw new Error("the feature has no `support` object");

  const bare = Object.entries(support).filter(([, entry]) => isObject(entry));
  if (bare.length === 0) return unchanged;
  for (const [browser, statement] of bare) support[browser] = [statement];
  return feature;
}

function isObject(value?: Json): value is { [member: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
