/** The store that the mock serves: what there is, before anything is done by way of the page. */

import { labels, notes, orders } from "./documents.mjs";

export const STORE = "lmdb:/srv/notes/data";
const DAY = 86_400_000;
const PHASES = ["offline", "online"];

export function digest(seed) {
  return Array.from(
    { length: 64 },
    (_, place) => "0123456789abcdef"[(seed * 31 + place * 7 + ((place * seed) % 5)) % 16],
  ).join("");
}

function transform(name, phase, mode, collection, writes = []) {
  return { name, phase, transform: { mode, collection, reads: [], writes } };
}

export const PENDING = [
  stage("2.0.0", "1.0.0", "offline", 0, [
    transform("titles", "offline", "rewrite", "notes"),
    {
      name: "by-author",
      phase: "offline",
      schema: { ensure_index: { collection: "notes", pointer: "/author/name" } },
    },
  ]),
  stage("2.0.0", "1.0.0", "online", 2, [transform("words", "online", "derive", "notes", ["words"])]),
  stage("2.1.0", "2.0.0", "offline", 0, [transform("colours", "offline", "rewrite", "labels")]),
];

function stage(version, from, phase, first_step, steps) {
  const file = `notes-${version.replaceAll(".", "-")}.wasm`;
  return {
    app: "notes",
    version,
    from,
    phase,
    digest: digest(version.length + first_step),
    file,
    first_step,
    steps,
    source: "collection",
  };
}

export const WARNING = {
  kind: "late-arrival",
  severity: "accepted",
  app: "shop",
  version: "2.0.5",
  file: "shop-2-0-5.wasm",
  current: "2.1.0",
  message: "shop 2.0.5 (shop-2-0-5.wasm): is not applied, the newer 2.1.0 is",
  way_out:
    "give shop-2-0-5.wasm a version above 2.1.0, or apply it now: repeat the command with `--accept late-arrival`",
};

export const MIGRATIONS = [
  migration("notes", "1.0.0", "Notes as they were imported", true, []),
  migration("notes", "2.0.0", "`name` becomes `title`; words for the search", false, PENDING.slice(0, 2)),
  migration("notes", "2.1.0", "Labels have colours by name", false, PENDING.slice(2)),
  migration("shop", "2.1.0", "Totals in cents", true, []),
];

function migration(app, version, summary, isApplied, stages) {
  const steps = stages
    .flatMap((stage) => stage.steps)
    .map((step) => ({
      name: step.name,
      phase: step.phase,
      kind: step.transform?.mode ?? "schema",
      collection: step.transform?.collection ?? Object.values(step.schema)[0].collection,
    }));
  const file = `${app}-${version.replaceAll(".", "-")}.wasm`;
  return {
    app,
    version,
    file,
    digest: digest(version.length),
    summary,
    applied: isApplied ? PHASES : [],
    reverts: isApplied,
    steps,
  };
}

export function newWorld(now = Date.now()) {
  const world = {
    items: { labels: labels(), notes: notes(), orders: orders() },
    collections: {
      labels: { app: "notes", level: "1.0.0", indexes: [] },
      notes: { app: "notes", level: "1.0.0", indexes: [] },
      orders: { app: "shop", level: "2.1.0", indexes: ["/status"] },
    },
    quarantine: new Map(),
    runs: [],
    history: [],
    backups: [
      backup("before-2-1-0.godwit", { bytes: 18_743_221, made_at: now - 3 * DAY, entries: 52_311 }),
      backup("damaged.godwit", { bytes: 18_702_118, made_at: now - 5 * DAY, entries: 52_298 }),
      backup("staging.godwit", {
        bytes: 1_204_511,
        made_at: now - 8 * DAY,
        entries: 3_120,
        store: "lmdb:/srv/staging/data",
        is_own: false,
      }),
      {
        ...backup("torn.godwit", { bytes: null, made_at: null, entries: null, digest: null, store: null }),
        error: "torn.godwit is no backup: it ends in the middle of its list of chunks",
      },
    ],
    audit: [],
    activities: [],
    shadow: null,
  };
  fill(world, now);
  return world;
}

export function backup(name, about) {
  return { name, digest: digest(name.length), store: STORE, is_own: true, ...about };
}

/** A past that is longer than a page of lists. */
function fill(world, now) {
  for (let id = 1; id <= 60; id += 1) {
    const at = now - (90 - id) * DAY;
    const version = `1.${Math.floor(id / 10)}.${id % 10}`;
    const step = transform("totals", "offline", "rewrite", "orders");
    const plan = {
      stages: [{ ...stage(version, null, "offline", 0, [step]), app: "shop", file: `shop-${id}.wasm` }],
    };
    const counts = countsOf({ read: 130, updated: 120, unchanged: 10 });
    world.runs.push({
      id,
      purpose: "up",
      state: "completed",
      started_at: at,
      changed_at: at + 4000,
      seed: id,
      plan,
      stages_done: 1,
      has_pre_images: id > 58,
      ...(id === 57 && { keeps_pre_images: false, backup: "before-2-1-0.godwit" }),
      steps: [
        {
          app: "shop",
          version,
          phase: "offline",
          step: "totals",
          collection: "orders",
          done: true,
          counts,
          total: 130,
        },
      ],
    });
    noteFact(world, at, { app: "shop", version, event: "applied", ...applied(plan.stages[0], id, counts) });
  }
  noteFact(world, now - DAY, { app: "notes", version: "1.0.0", event: "baseline" });
}

export function applied(stage, run, counts) {
  return {
    phase: stage.phase,
    from: stage.from,
    digest: stage.digest,
    file: stage.file,
    run,
    counts,
    accepted: 0,
  };
}

export function noteFact(world, at, fact) {
  world.history.push({ number: world.history.length + 1, at, ...fact });
}

export function countsOf(some = {}) {
  return { read: 0, unchanged: 0, updated: 0, removed: 0, failed: 0, written: 0, bytes: 0, ...some };
}

/** The phases of `notes` that the history says are applied, by version. */
export function appliedPhases(world, app) {
  const phases = new Map();
  for (const fact of world.history.filter((fact) => fact.app === app)) {
    const known = phases.get(fact.version) ?? new Set();
    if (fact.event === "applied") known.add(fact.phase);
    if (fact.event === "undone") known.delete(fact.phase);
    phases.set(fact.version, known);
  }
  return [...phases].filter(([, known]) => known.size > 0).map(([version, known]) => [version, [...known]]);
}

export function pendingStages(world, { app, phase, to } = {}) {
  if (app && app !== "notes") return [];
  const done = new Map(appliedPhases(world, "notes"));
  const isDone = (stage) => done.get(stage.version)?.includes(stage.phase);
  return PENDING.filter(
    (stage) => !isDone(stage) && (!phase || stage.phase === phase) && (!to || stage.version <= to),
  );
}

export function tallies(world, collection) {
  const failures = [...world.quarantine.values()].filter((one) => one.collection === collection);
  const accepted = failures.filter((one) => one.failure.accepted).length;
  return { items: world.items[collection].size, open: failures.length - accepted, accepted, waiting: 0 };
}

export function unfinished(world) {
  return (
    world.runs.findLast((run) =>
      ["running", "stopped", "failed", "blocked", "undoing"].includes(run.state),
    ) ?? null
  );
}
