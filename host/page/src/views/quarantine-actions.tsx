import { useState } from "preact/hooks";
import type { ItemName } from "../api/types";
import { counted } from "../format";
import { Action, Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { ConfirmDialog } from "../parts/dialog";
import { refresh, setActivity } from "../state/live";
import { api } from "../state/session";

interface Props {
  chosen: ItemName[];
  /** Whether they are the shadow run's copies. */
  isShadow: boolean;
  onDone: () => void;
  /** Whether all items in quarantine may be tried again at once. */
  offersAll?: boolean;
}

/** Tries items again, or accepts that they stay as they are. */
export function QuarantineActions({ chosen, isShadow, onDone, offersAll = false }: Props) {
  const [isAsking, setAsking] = useState(false);
  const none = chosen.length === 0 ? "No item is selected" : undefined;
  const busy = useBusy();
  const many = offersAll ? ` ${chosen.length > 0 ? counted(chosen.length, "item") : "selected"}` : "";
  return (
    <div class="buttons">
      <Action
        kind={offersAll ? "plain" : "primary"}
        blocked={none ?? busy}
        work={() => retry(chosen, isShadow, onDone)}
      >
        Retry{many}
      </Action>
      <Button changes blocked={none} onClick={() => setAsking(true)}>
        Accept{many} …
      </Button>
      {offersAll && (
        <Action blocked={busy} work={() => retry(undefined, isShadow, onDone)}>
          Retry all
        </Action>
      )}
      {isAsking && (
        <AcceptDialog items={chosen} isShadow={isShadow} onDone={onDone} onClose={() => setAsking(false)} />
      )}
    </div>
  );
}

async function retry(items: ItemName[] | undefined, isShadow: boolean, onDone: () => void): Promise<string> {
  setActivity(
    await api().retry(
      items?.map(({ collection, id }) => ({ collection, id })),
      isShadow,
    ),
  );
  onDone();
  return items ? `${counted(items.length, "item is", "items are")} tried again` : "All items are tried again";
}

function AcceptDialog({
  items,
  isShadow,
  onDone,
  onClose,
}: {
  items: ItemName[];
  isShadow: boolean;
  onDone: () => void;
  onClose: () => void;
}) {
  const name = counted(items.length, "item");
  const work = async () => {
    const { accepted } = await api().accept(
      items.map(({ collection, id }) => ({ collection, id })),
      isShadow,
    );
    await refresh();
    onDone();
    return `${counted(accepted, "item is", "items are")} accepted`;
  };
  return (
    <ConfirmDialog
      title={`Accept ${name}?`}
      verb={`Accept ${name}`}
      kind="primary"
      work={work}
      onClose={onClose}
    >
      <p>
        They stay as they are, in the version that they have, and stand in nobody's way any more. They can
        still be tried again.
      </p>
    </ConfirmDialog>
  );
}
