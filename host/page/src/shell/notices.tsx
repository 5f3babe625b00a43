import { useCell } from "../cell";
import { READ_ONLY_NOTE } from "../parts/action";
import { connection } from "../state/live";
import { canChange } from "../state/session";

/** What holds for every view. */
export function Notices() {
  return (
    <>
      {useCell(connection) === "lost" && (
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
