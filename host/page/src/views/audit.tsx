import type { AuditEntry } from "../api/types";
import { time } from "../format";
import { Id } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PAGE, PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { api } from "../state/session";

export function AuditView() {
  const pages = usePages("audit", (after) => api().audit({ after, limit: PAGE }));
  return (
    <>
      <Heading title="Audit log" />
      <p class="lead">Who asked this server to change something, and when.</p>
      <Panel title="The newest first">
        <PagedList pages={pages} name="the audit log">
          {(rows) => <Entries rows={rows} />}
        </PagedList>
      </Panel>
    </>
  );
}

function Entries({ rows }: { rows: AuditEntry[] }) {
  return (
    <Table
      caption="Audit log"
      rows={rows}
      keyOf={(entry) => entry.number}
      empty="Nothing was changed by way of this server yet."
      columns={[
        { head: "No.", cell: (entry) => entry.number, isNumber: true },
        { head: "When", cell: (entry) => <time>{time(entry.at)}</time> },
        { head: "Who", cell: (entry) => entry.who },
        { head: "What", cell: (entry) => <Id text={entry.what} />, isWide: true },
        { head: "Answer", cell: (entry) => (entry.status === 0 ? "none yet" : entry.status), isNumber: true },
      ]}
    />
  );
}
