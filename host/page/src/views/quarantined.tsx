import type { Difference, ItemName, QuarantinedDetail } from "../api/types";
import { time } from "../format";
import { Facts } from "../parts/facts";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { BodyText } from "../parts/json";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";
import { href, quarantineHref } from "../routes";
import { api } from "../state/session";
import { QuarantineActions } from "./quarantine-actions";

/** One item in quarantine: why, what it is, and what the run changed of it. */
export function QuarantinedView({ name, isShadow }: { name: ItemName; isShadow: boolean }) {
  const { value, problem } = useLoaded(`${name.collection}/${name.id}`, () =>
    api().quarantined(name, isShadow || undefined),
  );
  // A proxy's 404, say, is no word of the server's.
  const isGone = problem?.status === 404 && problem.type !== undefined;
  return (
    <>
      <Heading title="Item in quarantine">
        <p class="lead">
          <a href={quarantineHref(isShadow)}>Quarantine</a> / {name.collection}/<Id text={name.id} />
          {isShadow && " (the shadow run's copy)"}
        </p>
      </Heading>
      {isGone ? <Gone name={name} /> : <ProblemNote problem={problem} />}
      {!isGone && (value ? <Shown item={value} isShadow={isShadow} /> : !problem && <Loading />)}
    </>
  );
}

function Gone({ name }: { name: ItemName }) {
  return (
    <p class="note good">
      The item is not in quarantine any more.{" "}
      <a href={href("collections", name.collection, name.id)}>Look at the item</a>
    </p>
  );
}

function Shown({ item, isShadow }: { item: QuarantinedDetail; isShadow: boolean }) {
  const { failure } = item;
  return (
    <>
      <Panel title="Why it failed" aside={<Tag tone="bad">{failure.kind}</Tag>}>
        <p class="reason">
          <Said text={failure.reason} />
        </p>
        <Facts
          facts={[
            ["Step", `${failure.step} of ${failure.migration}`],
            ["Version of the item", item.version],
            ["Run", <a href={href("runs", failure.run)}>{failure.run}</a>],
            ["When", time(failure.at)],
            ["Accepted", failure.accepted ? "yes" : "no"],
          ]}
        />
        <QuarantineActions chosen={[item]} isShadow={isShadow} onDone={() => undefined} />
      </Panel>
      <Panel title="Body">
        <BodyText text={item.text} label="Body of the item" />
      </Panel>
      {(item.diff_omitted || item.before !== null) && (
        <Panel title="Changed by the run">
          {item.diff_omitted ? (
            <p class="empty">The bodies are too large to be compared.</p>
          ) : (
            <Differences differences={item.diff} />
          )}
        </Panel>
      )}
    </>
  );
}

function Differences({ differences }: { differences: Difference[] }) {
  return (
    <Table
      caption="What the run changed"
      rows={differences}
      keyOf={(one) => one.pointer}
      empty="There is no difference."
      columns={[
        { head: "Where", cell: (one) => <Id text={one.pointer || "(body)"} />, isName: true },
        { head: "Before", cell: (one) => <Side text={one.before_text} change="removed" /> },
        { head: "After", cell: (one) => <Side text={one.after_text} change="added" /> },
      ]}
    />
  );
}

function Side({ text, change }: { text: string | null; change: "removed" | "added" }) {
  if (text === null) return <span class="quiet">nothing</span>;
  return (
    <code class={change}>
      <Id text={text} />
    </code>
  );
}
