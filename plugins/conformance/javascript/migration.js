// Does what its items say; `plugins/conformance/README.md` says what they can say.

import { DocumentsError, derive, migration, removed, rewrite, unchanged } from "godwit";

export default migration({
  app: "conformance",
  version: "2.0.0",
  requires: ">=1, <2",
  dependsOn: { other: ">=1.2" },
  summary: "does what its items say, in JavaScript – grüezi",
  steps: [
    rewrite("apply", "items", { reads: ["lookup", "nowhere"], writes: ["notes"], as: "exact" }, apply),
    derive("derive", "items", { online: true, writes: ["seen"] }, (_item, { id, documents }) => {
      documents.put("seen", id, { of: id });
    }),
  ],
});

function apply(item, context) {
  if (!Array.isArray(item?.do)) throw new Error("an item is an object with a list `do`");
  const saw = [];
  for (const [name, ...words] of item.do) {
    if (name in outcomes) return outcomes[name](item, ...words);
    if (name === "log") log(context, ...words);
    else saw.push(see(name, context, words));
  }
  return saw.length === 0 ? unchanged : { saw };
}

const outcomes = {
  keep: () => unchanged,
  remove: () => removed,
  fail: (_item, text) => {
    throw new Error(text);
  },
  throw: (_item, text) => {
    throw new TypeError(text);
  },
  replace: (_item, value) => value,
  echo: (item) => item,
  big: (_item, n) => ({ big: "x".repeat(n) }),
};

function log(context, level, text, about) {
  const write = about === "alone" ? console : context.log;
  write[level](text);
}

function see(name, context, words) {
  try {
    return sights[name](context, ...words);
  } catch (error) {
    if (!(error instanceof DocumentsError)) throw error;
    return { [error.kind]: error.reason ?? error.collection };
  }
}

const sights = {
  get: ({ documents }, collection, id) => documents.get(collection, id, { as: "exact" }) ?? null,
  scan({ documents }, collection, after, n) {
    return documents.scan(collection, { after, as: "exact" }).take(n).map(({ id, body }) => [id, body]).toArray();
  },
  put({ documents }, collection, id, value) {
    documents.put(collection, id, value);
    return "put";
  },
  delete({ documents }, collection, id) {
    documents.delete(collection, id);
    return "deleted";
  },
  run: ({ run: { fromVersion, startedAt, seed } }) => ({ from: fromVersion ?? null, started: startedAt, seed: String(seed) }),
};
