/**
 * Write [Godwit](https://github.com/godwit/godwit) migrations in JavaScript and TypeScript.
 *
 * A migration brings the stored documents of an application to its next version. You write one function on one item;
 * the host feeds the items in batches and commits what became of them together with its own progress.
 *
 * ```js
 * import { migration, rewrite, unchanged } from "godwit";
 *
 * export default migration({
 *   app: "notes",
 *   version: "2.0.0",
 *   requires: ">=1, <2",
 *   summary: "gives every note a list of tags",
 *   steps: [
 *     rewrite("tags", "notes", (note) => ("tags" in note ? unchanged : { ...note, tags: [] })),
 *   ],
 * });
 * ```
 *
 * @module
 */

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/** Given back by a step's function: the item already has the shape that the step produces. */
export const unchanged: unique symbol;

/** Given back by the function of a {@link rewrite} step: the item is to be deleted. */
export const removed: unique symbol;

/**
 * What became of an item: its new body, {@link unchanged} or {@link removed}. A body that says the same as the old one
 * counts as unchanged. That the item can't be migrated is said by throwing an error.
 */
export type Outcome<Body = Printable> = Body | typeof unchanged | typeof removed;

/** What can be printed as JSON: a value, or an object of a type of your own. A promise can't. */
export type Printable = Json | { [member: string]: unknown; then?: never } | (object & { then?: never });

/**
 * How bodies are seen:
 *
 * - `json` (what you get if you don't say): parsed. Where an item has a number that JavaScript would round, it fails
 *   rather than be written back with another one.
 * - `exact`: parsed, and numbers that JavaScript can't hold are objects made by `JSON.rawJSON`: they print as they
 *   came, and `BigInt(number.rawJSON)` counts with one.
 * - `text`, `bytes`: as they are stored, to be given back in the same way. A body that is not UTF-8 can be seen as
 *   bytes with the engine StarlingMonkey only.
 */
export type As = "json" | "exact" | "text" | "bytes";

/** The type in which a body is seen. */
export type Seen<A extends As, Body> = A extends "bytes" ? Uint8Array : A extends "text" ? string : Body;

/** What a step asks for, beside the collection that it is fed from. */
export interface StepOptions<A extends As = As> {
  /** Runs while the new version is serving; otherwise before it takes traffic. */
  online?: boolean;
  /** Collections that it asks to read through `context.documents`. */
  reads?: string[];
  /** Collections that it asks to write through `context.documents`; it may read them too. */
  writes?: string[];
  /** How the function sees items. */
  as?: A;
}

/** A step of a migration, made by {@link rewrite} or {@link derive}. */
export interface Step {
  readonly name: string;
  readonly phase: "offline" | "online";
  readonly mode: "rewrite" | "derive";
  readonly collection: string;
  readonly reads: string[];
  readonly writes: string[];
  readonly as: As;
  readonly migrate: (item: any, context: Context) => unknown;
}

/**
 * A step that may update or remove the items of a collection.
 *
 * The function is called for each item, in order of ids. It gives back the item's new body, {@link unchanged} or
 * {@link removed}; it may change the item that it is given and give that back. Giving back nothing is a failure,
 * because it could mean either. An error concerns this item only: its message tells the operator why, and what was
 * written for the item is dropped.
 */
export function rewrite<Item = Json>(
  name: string,
  collection: string,
  migrate: (item: Item, context: Context) => Outcome,
): Step;
export function rewrite<Item = Json>(
  name: string,
  collection: string,
  options: StepOptions<"json" | "exact">,
  migrate: (item: Item, context: Context) => Outcome,
): Step;
export function rewrite<Item = Json, A extends As = "json">(
  name: string,
  collection: string,
  options: StepOptions<A>,
  migrate: (item: Seen<A, Item>, context: Context) => Outcome<Seen<A, Printable>>,
): Step;

