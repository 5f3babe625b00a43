import { useState } from "preact/hooks";
import type { ChangedItems } from "../api/types";
import { ConfirmDialog } from "../parts/dialog";
import { Choice } from "../parts/field";
import { useLoaded } from "../parts/loaded";
import { ProblemNote } from "../parts/problem";
import { href } from "../routes";
import { setActivity } from "../state/live";
import { api } from "../state/session";
import { versionsOf } from "./runs";

const CHOICES: [ChangedItems, string, string][] = [
  ["refuse", "Refuse", "undo nothing if an item was changed since, and name those items"],
  ["keep", "Keep", "leave those items as they are, and put back the others"],
];

/** Asks before a run is undone. The undo takes place only if the run is still what is shown here. */
export function UndoDialog({ run, onClose }: { run: number; onClose: () => void }) {
  const [changed, setChanged] = useState<ChangedItems>("refuse");
  const { value, problem, again } = useLoaded(`run ${run}`, () => api().run(run));
  const shown = value?.value.report.run;
  const work = async () => {
    try {
      setActivity(await api().undo(run, changed, value?.etag ?? null));
    } catch (error) {
      again();
      throw error;
    }
    location.hash = href("run");
    return `Run ${run} is being undone`;
  };
  return (
    <ConfirmDialog
      title={`Undo run ${run}?`}
      verb={`Undo run ${run}`}
      blocked={shown ? undefined : "The run is being read"}
      work={work}
      onClose={onClose}
    >
      <p>
        It puts back every byte that the run has changed, from what the run kept.
        {shown && ` The run led to ${versionsOf(shown)} and is ${shown.state}.`} Stop the application first
        where it serves a version that is taken back.
      </p>
      <Choice
        legend="Items that were changed since"
        value={changed}
        options={CHOICES}
        onChange={setChanged}
      />
      <ProblemNote problem={problem} />
    </ConfirmDialog>
  );
}
