import { useCell } from "../cell";
import { clock } from "../format";
import { READ_ONLY_NOTE } from "../parts/action";
import { Said } from "../parts/foreign";
import { connection, type Trouble, trouble } from "../state/live";
import { canChange } from "../state/session";

/** What holds for every view. */
export function Notices() {
  const state = useCell(connection);
  const failing = useCell(trouble);
  return (
    <>
      {state === "failing" && failing && <Failing {...failing} />}
      {state === "lost" && (
        <p class="note bad" role="alert">
          <strong>The connection to the server is lost.</strong> What you see is what was known last. The page
          tries again by itself.
        </p>
      )}
      {!useCell(canChange) && (
        <p class="note busy" id={READ_ONLY_NOTE}>
          <strong>This token may only read.</strong> Log in with the admin token to change something.
        </p>
      )}
    </>
  );
}

/** The server is there, and does not say all of what the page asks for. */
function Failing({ problem: { title, detail }, since }: Trouble) {
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>Not all of this is up to date.</strong>{" "}
        {since === null
          ? "The server has not answered everything yet."
          : `The server answered everything last at ${clock(since)}.`}{" "}
        The page tries again by itself.
      </p>
      <Said text={detail ?? title} />
    </div>
  );
}
