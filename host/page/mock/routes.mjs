/** The calls of the contract, each with what it answers. */

import { renamed } from "./documents.mjs";
import { Refused } from "./http.mjs";
import { appliedPhases, MIGRATIONS, pendingStages, STORE, tallies, unfinished, WARNING } from "./world.mjs";

/** What a route is handed: `world`, `work`, `role`, `query`, `body`, `ifMatch`. It gives a body, or `{status, body, etag}`. */
export const ROUTES = [
  ["GET", "session", ({ role }) => ({ role, version: "0.1.0", store: STORE })],
  ["GET", "status", ({ world, work }) => statusOf(world, work)],
  ["GET", "migrations", ({ world }) => migrationsOf(world)],
  ["GET", "plan", ({ world, query }) => planOf(world, query)],
  ["GET", "activity", ({ work }) => ({ activity: work.current })],
  [
    "GET",
    "activities/:number",
    ({ world }, number) => found(world.activities[Number(number) - 1], "activity"),
  ],
  [
    "GET",
    "runs",
    ({ world, work, query }) =>
      page(
        world.runs.toReversed().map((run) => work.report(run).run),
        query,
      ),
  ],
  ["POST", "runs", startRun],
  ["GET", "runs/:id", ({ world, work }, id) => runOf(world, work, id)],
  ["POST", "runs/:id/pause", (call, id) => direct(call, id, (activity) => activity.holds.push("paused"))],
  ["POST", "runs/:id/resume", (call, id) => direct(call, id, (activity) => activity.holds.splice(0))],
  [
    "POST",
    "runs/:id/cancel",
    (call, id) => direct(call, id, (activity) => Object.assign(activity, { is_stopping: true })),
  ],
  ["POST", "runs/:id/throttle", (call, id) => direct(call, id, (activity) => throttle(activity, call.body))],
  ["POST", "runs/:id/undo", undo],
  ["GET", "history", ({ world, query }) => page(world.history.toReversed(), query)],
  ["GET", "quarantine", ({ world, query }) => pageByName(quarantineOf(world, query), query)],
  [
    "GET",
    "quarantine/:collection/:id",
    ({ world, query }, collection, id) => quarantinedOf(world, query, collection, id),
  ],
  ["POST", "quarantine/retry", ({ work, body }) => accepted(free(work).retry(body.items))],
  ["POST", "quarantine/accept", ({ world, body }) => accept(inQuarantine(world, body.shadow), body.items)],
  ["GET", "collections", ({ world, work }) => ({ items: statusOf(world, work).collections })],
  [
    "GET",
    "collections/:collection/items",
    ({ world, query }, collection) => page(itemsOf(world, collection, query), query),
  ],
  ["GET", "collections/:collection/items/:id", ({ world }, collection, id) => itemOf(world, collection, id)],
  ["GET", "shadow", ({ world }) => ({ shadow: world.shadow && shadowOf(world.shadow) })],
  ["GET", "backups", ({ world }) => ({ items: world.backups })],
  ["POST", "backups", ({ work }) => accepted(free(work).backup())],
  ["POST", "backups/:name/verify", ({ work }, name) => accepted(free(work).verify(name))],
  ["GET", "audit", ({ world, query }) => page(world.audit.toReversed(), query)],
];

const LIMIT = 50;
const MOST = 1000;

function limitOf(query) {
  return Math.min(MOST, Number(query.get("limit") ?? LIMIT));
}

function page(all, query) {
  const start = Number(query.get("after") ?? 0);
  const end = start + limitOf(query);
  return { items: all.slice(start, end), next: end < all.length ? String(end) : null };
}

/** A page that begins behind an item: it does not matter what became of those before. */
function pageByName(all, query) {
  const nameOf = ({ collection, id }) => `${collection}/${id}`;
  const sorted = all.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  const left = sorted.filter((one) => nameOf(one) > (query.get("after") ?? ""));
  const items = left.slice(0, limitOf(query));
  return { items, next: items.length < left.length ? nameOf(items.at(-1)) : null };
}

