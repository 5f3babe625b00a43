import { useState } from "preact/hooks";
import type { ItemName, Quarantined } from "../api/types";
import { useCell } from "../cell";
import { count, time } from "../format";
import { Button } from "../parts/action";
import { Check, Select } from "../parts/field";
import { Id, IN_LIST, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";
import { quarantineHref, SHADOW } from "../routes";
import { shadow, status } from "../state/live";
import { api } from "../state/session";
import { QuarantineActions } from "./quarantine-actions";
import { WholeActions } from "./quarantine-whole";

/** So many are on a page: most of what fails does so for a few reasons, and is looked through. */
const ROWS = 100;

type Chosen = ReadonlyMap<string, ItemName>;
const NONE: Chosen = new Map();

export function QuarantineView({ isShadow }: { isShadow: boolean }) {
  const [collection, setCollection] = useState("");
  const [accepted, setAccepted] = useState(false);
  const [chosen, setChosen] = useState(NONE);
  const pages = usePages(`${collection} ${accepted}`, (after) =>
    api().quarantine({ collection, accepted, shadow: isShadow || undefined, after, limit: ROWS }),
  );
  const onDone = () => {
    setChosen(NONE);
    // Where what was accepted is not shown, the pages are others now.
    pages.first();
  };
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
          <Place isShadow={isShadow} />
          <Select
            label="Collection"
            value={collection}
            onChange={(value) => {
              setCollection(value);
              setChosen(NONE);
            }}
            options={[["", "All collections"], ...useCollections(isShadow)]}
          />
          <Check
            isChecked={accepted}
            onChange={(value) => {
              setAccepted(value);
              setChosen(NONE);
            }}
          >
            Show accepted ones, too
          </Check>
        </form>
        <QuarantineActions chosen={[...chosen.values()]} isShadow={isShadow} onDone={onDone} areMany />
        <WholeActions collection={collection} isShadow={isShadow} onDone={onDone} />
        <PagedList pages={pages} name="the quarantine">
          {(rows) => (
            <List
              rows={rows}
              isShadow={isShadow}
              chosen={chosen}
              choose={setChosen}
              empty={emptyOf(pages.number, collection, accepted)}
            />
          )}
        </PagedList>
      </Panel>
    </>
  );
}

/** Of what is live, or of the shadow run's copies, where there are some. */
function Place({ isShadow }: { isShadow: boolean }) {
  const hasShadow = useCell(shadow) !== null;
  if (!hasShadow && !isShadow) return null;
  return (
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
  );
}

function emptyOf(page: number, collection: string, hasAccepted: boolean): string {
  if (page > 1) return "Nothing is left on this page.";
  const what = collection ? `Nothing of ${collection}` : "Nothing";
  return hasAccepted ? `${what} is in quarantine.` : `${what} is left to be dealt with.`;
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
  /** What is selected, on all pages. */
  chosen: Chosen;
  choose: (chosen: Chosen) => void;
  empty: string;
}

function List({ rows, isShadow, chosen, choose, empty }: ListProps) {
  const areAll = rows.every((row) => chosen.has(keyOf(row)));
  const turn = (turned: ItemName[], isChosen: boolean) => {
    const next = new Map(chosen);
    for (const one of turned) {
      if (isChosen) next.set(keyOf(one), one);
      else next.delete(keyOf(one));
    }
    choose(next);
  };
  return (
    <>
      {rows.length > 0 && (
        <div class="buttons">
          <Check isChecked={areAll} onChange={(isChosen) => turn(rows, isChosen)}>
            Select all on this page
          </Check>
          {chosen.size > 0 && (
            <Button onClick={() => choose(NONE)}>Select none of {count(chosen.size)}</Button>
          )}
        </div>
      )}
      <Table
        caption="Items in quarantine"
        rows={rows}
        keyOf={keyOf}
        empty={empty}
        columns={[
          {
            head: "Select",
            cell: (row) => (
              <Check
                label={`Select ${keyOf(row)}`}
                isChecked={chosen.has(keyOf(row))}
                onChange={(isChosen) => turn([row], isChosen)}
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