/** A step that reads the items of a collection and writes to others through `context.documents`. */
export function derive<Item = Json>(
  name: string,
  collection: string,
  migrate: (item: Item, context: Context) => void | typeof unchanged,
): Step;
export function derive<Item = Json>(
  name: string,
  collection: string,
  options: StepOptions<"json" | "exact">,
  migrate: (item: Item, context: Context) => void | typeof unchanged,
): Step;
export function derive<Item = Json, A extends As = "json">(
  name: string,
  collection: string,
  options: StepOptions<A>,
  migrate: (item: Seen<A, Item>, context: Context) => void | typeof unchanged,
): Step;

/** What a migration says about itself. It must say the same each time. */
export interface Description {
  /** The application whose versions are counted: 1 to 64 bytes. */
  app: string;
  /** The version (semver) that the application's items have afterwards. */
  version: string;
  /** The versions of `app` that it can start from, as in `>=1, <2`; absent: any earlier one, or none at all. */
  requires?: string;
  /** Other applications, and the versions that they must have reached before, as in `{ billing: ">=1.4" }`. */
  dependsOn?: Record<string, string>;
  /** One line for people. */
  summary?: string;
  /** Carried out in this order, the offline ones before the online ones. */
  steps?: Step[];
}

/** A migration; the default export of an author's module. */
export interface Migration {
  readonly app: string;
  readonly version: string;
  readonly requires?: string;
  readonly dependsOn: Record<string, string>;
  readonly summary: string;
  readonly steps: Step[];
}

/** Makes a migration. */
export function migration(description: Description): Migration;

/** What the function of a step may use beside the item. There is nothing else: no files, no network, no clock. */
export interface Context {
  /** Names the item inside its collection. */
  readonly id: string;
  /** Other items, as far as the step asked for them and the operator granted it. */
  readonly documents: Documents;
  /** Writes lines for the operator that name the item; those of `console` name none. */
  readonly log: Log;
  /** The run that this call belongs to. */
  readonly run: Run;
}

/**
 * Reads and writes other items. Writes are held back and committed together with the batch, or not at all; reads see
 * them. Everything may throw a {@link DocumentsError}.
 */
export interface Documents {
  /** The body of one item, or `undefined` where there is none. */
  get<Body = Json, A extends As = "json">(collection: string, id: string, options?: { as?: A }): Seen<A, Body> | undefined;
  /** The items of a collection in order of their ids, from the first one after `after`; fetched as they are asked for. */
  scan<Body = Json, A extends As = "json">(
    collection: string,
    options?: { after?: string | null; as?: A },
  ): IteratorObject<{ id: string; body: Seen<A, Body> }>;
  /** Creates or replaces one item. The one that is being migrated is changed by its outcome only. */
  put<A extends As = "json">(collection: string, id: string, body: Seen<A, Printable>, options?: { as?: A }): void;
  /** Deletes one item; deleting what is not there is no error. */
  delete(collection: string, id: string): void;
}

/** Thrown when other items can't be read or written. */
export class DocumentsError extends Error {
  private constructor();
  /**
   * `denied`: the step did not ask for the collection, or the operator did not grant it. `limit`: a limit of the
   * sandbox was reached. `invalid`: the id, the collection's name or the body is not valid.
   */
  readonly kind: "denied" | "limit" | "invalid";
  /** The collection. */
  readonly collection: string;
  /** Names the limit, or says what is not valid. */
  readonly reason?: string;
}

/** Writes lines for the operator, objects as JSON; the host limits their rate and length. */
export interface Log {
  /** For those who look for a fault. */
  debug(message: unknown): void;
  /** Worth knowing. */
  info(message: unknown): void;
  /** Somebody should look at it. */
  warn(message: unknown): void;
  /** Something went wrong. */
  error(message: unknown): void;
}

/** Facts about a run, the same for every batch of it and for every retry. */
export interface Run {
  /** The version that the application had before this migration; absent on a fresh store. */
  readonly fromVersion?: string;
  /** Milliseconds since 1970-01-01T00:00:00Z at the moment when the run was first started, as `new Date` takes it. */
  readonly startedAt: number;
  /** Differs from run to run. With the engine QuickJS it is rounded to what a number can hold. */
  readonly seed: bigint;
}