function found(value, name) {
  if (!value) throw new Refused(404, `There is no such ${name}`);
  return value;
}

function accepted(activity) {
  return { status: 202, body: activity };
}

/** The work, if it has nothing to do. */
function free(work) {
  if (!work.isWorking) return work;
  throw new Refused(409, "Somebody holds the lease", {
    detail: `activity ${work.current.number} (${work.current.purpose}) goes on`,
    hint: "wait for its end, or cancel it",
  });
}

/** What takes no lease. */
const BESIDE = ["backup", "backup verify"];

function statusOf(world, work) {
  const run = unfinished(world);
  const apps = ["notes", "shop"].map((app) => {
    const applied = appliedPhases(world, app).slice(-2);
    const version = applied.at(-1)?.[0] ?? "1.0.0";
    const isBetween = run?.plan.stages
      .slice(run.stages_done)
      .some((stage) => stage.app === app && stage.phase === "offline");
    return {
      app,
      version,
      serves: isBetween ? null : version,
      baseline: app === "notes" ? "1.0.0" : null,
      applied,
    };
  });
  const collections = Object.entries(world.collections).map(([collection, record]) => ({
    collection,
    ...record,
    ...tallies(world, collection),
  }));
  const plain = run && { ...run, steps: undefined };
  return {
    store: STORE,
    bytes: 54_525_952,
    apps,
    collections,
    unfinished: plain,
    ...(work.isWorking &&
      !BESIDE.includes(work.current.purpose) && {
        busy: { holder: "mock, process 1", purpose: work.current.purpose },
      }),
    ...(world.shadow && { shadow: world.shadow.state }),
  };
}

function migrationsOf(world) {
  const applied = new Map(appliedPhases(world, "notes"));
  const items = MIGRATIONS.map((one) => ({ ...one, applied: applied.get(one.version) ?? one.applied }));
  return { items, rejected: [{ file: "draft.wasm", reason: "it is no component: unexpected end at 0x1f" }] };
}

function planOf(world, query) {
  const [app, to, phase] = ["app", "to", "phase"].map((name) => query.get(name) ?? undefined);
  if (to && !/^\d+\.\d+\.\d+$/.test(to))
    throw new Refused(422, "Bad input", { detail: `\`${to}\` is no version`, hint: "as in 2.1.0" });
  const run = unfinished(world);
  if (run) return { plan: { stages: run.plan.stages.slice(run.stages_done) }, resumes: run.id, findings: [] };
  return { plan: { stages: pendingStages(world, { app, to, phase }) }, resumes: null, findings: [WARNING] };
}

function startRun({ work, world, body }) {
  free(work);
  const { purpose, ...goal } = body;
  if (purpose === "up" && !unfinished(world) && pendingStages(world, goal).length === 0) {
    throw new Refused(409, "There is nothing to do", { findings: [WARNING] });
  }
  switch (purpose) {
    case "up":
    case "shadow":
      return accepted(work[purpose](goal));
    case "finalize":
    case "reset":
      found(world.shadow, "shadow run");
      return accepted(work[purpose]());
    default:
      throw new Refused(422, "Bad input", { detail: `\`${purpose}\` is nothing that a run can be for` });
  }
}

function runOf(world, work, id) {
  const run = found(world.runs[Number(id) - 1], "run");
  const activity = work.current?.run === run.id ? work.current : null;
  const retreat = run.has_pre_images
    ? `godwit undo ${id}`
    : run.backup
      ? `godwit backup restore ${run.backup}`
      : null;
  const isOver = ["completed", "undoing", "undone"].includes(run.state);
  const progress = isOver ? null : work.progress(run, activity);
  return {
    status: 200,
    body: { report: work.report(run), progress, retreat },
    etag: etagOf(run),
  };
}

function etagOf(run) {
  return `"${run.id}-${run.changed_at}"`;
}

function direct({ work }, id, change) {
  const activity = work.current;
  if (activity?.state !== "working" || activity.run !== Number(id)) {
    throw new Refused(409, `Run ${id} is not under way`, { hint: "look at the runs" });
  }
  change(activity);
  return activity;
}

