/** Accepts whatever is in quarantine, page by page. */

import type { Client } from "../api/client";

/** So many items are accepted at once. */
const AT_ONCE = 1000;

/** Accepts all items of a collection, or of all, that are in quarantine; gives how many these were. */
export async function acceptAll(
  client: Pick<Client, "quarantine" | "accept">,
  collection: string,
  isShadow: boolean,
): Promise<number> {
  const which = { collection: collection || undefined, shadow: isShadow || undefined, limit: AT_ONCE };
  let sum = 0;
  let after: string | undefined;
  do {
    const { items, next } = await client.quarantine({ ...which, after });
    if (items.length > 0) {
      const names = items.map(({ collection, id }) => ({ collection, id }));
      sum += (await client.accept(names, isShadow)).accepted;
    }
    after = next ?? undefined;
  } while (after !== undefined);
  return sum;
}
