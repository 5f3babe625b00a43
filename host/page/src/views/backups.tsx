import type { Backup } from "../api/types";
import { bytes, count, shortDigest, time } from "../format";
import { Action } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Id } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Table } from "../parts/table";
import { setActivity } from "../state/live";
import { api } from "../state/session";

export function BackupsView() {
  const { value, problem } = useLoaded("backups", () => api().backups());
  const make = async () => {
    setActivity(await api().makeBackup());
    return "The backup is being made";
  };
  return (
    <>
      <Heading title="Backups" />
      <p class="lead">
        The whole store as it was at one moment, in one file with digests. <code>godwit backup restore</code>{" "}
        puts one in the store's place.
      </p>
      <Panel title="Files">
        <div class="buttons">
          <Action kind="primary" work={make} blocked={useBusy()}>
            Make a backup
          </Action>
        </div>
        <ProblemNote problem={problem} />
        {value ? <Files backups={value.items} /> : !problem && <Loading />}
      </Panel>
    </>
  );
}

function Files({ backups }: { backups: Backup[] }) {
  const busy = useBusy();
  const verify = (name: string) => async () => {
    setActivity(await api().verifyBackup(name));
    return "It is being verified";
  };
  return (
    <Table
      caption="Backups"
      rows={backups}
      keyOf={(backup) => backup.name}
      empty="There is no backup yet."
      columns={[
        { head: "Name", cell: (backup) => <Id text={backup.name} />, isName: true },
        { head: "Made", cell: (backup) => <time>{time(backup.made_at)}</time> },
        { head: "Size", cell: (backup) => bytes(backup.bytes), isNumber: true },
        { head: "Entries", cell: (backup) => count(backup.entries), isNumber: true },
        { head: "Digest", cell: (backup) => <code>{shortDigest(backup.digest)}</code> },
        {
          head: "Check",
          cell: (backup) => (
            <Action label={`Verify ${backup.name}`} work={verify(backup.name)} blocked={busy}>
              Verify
            </Action>
          ),
        },
      ]}
    />
  );
}
