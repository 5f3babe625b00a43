import { useState } from "preact/hooks";
import type { ItemName, Quarantined } from "../api/types";
import { useCell } from "../cell";
import { time } from "../format";
import { Check, Select } from "../parts/field";
import { Id, IN_LIST, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PAGE, PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";
import { href } from "../routes";
import { status } from "../state/live";
import { api } from "../state/session";
import { QuarantineActions } from "./quarantine-actions";

export function QuarantineView() {
  const [collection, setCollection] = useState("");
  const [accepted, setAccepted] = useState(false);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const pages = usePages(`${collection} ${accepted}`, (after) =>
    api().quarantine({ collection, accepted, after, limit: PAGE }),
  );
  const rows = pages.rows ?? [];
  const names = rows.filter((row) => chosen.includes(keyOf(row)));
  return (
    <>
      <Heading title="Quarantine" />
      <p class="lead">
        Items that failed a step. They keep their old bytes and stand in the way until they are dealt with.
      </p>
      <Panel title="Items">
        <form class="fields" onSubmit={(event) => event.preventDefault()}>
          <Select
            label="Collection"
            value={collection}
            onChange={(value) => {
              setCollection(value);
              setChosen([]);
            }}
            options={[["", "All collections"], ...useCollections()]}
          />
          <Check
            isChecked={accepted}
            onChange={(value) => {
              setAccepted(value);
              setChosen([]);
            }}
          >
            Show accepted ones, too
          </Check>
        </form>
        <QuarantineActions chosen={names} onDone={() => setChosen([])} offersAll />
        <PagedList pages={pages} name="the quarantine">
          {(rows) => <List rows={rows} chosen={chosen} choose={setChosen} />}
        </PagedList>
      </Panel>
    </>
  );
}

function useCollections(): [string, string][] {
  return (useCell(status)?.collections ?? []).map(({ collection, open }) => [
    collection,
    `${collection} (${open})`,
  ]);
}

function keyOf({ collection, id }: ItemName): string {
  return `${collection}/${id}`;
}

interface ListProps {
  rows: Quarantined[];
  chosen: readonly string[];
  choose: (keys: readonly string[]) => void;
}

function List({ rows, chosen, choose }: ListProps) {
  const keys = rows.map(keyOf);
  const areAll = keys.length > 0 && keys.every((key) => chosen.includes(key));
  const turn = (key: string, isChosen: boolean) =>
    choose(isChosen ? [...chosen, key] : chosen.filter((other) => other !== key));
  return (
    <>
      {rows.length > 0 && (
        <Check isChecked={areAll} onChange={(isChosen) => choose(isChosen ? keys : [])}>
          Select all on this page
        </Check>
      )}
      <Table
        caption="Items in quarantine"
        rows={rows}
        keyOf={keyOf}
        empty="The quarantine is empty."
        columns={[
          {
            head: "Select",
            cell: (row) => (
              <Check
                label={`Select ${keyOf(row)}`}
                isChecked={chosen.includes(keyOf(row))}
                onChange={(isChosen) => turn(keyOf(row), isChosen)}
              >
                {null}
              </Check>
            ),
          },
          { head: "Item", cell: (row) => <ItemLink name={row} />, isName: true },
          { head: "Kind", cell: (row) => <Kind row={row} /> },
          { head: "Reason", cell: (row) => <Said text={row.failure.reason} />, isWide: true },
          { head: "Step", cell: (row) => <StepOf row={row} /> },
          { head: "Version", cell: (row) => row.version },
          { head: "When", cell: (row) => <time>{time(row.failure.at)}</time> },
        ]}
      />
    </>
  );
}

function ItemLink({ name: { collection, id } }: { name: ItemName }) {
  return (
    <a href={href("quarantine", collection, id)}>
      {collection}/<Id text={id} longest={IN_LIST} />
    </a>
  );
}

function StepOf({ row: { failure } }: { row: Quarantined }) {
  return (
    <>
      {failure.step} <span class="whole quiet">of {failure.migration}</span>
    </>
  );
}

function Kind({ row: { failure } }: { row: Quarantined }) {
  return (
    <>
      <Tag tone="bad">{failure.kind}</Tag> {failure.accepted && <Tag>accepted</Tag>}
    </>
  );
}
