import { useState } from "preact/hooks";
import type { Run } from "../api/types";
import { time } from "../format";
import { Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Id } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PAGE, PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { StateTag } from "../parts/tag";
import { href } from "../routes";
import { api } from "../state/session";
import { UndoDialog } from "./undo-dialog";

export function RunsView() {
  const [undone, setUndone] = useState<number | null>(null);
  const pages = usePages("runs", (after) => api().runs({ after, limit: PAGE }));
  return (
    <>
      <Heading title="Runs" />
      <Panel title="The newest first">
        <PagedList pages={pages} name="the runs">
          {(rows) => <RunTable rows={rows} onUndo={setUndone} />}
        </PagedList>
      </Panel>
      {undone !== null && <UndoDialog run={undone} onClose={() => setUndone(null)} />}
    </>
  );
}

function RunTable({ rows, onUndo }: { rows: Run[]; onUndo: (run: number) => void }) {
  return (
    <Table
      caption="Runs"
      rows={rows}
      keyOf={(run) => run.id}
      empty="There was no run yet."
      columns={[
        { head: "Run", cell: (run) => <a href={href("runs", run.id)}>Run {run.id}</a>, isName: true },
        { head: "For", cell: (run) => run.purpose },
        { head: "State", cell: (run) => <StateTag state={run.state} /> },
        { head: "Leads to", cell: (run) => versionsOf(run) },
        { head: "Started", cell: (run) => <time>{time(run.started_at)}</time> },
        { head: "Way back", cell: (run) => <WayBack run={run} onUndo={onUndo} /> },
      ]}
    />
  );
}

function WayBack({ run, onUndo }: { run: Run; onUndo: (run: number) => void }) {
  if (run.state === "undone") return <span class="quiet">is undone</span>;
  if (!run.has_pre_images) {
    return run.backup ? (
      <>
        backup <Id text={run.backup} />
      </>
    ) : (
      <span class="quiet">none</span>
    );
  }
  return (
    <Button changes label={`Undo run ${run.id}`} blocked={useBusy()} onClick={() => onUndo(run.id)}>
      Undo …
    </Button>
  );
}

/** The apps of a run, each with the version that it leads to. */
export function versionsOf(run: Run): string {
  const reached = new Map<string, { from: string | null; to: string }>();
  for (const { app, from, version } of run.plan.stages) {
    reached.set(app, { from: reached.get(app)?.from ?? from, to: version });
  }
  return [...reached].map(([app, { from, to }]) => `${app} ${from ? `${from} → ` : ""}${to}`).join(", ");
}
