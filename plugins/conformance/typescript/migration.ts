// Does what its items say; `plugins/conformance/README.md` says what they can say.

import { type Context, type Json, type Log, type Outcome, DocumentsError, derive, migration, removed, rewrite, unchanged } from "godwit";

type Command = [name: string, ...words: any[]];

export default migration({
  app: "conformance",
  version: "2.0.0",
  requires: ">=1, <2",
  dependsOn: { other: ">=1.2" },
  summary: "does what its items say, in TypeScript – grüezi",
  steps: [
    rewrite("apply", "items", { reads: ["lookup", "nowhere"], writes: ["notes"], as: "exact" }, apply),
    derive("derive", "items", { online: true, writes: ["seen"] }, (_item, { id, documents }) => {
      documents.put("seen", id, { of: id });
    }),
  ],
});

function apply(item: { do?: Command[] } | null, context: Context): Outcome {
  if (!Array.isArray(item?.do)) throw new Error("an item is an object with a list `do`");
  const saw: Json[] = [];
  for (const [name, ...words] of item.do) {
    switch (name) {
      case "keep":
        return unchanged;
      case "remove":
        return removed;
      case "fail":
        throw new Error(words[0]);
      case "throw":
        throw new TypeError(words[0]);
      case "replace":
        return words[0];
      case "echo":
        return item;
      case "big":
        return { big: "x".repeat(words[0]) };
      case "log":
        log(context, words as [keyof Log, string, string?]);
        break;
      default:
        saw.push(see(context, name, words));
    }
  }
  return saw.length === 0 ? unchanged : { saw };
}

function log(context: Context, [level, text, about]: [keyof Log, string, string?]) {
  const lines: Log = about === "alone" ? console : context.log;
  lines[level](text);
}

function see(context: Context, name: string, words: any[]): Json {
  try {
    return look(context, name, words);
  } catch (error) {
    if (!(error instanceof DocumentsError)) throw error;
    return { [error.kind]: error.reason ?? error.collection };
  }
}

function look({ documents, run }: Context, name: string, [collection, id, ...rest]: any[]): Json {
  switch (name) {
    case "get":
      return documents.get(collection, id, { as: "exact" }) ?? null;
    case "scan": {
      const page = documents.scan(collection, { after: id, as: "exact" }).take(rest[0]);
      return Array.from(page, ({ id, body }) => [id, body]);
    }
    case "put":
      documents.put(collection, id, rest[0]);
      return "put";
    case "delete":
      documents.delete(collection, id);
      return "deleted";
    case "run":
      return { from: run.fromVersion ?? null, started: run.startedAt, seed: String(run.seed) };
    default:
      throw new Error(`there is no command \`${name}\``);
  }
}
