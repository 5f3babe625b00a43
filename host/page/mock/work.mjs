/** Simulated work: it takes time, can be directed, and says what happens. */

import { FAILING, renamed } from "./documents.mjs";
import { applied, backup, countsOf, noteFact, pendingStages, tallies, unfinished } from "./world.mjs";

const TICK = 200;

/** Occurs when work is to end early. */
class Stopped extends Error {}

export class Work {
  #world;
  #stream;
  #perSecond;
  #failure;

  /** With a `failure`, runs fail with it. */
  constructor(world, stream, perSecond, failure) {
    this.#world = world;
    this.#stream = stream;
    this.#perSecond = perSecond;
    this.#failure = failure;
  }

  get current() {
    return this.#world.activities.at(-1) ?? null;
  }

  get isWorking() {
    return this.current?.state === "working";
  }

  /** Begins something that goes on after the answer. */
  begin(purpose, run, work) {
    const activity = {
      number: this.#world.activities.length + 1,
      purpose,
      state: "working",
      started_at: Date.now(),
      ended_at: null,
      run: run?.id ?? null,
      directed: true,
      holds: [],
      is_stopping: false,
      pacing: {},
      progress: null,
      error: null,
      reports: null,
      result: null,
    };
    this.#world.activities.push(activity);
    void this.#carryOut(activity, run, work);
    return activity;
  }