function throttle(activity, wanted) {
  if (activity.purpose === "undo") {
    throw new Refused(409, "Conflict", {
      detail: "undo can be paused and cancelled, and not slowed down",
    });
  }
  if (wanted.duty !== null && (wanted.duty < 1 || wanted.duty > 100)) {
    throw new Refused(422, "Bad input", { detail: "`duty` is from 1 to 100" });
  }
  activity.pacing = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
}

function undo({ world, work, body, ifMatch }, id) {
  const run = found(world.runs[Number(id) - 1], "run");
  if (!ifMatch)
    throw new Refused(428, "An undo names the run as it was seen", { hint: "send its ETag as If-Match" });
  if (ifMatch !== etagOf(run))
    throw new Refused(412, "The run has changed since", { hint: "look at it again" });
  if (!run.has_pre_images)
    throw new Refused(409, `Run ${id} cannot be undone`, { detail: "it has no pre-images" });
  return accepted(free(work).undo(run, body.changed ?? "refuse"));
}

/** What is in quarantine: of what is live, or of the shadow run's copies. */
function inQuarantine(world, isShadow) {
  if (!isShadow) return world.quarantine;
  if (!world.shadow) throw new Refused(409, "There is no shadow run");
  return world.shadow.quarantine;
}

function quarantineOf(world, query) {
  const collection = query.get("collection");
  return [...inQuarantine(world, query.get("shadow") === "true").values()]
    .filter((one) => !collection || one.collection === collection)
    .filter((one) => query.get("accepted") === "true" || !one.failure.accepted);
}

function quarantinedOf(world, query, collection, id) {
  const known = inQuarantine(world, query.get("shadow") === "true");
  const one = found(known.get(`${collection}/${id}`), "item in quarantine");
  const body = world.items[collection].get(id);
  const text = JSON.stringify(body).replace("}", ',"serial":12345678901234567890}');
  const shown = { ...one, body, text, before: null, diff: [], diff_omitted: false };
  if (one.failure.kind !== "trapped") return shown;
  const after = renamed(body);
  const diff = [
    difference("/title", null, JSON.stringify(after.title)),
    difference("/name", JSON.stringify(body.name), null),
    difference("/pinned", "false", "null"),
    difference("/serial", "9007199254740993", "9007199254740992"),
  ];
  return { ...shown, before: body, diff };
}

function difference(pointer, before_text, after_text) {
  return { pointer, before_text, after_text };
}

function accept(quarantine, items) {
  const known = items.map(({ collection, id }) =>
    found(quarantine.get(`${collection}/${id}`), "item in quarantine"),
  );
  for (const one of known) one.failure = { ...one.failure, accepted: true };
  return { accepted: known.length };
}

function itemsOf(world, collection, query) {
  const [pointer, value] = [query.get("pointer"), query.get("value")];
  const items = [...found(world.items[collection], "collection")].map(([id, body]) => ({
    id,
    version: world.collections[collection].level,
    body,
    text: JSON.stringify(body),
  }));
  if (!pointer) return items;
  const at = (body) =>
    pointer
      .split("/")
      .slice(1)
      .reduce((inner, name) => inner?.[name], body);
  return items.filter(({ body }) => JSON.stringify(at(body)) === value || at(body) === value);
}

function itemOf(world, collection, id) {
  const body = found(found(world.items[collection], "collection").get(id), "item");
  const version = world.collections[collection].level;
  return { status: 200, body: { id, version, body, text: JSON.stringify(body) }, etag: '"1"' };
}

function shadowOf({ app, to, state, done, of, quarantine }) {
  const isCopied = done >= of;
  const open = [...quarantine.values()].filter(({ failure }) => !failure.accepted).length;
  return {
    state,
    is_alive: !isCopied,
    app: app ?? null,
    to: to ?? null,
    run: null,
    copied: [done, of],
    collections: ["labels", "notes"],
    waiting: isCopied ? 3 : 140,
    open,
    deferred: [["notes 2.0.0: words", of]],
    is_ready: isCopied && open === 0,
    blocks_for: isCopied ? 1840 : null,
  };
}
