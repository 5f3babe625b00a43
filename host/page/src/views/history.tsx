import type { Counts, Entry } from "../api/types";
import { count, counted, shortDigest, time } from "../format";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PAGE, PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { Tag, type TagTone } from "../parts/tag";
import { href } from "../routes";
import { api } from "../state/session";

export function HistoryView() {
  const pages = usePages("history", (after) => api().history({ after, limit: PAGE }));
  return (
    <>
      <Heading title="History" />
      <p class="lead">What was applied when. Facts are added and never changed.</p>
      <Panel title="The newest first">
        <PagedList pages={pages} name="the history">
          {(rows) => <Facts rows={rows} />}
        </PagedList>
      </Panel>
    </>
  );
}

function Facts({ rows }: { rows: Entry[] }) {
  return (
    <Table
      caption="History"
      rows={rows}
      keyOf={(entry) => entry.number}
      empty="Nothing was applied yet."
      columns={[
        { head: "No.", cell: (entry) => entry.number, isNumber: true },
        { head: "When", cell: (entry) => <time>{time(entry.at)}</time> },
        { head: "Version", cell: (entry) => `${entry.app} ${entry.version}`, isName: true },
        { head: "What", cell: (entry) => <What entry={entry} /> },
        {
          head: "Run",
          cell: (entry) => ("run" in entry ? <a href={href("runs", entry.run)}>{entry.run}</a> : "–"),
        },
        { head: "More", cell: (entry) => <More entry={entry} /> },
      ]}
    />
  );
}

const TONES: Record<Entry["event"], TagTone> = {
  baseline: "plain",
  applied: "good",
  mended: "busy",
  repaired: "warn",
  reverted: "warn",
  reinstated: "busy",
  undone: "warn",
};

function What({ entry }: { entry: Entry }) {
  return (
    <>
      <Tag tone={TONES[entry.event] ?? "plain"}>{entry.event}</Tag> {"phase" in entry && entry.phase}
    </>
  );
}

function More({ entry }: { entry: Entry }) {
  switch (entry.event) {
    case "applied":
      return (
        <>
          {countsOf(entry.counts)}
          {entry.accepted > 0 && `; ${counted(entry.accepted, "item")} accepted`}
          {"; "}
          <Id text={entry.file} />
        </>
      );
    case "repaired":
      return <Said text={entry.reason} />;
    case "mended":
      return <code>{shortDigest(entry.digest)}</code>;
    default:
      return <>–</>;
  }
}

function countsOf(counts: Counts): string {
  const parts = (["updated", "unchanged", "removed", "failed", "written"] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${count(counts[name])} ${name}`);
  return `${count(counts.read)} read${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}
