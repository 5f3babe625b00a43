// A migration gives the same result each time: it has no clock and no randomness. The engines would end the whole
// batch when asked for the time, or give the moment at which the component was built; here the item fails instead.
// Imported first, so that what the author's modules do when they are loaded finds it so.

import { logger } from "./context.js";

const nothing = (what, instead) => () => {
  throw new Error(`a migration has no ${what}; ${instead}`);
};
const noClock = nothing("clock", "`context.run.startedAt` is the time when the run was started");

globalThis.Date = class Date extends globalThis.Date {
  static now = noClock;

  constructor(...parts) {
    if (parts.length === 0) noClock();
    super(...parts);
  }
};
delete globalThis.performance;
Math.random = nothing("randomness", "`context.run.seed` differs from run to run");

/** Lets `console` write to the operator's log. */
export function connectConsole(log) {
  const { debug, info, warn, error } = logger(log);
  const line = (write) => (...parts) => write(parts.map(String).join(" "));
  globalThis.console = { debug: line(debug), log: line(info), info: line(info), warn: line(warn), error: line(error) };
}
