/** What came of backups that were verified on this page, for as long as somebody is logged in. */

import { ApiError, type Client, UNREACHED } from "../api/client";
import type { Activity } from "../api/types";
import { Cell } from "../cell";
import { setActivity } from "./live";
import { api, session } from "./session";

/** The activity of each, by the name of the file. */
export const verified = new Cell<ReadonlyMap<string, Activity>>(new Map());

session.listen(() => {
  verified.value = new Map();
});

/** How often to ask whether something has ended, in milliseconds. */
const ASK = 1_000;

/** Has a backup verified, and gives once it has begun. */
export async function verify(name: string): Promise<void> {
  const client = api();
  const begun = await client.verifyBackup(name);
  setActivity(begun);
  note(client, name, begun);
  void ended(client, begun).then((activity) => note(client, name, activity));
}

function note(client: Client, name: string, activity: Activity): void {
  if (session.value?.client === client) verified.value = new Map(verified.value).set(name, activity);
}

/** What came of something, once it has ended; it may be anything that goes on. */
export async function ended(
  client: Pick<Client, "activityOf">,
  begun: Activity,
  rest = () => new Promise((resolve) => setTimeout(resolve, ASK)),
): Promise<Activity> {
  let known = begun;
  while (known.state === "working") {
    await rest();
    try {
      known = await client.activityOf(begun.number);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A server that was started anew does not know of it.
      if (error.problem.status !== UNREACHED) known = { ...known, state: "failed", error: error.problem };
    }
  }
  return known;
}
