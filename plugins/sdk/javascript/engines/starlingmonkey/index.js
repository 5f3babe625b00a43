// StarlingMonkey is fastest with bytes: the columns layout.

import { connect } from "../../lib/surroundings.js";
import * as documents from "godwit:migration/documents@1.0.0";
import * as log from "godwit:migration/log@1.0.0";
import * as run from "godwit:migration/run@1.0.0";
import migration from "the-migration";
import { descriptor } from "../../lib/migration.js";
import { outcome } from "../../lib/outcome.js";
import { Outcomes } from "./outcomes.js";

const host = { documents, log, run };
const steps = new Map(migration.steps.map((step) => [step.name, step]));
const decoder = new TextDecoder();

connect(host);

export const description = { describe: () => descriptor(migration) };

export const transformColumns = {
  migrate(name, { ids, idEnds, bodies, bodyEnds }) {
    const step = steps.get(name);
    const outcomes = new Outcomes(bodyEnds.length, bodies.length);
    let id = 0;
    let body = 0;
    for (let i = 0; i < bodyEnds.length; i++) {
      outcomes.push(outcome(step, decoder.decode(ids.subarray(id, idEnds[i])), bodies.subarray(body, bodyEnds[i]), host));
      id = idEnds[i];
      body = bodyEnds[i];
    }
    return outcomes.columns();
  },
};
