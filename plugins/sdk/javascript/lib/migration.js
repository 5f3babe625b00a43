// What a migration says about itself, and the functions of its steps.

import { formats } from "./body.js";

export const unchanged = Symbol("unchanged");
export const removed = Symbol("removed");

export const rewrite = (name, collection, ...rest) => step("rewrite", name, collection, ...rest);
export const derive = (name, collection, ...rest) => step("derive", name, collection, ...rest);

function step(mode, name, collection, ...rest) {
  const migrate = rest.pop();
  const { online = false, reads = [], writes = [], as = "json", ...others } = rest.pop() ?? {};
  refuse(others, `step \`${name}\``);
  if (typeof migrate !== "function") throw new TypeError(`step \`${name}\` has no function`);
  if (!(as in formats)) throw new TypeError(`step \`${name}\` can't see items as \`${as}\``);
  return { name, phase: online ? "online" : "offline", mode, collection, reads, writes, as, migrate };
}

export function migration({ app, version, requires, dependsOn = {}, summary = "", steps = [], ...others }) {
  refuse(others, "a migration");
  return { app, version, requires, dependsOn, summary, steps };
}

/** A misspelt `requires` or `reads` is told when the component is built, not when items are fed. */
function refuse(others, whose) {
  const [name] = Object.keys(others);
  if (name !== undefined) throw new TypeError(`${whose} has no member \`${name}\``);
}

/** The migration as the contract has it. */
export function descriptor({ dependsOn, steps, ...rest }) {
  return {
    ...rest,
    dependsOn: Object.entries(dependsOn).map(([app, versions]) => ({ app, versions })),
    steps: steps.map(({ as, migrate, ...step }) => step),
  };
}
