// What authors use; it is described in index.d.ts.
export { DocumentsError } from "./lib/documents.js";
export { derive, migration, removed, rewrite, unchanged } from "./lib/migration.js";
