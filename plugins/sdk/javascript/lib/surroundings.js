// A migration gives the same result each time. So the clock stands still at the moment when the run was started, and
// there are no timers, no network and no randomness: an item whose function asks for them fails. Of their own the
// engines would end the whole batch, tell when the component was built, or give the same random numbers to each batch.
// Imported first, so that the author's modules find it so when they are loaded.

import { logger, shown } from "./context.js";

let now = () => 0;
let write = () => {};

/** Lets `Date` tell the time of the run, and `console` write to the operator's log. */
export function connect({ log, run }) {
  const lines = logger(log);
  write = (level, message) => lines[level](message);
  now = () => Number(run.current().startedAt);
}

globalThis.Date = class Date extends globalThis.Date {
  static now = () => now();

  constructor(...parts) {
    super(...(parts.length === 0 ? [now()] : parts));
  }
};

for (const name of ["crypto", "fetch", "performance", "setInterval", "setTimeout"]) delete globalThis[name];

Math.random = () => {
  throw new Error("a migration has no randomness; `context.run.seed` differs from run to run");
};

const line = (level) => (...parts) => write(level, parts.map(shown).join(" "));
globalThis.console = { debug: line("debug"), log: line("info"), info: line("info"), warn: line("warn"), error: line("error") };
