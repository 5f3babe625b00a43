import { useState } from "preact/hooks";
import type { Item } from "../api/types";
import { Button } from "../parts/action";
import { Input } from "../parts/field";
import { Id, IN_LIST } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { PAGE, PagedList, usePages } from "../parts/pages";
import { Panel } from "../parts/panel";
import { Table } from "../parts/table";
import { href } from "../routes";
import { api } from "../state/session";

/** So much of a body is shown in a list. */
const EXCERPT = 160;

interface Where {
  pointer: string;
  value: string;
}

/** The items of a collection, in order of their ids. */
export function ItemsView({ collection }: { collection: string }) {
  const [where, setWhere] = useState<Where>({ pointer: "", value: "" });
  const { pointer, value } = where;
  const pages = usePages(`${collection} ${pointer}=${value}`, (after) =>
    api().items(collection, { after, limit: PAGE, ...(pointer && { pointer, value }) }),
  );
  return (
    <>
      <Heading title={`Items of ${collection}`}>
        <p class="lead">
          <a href={href("collections")}>Collections</a> / {collection}
        </p>
      </Heading>
      <Panel title="Find">
        <ById collection={collection} />
        <ByValue onFind={setWhere} />
      </Panel>
      <Panel title={pointer ? `Items with ${pointer} = ${value}` : "In order of ids"}>
        <PagedList pages={pages} name="the items">
          {(rows) => <ItemTable collection={collection} rows={rows} hasMore={pages.hasNext} />}
        </PagedList>
      </Panel>
    </>
  );
}

function ById({ collection }: { collection: string }) {
  const [id, setId] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    location.hash = href("collections", collection, id);
  };
  return (
    <form class="fields" onSubmit={submit}>
      <Input label="Id" value={id} isRequired onInput={setId} />
      <Button type="submit">Get the item</Button>
    </form>
  );
}

function ByValue({ onFind }: { onFind: (where: Where) => void }) {
  const [where, setWhere] = useState<Where>({ pointer: "", value: "" });
  const submit = (event: Event) => {
    event.preventDefault();
    onFind(where);
  };
  const set = (name: keyof Where) => (value: string) => {
    setWhere({ ...where, [name]: value });
  };
  return (
    <form class="fields" onSubmit={submit}>
      <Input label="JSON pointer" placeholder="/status" value={where.pointer} onInput={set("pointer")} />
      <Input label="Value" placeholder={'"done", 3 or true'} value={where.value} onInput={set("value")} />
      <Button type="submit">Find</Button>
    </form>
  );
}

interface TableProps {
  collection: string;
  rows: Item[];
  /** A search looks at so many items for each page: it may have found none so far. */
  hasMore: boolean;
}

function ItemTable({ collection, rows, hasMore }: TableProps) {
  return (
    <Table
      caption={`Items of ${collection}`}
      rows={rows}
      keyOf={(item) => item.id}
      empty={hasMore ? "None so far: there is more to look through on the next page." : EMPTY}
      columns={[
        {
          head: "Id",
          cell: (item) => (
            <a href={href("collections", collection, item.id)}>
              <Id text={item.id} longest={IN_LIST} />
            </a>
          ),
          isName: true,
        },
        { head: "Version", cell: (item) => item.version },
        { head: "Body", cell: (item) => <Excerpt item={item} />, isWide: true },
      ]}
    />
  );
}

const EMPTY = "There is no such item.";

function Excerpt({ item: { text } }: { item: Item }) {
  return (
    <code class="excerpt">
      <Id text={text} longest={EXCERPT} />
    </code>
  );
}
