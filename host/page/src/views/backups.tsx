import type { Backup } from "../api/types";
import { useCell } from "../cell";
import { bytes, clock, count, known, shortDigest, time } from "../format";
import { Action } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";
import { setActivity } from "../state/live";
import { api } from "../state/session";
import { verified, verify } from "../state/verified";

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
  return (
    <Table
      caption="Backups"
      rows={backups}
      keyOf={(backup) => backup.name}
      empty="There is no backup yet."
      columns={[
        { head: "Name", cell: (backup) => <Name backup={backup} />, isName: true },
        { head: "Made", cell: ({ made_at }) => known(made_at, (at) => <time>{time(at)}</time>) },
        { head: "Size", cell: (backup) => bytes(backup.bytes), isNumber: true },
        { head: "Entries", cell: ({ entries }) => known(entries, count), isNumber: true },
        { head: "Digest", cell: ({ digest }) => known(digest, (all) => <code>{shortDigest(all)}</code>) },
        { head: "Check", cell: (backup) => <Check backup={backup} /> },
      ]}
    />
  );
}

/** A file's name, with what keeps it from being one of this store's backups. */
function Name({ backup: { name, is_own, store, error } }: { backup: Backup }) {
  return (
    <>
      <Id text={name} />
      {!is_own && (
        <p>
          <Tag tone="warn">of another store</Tag> {store !== null && <Id text={store} />}
        </p>
      )}
      {error !== undefined && (
        <p>
          <Tag tone="bad">cannot be read</Tag> <Said text={error} />
        </p>
      )}
    </>
  );
}

function Check({ backup: { name, error } }: { backup: Backup }) {
  const busy = useBusy();
  const work = async () => {
    await verify(name);
    return "It is being verified";
  };
  const blocked = error === undefined ? busy : "It cannot be read";
  return (
    <div class="action">
      <Action label={`Verify ${name}`} work={work} blocked={blocked}>
        Verify
      </Action>
      <Verified name={name} />
    </div>
  );
}

/** What came of it when it was verified last. */
function Verified({ name }: { name: string }) {
  const activity = useCell(verified).get(name);
  switch (activity?.state) {
    case undefined:
      return null;
    case "working":
      return <Tag tone="busy">being verified</Tag>;
    case "done":
      return (
        <p>
          <Tag tone="good">whole</Tag> {activity.ended_at !== null && `at ${clock(activity.ended_at)}`}
        </p>
      );
    case "failed":
      return <ProblemNote problem={activity.error} />;
  }
}
