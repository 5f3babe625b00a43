import { asText, formats } from "./body.js";
import { Context } from "./context.js";
import { removed, unchanged } from "./migration.js";

/** What the engine throws when a function is wrong; the log says where. */
const mistakes = [RangeError, ReferenceError, TypeError];

/** Feeds one item to a step; gives what became of it, as the contract has it. */
export function outcome(step, id, body, host) {
  try {
    const format = formats[step.as];
    const result = step.migrate(format.parse(body), new Context(id, host));
    if (typeof result?.then === "function") throw new Error("the step's function is asynchronous; a migration can't wait");
    if (result === unchanged) return { tag: "unchanged" };
    if (step.mode === "derive") return derived(result);
    if (result === removed) return { tag: "removed" };
    if (result === undefined) throw new Error("the step's function gave nothing back: neither the item, `unchanged` nor `removed`");
    format.check?.(body);
    const printed = format.print(result);
    return { tag: "updated", val: typeof body === "string" ? asText(printed) : printed };
  } catch (error) {
    const why = reason(error).toWellFormed();
    if (mistakes.some((mistake) => error instanceof mistake)) host.log.log("error", `${why} (${place(error)})`, id);
    return { tag: "failed", val: why };
  }
}

function derived(result) {
  if (result !== undefined) throw new Error("a derive step gives nothing back");
  return { tag: "unchanged" };
}

/** An error and its causes as one line, for the operator who reads the quarantine. */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  const told = error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
  return error.cause === undefined ? told : `${told}: ${reason(error.cause)}`;
}

/** Where an error was thrown: a function, and a line of `build/work/bundle.js`. */
function place(error) {
  const frame = error.stack?.split("\n").find((line) => /:\d+:\d+\)?$/.test(line));
  return frame?.trim() ?? "nowhere";
}
