// QuickJS is several times faster with strings than with bytes: the text layout.

import "./utf8.js";
import { connect } from "../../lib/surroundings.js";
import * as documents from "godwit:migration/documents@1.0.0";
import * as log from "godwit:migration/log@1.0.0";
import * as run from "godwit:migration/run@1.0.0";
import migration from "the-migration";
import { descriptor } from "../../lib/migration.js";
import { outcome } from "../../lib/outcome.js";

const host = { documents, log, run };
const steps = new Map(migration.steps.map((step) => [step.name, step]));

connect(host);

export const description = { describe: () => descriptor(migration) };

export const transformText = {
  migrate(name, batch) {
    const step = steps.get(name);
    return batch.map(({ id, body }) => outcome(step, id, body, host));
  },
};
