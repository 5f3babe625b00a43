/**
 * Tests of migrations, in Node and without WebAssembly.
 *
 * @module
 */

import type { Migration, Run } from "godwit";

/**
 * A host in memory. As the real one it lets a step reach only the collections that it asked for, and drops what a
 * failing item wrote. Unlike it, it leaves the time and randomness of Node to the migration, and feeds what a step
 * brought into its own collection only to later steps.
 */
export class Host {
  /** A host with collections: NDJSON with the id of each document in its member `_id`. */
  constructor(collections?: Record<string, string>, run?: Partial<Run>);
  /** Carries out all steps of a migration. */
  migrate(migration: Migration): Report;
  /** The documents of a collection in order of their ids. */
  items(collection: string): any[];
  /** A collection as NDJSON: every body as it is stored. */
  export(collection: string): string;
  /** What was logged. */
  readonly lines: Line[];
}

/** What became of the items, in the order in which they were fed; failures with their reasons. */
export interface Report {
  updated: string[];
  unchanged: string[];
  removed: string[];
  failed: { id: string; reason: string }[];
}

/** A line that was logged; `item` names the item that it is about, if any. */
export interface Line {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  item?: string;
}