  async #carryOut(activity, run, work) {
    try {
      activity.result = (await work(activity)) ?? null;
      activity.state = "done";
    } catch (error) {
      activity.state = error instanceof Stopped ? "done" : "failed";
      if (activity.state === "failed")
        activity.error = error.problem ?? { title: String(error), status: 500 };
      if (error instanceof Stopped && run) this.#set(run, "stopped");
    }
    activity.ended_at = Date.now();
    activity.progress = null;
    activity.pacing = null;
    if (activity.state === "failed") this.#tell(activity, "work_failed", { reason: activity.error.title });
    if (!run) return this.#tell(activity, "set_up", {});
    if (activity.purpose !== "undo") activity.reports = [this.report(run)];
    this.#tell(activity, "run_done", {
      run: run.id,
      purpose: run.purpose,
      state: run.state,
      reason: run.reason ?? null,
    });
  }

  #tell(activity, event, more) {
    this.#stream.tell(event, { ...more, activity: activity.number });
  }

  #set(run, state, reason) {
    run.state = state;
    run.changed_at = Math.max(Date.now(), run.changed_at + 1);
    if (reason) run.reason = reason;
    else delete run.reason;
  }

  report(run) {
    const { steps, ...plain } = run;
    const open = Object.keys(this.#world.collections).reduce(
      (sum, name) => sum + tallies(this.#world, name).open,
      0,
    );
    const begun = steps.filter((step) => step.done || step.counts.read > 0);
    return { run: plain, steps: begun.map(({ total, ...step }) => step), open };
  }

  progress(run, activity) {
    const total = run.steps.reduce((sum, step) => sum + step.total, 0);
    const read = run.steps.reduce((sum, step) => sum + step.counts.read, 0);
    const rate = activity?.state === "working" && activity.holds.length === 0 ? this.#rate(activity) : null;
    const left = (rest) => (rate ? rest / rate : null);
    const steps = run.steps.map((step) => ({ ...step, seconds_left: left(step.total - step.counts.read) }));
    const { id, purpose, state } = run;
    return {
      run: id,
      purpose,
      state,
      is_alive: activity?.state === "working",
      steps,
      read,
      total,
      items_per_second: rate,
      seconds_left: left(total - read),
      waits_for: activity?.holds ?? [],
    };
  }

  #rate({ pacing }) {
    const bound = Math.min(this.#perSecond, pacing.items_per_second ?? Number.POSITIVE_INFINITY);
    return bound * ((pacing.duty ?? 100) / 100) * (0.85 + 0.15 * Math.sin(Date.now() / 2500));
  }

  newRun(purpose, stages) {
    const now = Date.now();
    const steps = stages.flatMap((stage) => stage.steps.map((step) => this.#stepOf(stage, step)));
    const id = this.#world.runs.length + 1;
    const run = {
      id,
      purpose,
      state: "running",
      started_at: now,
      changed_at: now,
      seed: id,
      plan: { stages },
      stages_done: 0,
      has_pre_images: true,
      steps,
    };
    this.#world.runs.push(run);
    return run;
  }

  #stepOf({ app, version, phase }, step) {
    const collection = step.transform?.collection ?? step.schema.ensure_index.collection;
    const total = this.#world.items[collection].size;
    return { app, version, phase, step: step.name, collection, done: false, counts: countsOf(), total };
  }

  /** Carries out a new run, or goes on with one. */
  up(goal) {
    const open = unfinished(this.#world);
    const run = open ?? this.newRun("up", pendingStages(this.#world, goal));
    this.#set(run, "running");
    return this.begin("up", run, async (activity) => {
      this.#tell(activity, "run_started", {
        run: run.id,
        purpose: "up",
        state: "running",
        resumed: open !== null,
        stages: [],
      });
      while (run.stages_done < run.plan.stages.length) {
        await this.#stage(run, activity);
        if (this.#failure) return this.#set(run, "failed", this.#failure);
        if (this.report(run).open > 0)
          return this.#set(run, "blocked", "items in quarantine keep notes 2.0.0 from being applied");
        this.#apply(run, activity);
      }
      this.#set(run, "completed");
    });
  }

  async #stage(run, activity) {
    const stage = run.plan.stages[run.stages_done];
    const steps = run.steps.filter((step) => step.version === stage.version && step.phase === stage.phase);
    for (const step of steps.filter((step) => !step.done)) await this.#step(run, step, activity);
  }

  async #step(run, step, activity) {
    const name = nameOf(step);
    this.#tell(activity, "step_started", { step: name, total: step.total, counts: step.counts });
    while (step.counts.read < step.total) {
      await this.#turn(activity);
      const batch = Math.min(step.total - step.counts.read, Math.ceil((this.#rate(activity) * TICK) / 1000));
      this.#feed(run, step, batch, activity);
      activity.progress = this.progress(run, activity);
      this.#tell(activity, "batch_committed", { progress: activity.progress });
    }
    step.done = true;
    this.#tell(activity, "step_done", { step: name, counts: step.counts });
  }

  #feed(run, step, batch, activity) {
    const ids = [...this.#world.items[step.collection].keys()].slice(
      step.counts.read,
      step.counts.read + batch,
    );
    const failing = step.step === "titles" ? FAILING.filter(({ id }) => ids.includes(id)) : [];
    for (const failure of failing) this.#fail(run, step, failure, activity);
    const counts = step.counts;
    counts.read += batch;
    counts.failed += failing.length;
    counts.bytes += batch * 310;
    if (step.step === "words") {
      counts.unchanged += batch;
      counts.written += batch * 3;
    } else {
      const unchanged = Math.floor(batch / 9);
      counts.unchanged += unchanged;
      counts.updated += batch - failing.length - unchanged;
    }
  }

  #fail(run, step, { id, kind, reason }, activity) {
    const failure = {
      kind,
      reason,
      migration: step.version,
      step: step.step,
      run: run.id,
      at: Date.now(),
      accepted: false,
    };
    this.#world.quarantine.set(`${step.collection}/${id}`, {
      collection: step.collection,
      id,
      version: "1.0.0",
      failure,
    });
    this.#tell(activity, "item_failed", { step: nameOf(step), id, kind, reason });
    this.#tell(activity, "log", {
      step: nameOf(step),
      lines: [{ level: "warn", item: id, message: "looked at it twice" }],
      dropped: 0,
    });
  }

  #apply(run, activity) {
    const stage = run.plan.stages[run.stages_done];
    run.stages_done += 1;
    const counts = run.steps.find(
      (step) => step.version === stage.version && step.phase === stage.phase,
    ).counts;
    noteFact(this.#world, Date.now(), {
      app: stage.app,
      version: stage.version,
      event: "applied",
      ...applied(stage, run.id, counts),
    });
    if (stage.phase === "offline")
      this.#world.collections[stage.version === "2.0.0" ? "notes" : "labels"].level = stage.version;
    this.#tell(activity, "applied", { app: stage.app, version: stage.version, phase: stage.phase });
  }

  /** Waits for the next tick, and for as long as work is held. */
  async #turn(activity) {
    let isHeld = false;
    do {
      await new Promise((resolve) => setTimeout(resolve, TICK + (activity.pacing.rest ?? 0)));
      if (activity.is_stopping) throw new Stopped();
      if (activity.holds.length > 0 && !isHeld) this.#tell(activity, "paused", { reasons: activity.holds });
      if (activity.holds.length === 0 && isHeld) this.#tell(activity, "resumed", {});
      isHeld = activity.holds.length > 0;
      if (activity.progress) activity.progress.waits_for = activity.holds;
    } while (isHeld);
  }

  async #turns(activity, number) {
    for (let turn = 0; turn < number; turn += 1) await this.#turn(activity);
  }

  /** Tries items again: some of them succeed. */
  retry(names) {
    const key = ({ collection, id }) => `${collection}/${id}`;
    const wanted = (names ?? [...this.#world.quarantine.values()]).map(key);
    const run = this.newRun("retry", []);
    return this.begin("retry", run, async (activity) => {
      this.#tell(activity, "run_started", {
        run: run.id,
        purpose: "retry",
        state: "running",
        resumed: false,
        stages: [],
      });
      await this.#turns(activity, 4);
      for (const name of wanted) this.#tryAgain(name);
      this.#set(run, "completed");
    });
  }

  #tryAgain(name) {
    const found = this.#world.quarantine.get(name);
    if (!found) return;
    if (!FAILING.find(({ id }) => id === found.id)?.mended) {
      found.failure = { ...found.failure, at: Date.now(), accepted: false };
      return;
    }
    this.#world.quarantine.delete(name);
    const items = this.#world.items[found.collection];
    items.set(found.id, renamed(items.get(found.id)));
  }

  undo(run, changed) {
    const before = run.state;
    this.#set(run, "undoing");
    return this.begin("undo", run, async (activity) => {
      // As the server does: how far the run was.
      activity.progress = this.progress(run, activity);
      this.#tell(activity, "undo_started", { run: run.id, resumed: before === "undoing" });
      for (let turn = 1; turn <= 5; turn += 1) {
        await this.#turn(activity);
        this.#tell(activity, "put_back", { run: run.id, restored: turn * 700, left: 0 });
      }
      if (run.id === 60 && changed === "refuse") {
        this.#set(run, before);
        throw Object.assign(new Error(), { problem: changedSince(run.id) });
      }
      this.#takeBack(run);
      return { restored: 3500, left: 0, done: true };
    });
  }

  #takeBack(run) {
    for (const [name, { failure }] of this.#world.quarantine)
      if (failure.run === run.id) this.#world.quarantine.delete(name);
    for (const stage of run.plan.stages.slice(0, run.stages_done).reverse()) {
      noteFact(this.#world, Date.now(), {
        app: stage.app,
        version: stage.version,
        event: "undone",
        phase: stage.phase,
        run: run.id,
      });
    }
    if (run.plan.stages[0]?.app === "notes") {
      for (const name of ["notes", "labels"]) this.#world.collections[name].level = "1.0.0";
    }
    run.has_pre_images = false;
    this.#set(run, "undone");
  }

  backup() {
    return this.begin("backup", null, async (activity) => {
      await this.#turns(activity, 6);
      const number = this.#world.backups.length + 1;
      const about = { bytes: 18_911_002, made_at: Date.now(), entries: 52_400 };
      const made = backup(`backup-${number}.godwit`, about);
      this.#world.backups.unshift(made);
      this.#tell(activity, "backup", {
        file: made.name,
        why: "asked for",
        entries: made.entries,
        bytes: made.bytes,
      });
    });
  }

  verify(name) {
    return this.begin("backup verify", null, async (activity) => {
      await this.#turns(activity, 4);
      if (name === "damaged.godwit") throw Object.assign(new Error(), { problem: DAMAGED });
      return { name };
    });
  }

  shadow(goal) {
    const world = this.#world;
    world.shadow ??= {
      ...goal,
      done: 0,
      of: tallies(world, "notes").items,
      state: "following",
      quarantine: new Map(),
    };
    return this.begin("shadow", null, async (activity) => {
      while (world.shadow.done < world.shadow.of) {
        await this.#turn(activity);
        world.shadow.done = Math.min(
          world.shadow.of,
          world.shadow.done + Math.ceil((this.#rate(activity) * TICK) / 1000),
        );
      }
      this.#tell(activity, "copied", { collection: "notes", items: world.shadow.of });
      const [{ id, kind, reason }] = FAILING;
      const failure = {
        kind,
        reason,
        migration: "2.0.0",
        step: "titles",
        run: world.runs.length,
        at: Date.now(),
      };
      world.shadow.quarantine.set(`notes/${id}`, {
        collection: "notes",
        id,
        version: "1.0.0",
        failure: { ...failure, accepted: false },
      });
    });
  }

  finalize() {
    return this.begin("finalize", null, async (activity) => {
      this.#world.shadow.state = "finalizing";
      await this.#turns(activity, 5);
      const run = this.newRun("shadow", pendingStages(this.#world));
      while (run.stages_done < run.plan.stages.length) this.#apply(run, activity);
      for (const step of run.steps)
        Object.assign(step, { done: true, counts: countsOf({ read: step.total, updated: step.total }) });
      this.#set(run, "completed");
      this.#world.shadow = null;
      this.#tell(activity, "switched", { collections: ["notes", "labels"] });
    });
  }

  reset() {
    return this.begin("reset", null, async (activity) => {
      this.#world.shadow.state = "resetting";
      await this.#turns(activity, 4);
      this.#world.shadow = null;
    });
  }

  end() {
    for (const activity of this.#world.activities) activity.is_stopping = true;
  }
}

function nameOf({ app, version, phase, step, collection }) {
  return { app, version, phase, step, collection };
}

function changedSince(run) {
  return {
    type: "about:blank",
    title: "The run cannot be undone",
    status: 409,
    detail: `1 item was changed after run ${run}: orders/order-0017`,
    hint: "undo it with `keep` to leave the item as it is",
  };
}

const DAMAGED = {
  type: "about:blank",
  title: "Conflict",
  status: 409,
  detail: "damaged.godwit: chunk 17 has another digest than its list says",
};
