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
import { quarantineHref, SHADOW } from "../routes";
import { shadow, status } from "../state/live";
import { api } from "../state/session";
import { QuarantineActions } from "./quarantine-actions";

export function QuarantineView({ isShadow }: { isShadow: boolean }) {
  const [collection, setCollection] = useState("");
  const [accepted, setAccepted] = useState(false);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const pages = usePages(`${collection} ${accepted}`, (after) =>
    api().quarantine({ collection, accepted, shadow: isShadow || undefined, after, limit: PAGE }),
  );
  const hasShadow = useCell(shadow) !== null;
  const rows = pages.rows ?? [];
  const names = rows.filter((row) => chosen.includes(keyOf(row)));
  return (
    <>
      <Heading title="Quarantine" />
      <p class="lead">
        {isShadow
          ? "Items that failed in the shadow run's copies. It cannot be finalized until they are dealt with."
          : "Items that failed a step. They keep their old bytes and stand in the way until they are dealt with."}
      </p>
      <Panel title="Items">
        <form class="fields" onSubmit={(event) => event.preventDefault()}>
          {(hasShadow || isShadow) && (
            <Select
              label="Of"
              value={isShadow ? SHADOW : ""}
              onChange={(value) => {
                location.hash = quarantineHref(value === SHADOW);
              }}
              options={[
                ["", "What is live"],
                [SHADOW, "The shadow run's copies"],
              ]}
            />
          )}
          <Select
            label="Collection"
            value={collection}
            onChange={(value) => {
              setCollection(value);
              setChosen([]);
            }}
            options={[["", "All collections"], ...useCollections(isShadow)]}
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
        <QuarantineActions chosen={names} isShadow={isShadow} onDone={() => setChosen([])} offersAll />
        <PagedList pages={pages} name="the quarantine">
          {(rows) => <List rows={rows} isShadow={isShadow} chosen={chosen} choose={setChosen} />}
        </PagedList>
      </Panel>
    </>
  );
}

function useCollections(isShadow: boolean): [string, string][] {
  // How many items failed in the copies of each collection is not told.
  return (useCell(status)?.collections ?? []).map(({ collection, open }) => [
    collection,
    isShadow ? collection : `${collection} (${open})`,
  ]);
}

function keyOf({ collection, id }: ItemName): string {
  return `${collection}/${id}`;
}

interface ListProps {
  rows: Quarantined[];
  isShadow: boolean;
  chosen: readonly string[];
  choose: (keys: readonly string[]) => void;
}

function List({ rows, isShadow, chosen, choose }: ListProps) {
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
          { head: "Item", cell: (row) => <ItemLink name={row} isShadow={isShadow} />, isName: true },
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

function ItemLink({ name, isShadow }: { name: ItemName; isShadow: boolean }) {
  return (
    <a href={quarantineHref(isShadow, name)}>
      {name.collection}/<Id text={name.id} longest={IN_LIST} />
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
