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
  /** Whether several may be chosen. */
  areMany?: boolean;
}

/** Tries items again, or accepts that they stay as they are. */
export function QuarantineActions({ chosen, isShadow, onDone, areMany = false }: Props) {
  const [isAsking, setAsking] = useState(false);
  const none = chosen.length === 0 ? "No item is selected" : undefined;
  const busy = useBusy();
  const many = areMany ? ` ${chosen.length > 0 ? counted(chosen.length, "item") : "selected"}` : "";
  const retry = async () => {
    setActivity(await api().retry(chosen.map(plain), isShadow));
    onDone();
    return `${counted(chosen.length, "item is", "items are")} tried again`;
  };
  return (
    <div class="buttons">
      <Action kind={areMany ? "plain" : "primary"} blocked={none ?? busy} work={retry}>
        Retry{many}
      </Action>
      <Button changes blocked={none} onClick={() => setAsking(true)}>
        Accept{many} …
      </Button>
      {isAsking && (
        <AcceptDialog items={chosen} isShadow={isShadow} onDone={onDone} onClose={() => setAsking(false)} />
      )}
    </div>
  );
}

/** What the server is told of an item, which knows the rest itself. */
function plain({ collection, id }: ItemName): ItemName {
  return { collection, id };
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
    const { accepted } = await api().accept(items.map(plain), isShadow);
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
      <WhatAcceptingDoes />
    </ConfirmDialog>
  );
}

export function WhatAcceptingDoes() {
  return (
    <p>
      They stay as they are, in the version that they have, and stand in nobody's way any more. They can still
      be tried again.
    </p>
  );
}
