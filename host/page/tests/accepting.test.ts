import { expect, test } from "vitest";
import type { ItemName, Quarantined } from "../src/api/types";
import { acceptAll } from "../src/state/accepting";

const FAILURE = { kind: "refused", reason: "no", migration: "2.0.0", step: "titles", run: 1, at: 0 };

function quarantined(id: string): Quarantined {
  return { collection: "notes", id, version: "1.0.0", failure: { ...FAILURE, accepted: false } };
}

test("everything is accepted by name, page by page", async () => {
  const pages = [["a", "b"], ["c"]];
  const asked: unknown[] = [];
  const accepted: ItemName[] = [];
  const client = {
    quarantine: async (query: object) => {
      asked.push(query);
      const items = (pages.shift() ?? []).map(quarantined);
      return { items, next: pages.length > 0 ? `notes/${items.at(-1)?.id}` : null };
    },
    accept: async (items: ItemName[]) => {
      accepted.push(...items);
      return { accepted: items.length };
    },
  };
  expect(await acceptAll(client, "notes", true)).toBe(3);
  expect(accepted).toEqual(["a", "b", "c"].map((id) => ({ collection: "notes", id })));
  expect(asked).toMatchObject([
    { collection: "notes", shadow: true, after: undefined },
    { collection: "notes", shadow: true, after: "notes/b" },
  ]);
});

test("where nothing is in quarantine, nothing is accepted", async () => {
  const client = {
    quarantine: async () => ({ items: [], next: null }),
    accept: async () => {
      throw new Error("there is nothing to accept");
    },
  };
  expect(await acceptAll(client, "", false)).toBe(0);
});
