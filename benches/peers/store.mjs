// The peers' store.

import Database from "better-sqlite3";

// Opens a database whose commits are durable.
export function open(path) {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}
