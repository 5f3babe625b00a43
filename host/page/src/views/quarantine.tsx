import { useSignal } from "@preact/signals";
import type { ItemName, Quarantined } from "../api/types";
import { time } from "../format";
import { Check, Select } from "../parts/field";
import { Id, Said } from "../parts/foreign";
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
  const collection = useSignal("");
  const accepted = useSignal(false);
  const chosen = useSignal<readonly string[]>([]);
  const pages = usePages(`${collection.value} ${accepted.value}`, (after) =>
    api().quarantine({ collection: collection.value, accepted: accepted.value, after, limit: PAGE }),
  );
  const rows = pages.rows ?? [];
  const names = rows.filter((row) => chosen.value.includes(keyOf(row)));
  const choose = (keys: readonly string[]) => {
    chosen.value = keys;
  };
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
            value={collection.value}
            onChange={(value) => {
              collection.value = value;
              choose([]);
            }}
            options={[["", "All collections"], ...collections()]}
          />
          <Check
            isChecked={accepted.value}
            onChange={(value) => {
              accepted.value = value;
              choose([]);
            }}
          >
            Show accepted ones, too
          </Check>
        </form>
        <QuarantineActions chosen={names} onDone={() => choose([])} offersAll />
        <PagedList pages={pages} name="the quarantine">
          {(rows) => <List rows={rows} chosen={chosen.value} choose={choose} />}
        </PagedList>
      </Panel>
    </>
  );
}

function collections(): [string, string][] {
  return (status.value?.collections ?? []).map(({ collection, open }) => [
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
          { head: "Failed", cell: (row) => `step ${row.failure.step} of ${row.failure.migration}` },
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
      {collection}/<Id text={id} />
    </a>
  );
}

function Kind({ row: { failure } }: { row: Quarantined }) {
  return (
    <>
      <Tag tone="bad">{failure.kind}</Tag> {failure.accepted && <Tag>accepted</Tag>}
    </>
  );
}
