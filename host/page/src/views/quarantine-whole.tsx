import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { counted } from "../format";
import { Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { ConfirmDialog } from "../parts/dialog";
import { acceptAll } from "../state/accepting";
import { refresh, setActivity, shadow, status } from "../state/live";
import { api } from "../state/session";
import { WhatAcceptingDoes } from "./quarantine-actions";

interface Props {
  /** The collection that is shown; empty: all. */
  collection: string;
  isShadow: boolean;
  onDone: () => void;
}

/** What is done to everything in quarantine, or to all of a collection: each says to how much, and asks first. */
export function WholeActions({ collection, isShadow, onDone }: Props) {
  const [asked, setAsked] = useState<"retry" | "accept" | null>(null);
  const { open, all } = useNumbers(collection, isShadow);
  const busy = useBusy();
  const onClose = () => setAsked(null);
  const whose = isShadow ? " of the shadow run's copies" : "";
  const retried = `all${all === null ? "" : ` ${counted(all, "item")}`} in all collections${whose}`;
  const accepted = `all${open === null ? "" : ` ${counted(open, "item")}`} of ${collection || "all collections"}${whose}`;
  return (
    <div class="buttons">
      <Button
        changes
        blocked={all === 0 ? "Nothing is in quarantine" : busy}
        onClick={() => setAsked("retry")}
      >
        Retry {retried} …
      </Button>
      <Button
        changes
        blocked={open === 0 ? "Nothing is left to be accepted" : busy}
        onClick={() => setAsked("accept")}
      >
        Accept {accepted} …
      </Button>
      {asked === "retry" && <RetryAll what={retried} isShadow={isShadow} onDone={onDone} onClose={onClose} />}
      {asked === "accept" && (
        <AcceptAll
          what={accepted}
          collection={collection}
          isShadow={isShadow}
          onDone={onDone}
          onClose={onClose}
        />
      )}
    </div>
  );
}

/** How many items are open in what is shown, and in quarantine altogether; `null` where that is not told. */
function useNumbers(collection: string, isShadow: boolean): { open: number | null; all: number | null } {
  const collections = useCell(status)?.collections;
  const copies = useCell(shadow);
  if (isShadow) return { open: collection ? null : (copies?.open ?? null), all: null };
  if (!collections) return { open: null, all: null };
  const shown = collections.filter((one) => !collection || one.collection === collection);
  return {
    open: shown.reduce((sum, one) => sum + one.open, 0),
    all: collections.reduce((sum, one) => sum + one.open + one.accepted, 0),
  };
}

interface DialogProps {
  what: string;
  isShadow: boolean;
  onDone: () => void;
  onClose: () => void;
}

function RetryAll({ what, isShadow, onDone, onClose }: DialogProps) {
  const work = async () => {
    setActivity(await api().retry(undefined, isShadow));
    onDone();
    return "All items are tried again";
  };
  return (
    <ConfirmDialog title={`Retry ${what}?`} verb="Retry all" kind="primary" work={work} onClose={onClose}>
      <p>
        Each goes through the step that it failed with the migrations as they are now, also those that were
        accepted. What fails again stays in quarantine.
      </p>
    </ConfirmDialog>
  );
}

function AcceptAll({ what, collection, isShadow, onDone, onClose }: DialogProps & { collection: string }) {
  const work = async () => {
    const accepted = await acceptAll(api(), collection, isShadow);
    await refresh();
    onDone();
    return `${counted(accepted, "item is", "items are")} accepted`;
  };
  return (
    <ConfirmDialog title={`Accept ${what}?`} verb="Accept all" work={work} onClose={onClose}>
      <WhatAcceptingDoes />
    </ConfirmDialog>
  );
}
