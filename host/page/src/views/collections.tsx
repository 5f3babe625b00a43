import type { CollectionStatus } from "../api/types";
import { count } from "../format";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Table } from "../parts/table";
import { href } from "../routes";
import { api } from "../state/session";

export function CollectionsView() {
  const { value, problem } = useLoaded("collections", () => api().collections());
  return (
    <>
      <Heading title="Collections" />
      <Panel title="All collections">
        <ProblemNote problem={problem} />
        {value ? <TalliesTable collections={value.items} hasMore /> : !problem && <Loading />}
      </Panel>
    </>
  );
}

/** How many items each collection has. */
export function TalliesTable({
  collections,
  hasMore = false,
}: {
  collections: CollectionStatus[];
  hasMore?: boolean;
}) {
  return (
    <Table
      caption="Collections with their tallies"
      rows={collections}
      keyOf={(one) => one.collection}
      empty="The store is empty."
      columns={[
        {
          head: "Collection",
          cell: (one) => <a href={href("collections", one.collection)}>{one.collection}</a>,
          isName: true,
        },
        { head: "App", cell: (one) => one.app },
        { head: "Version", cell: (one) => one.level ?? "none" },
        { head: "Items", cell: (one) => count(one.items), isNumber: true },
        { head: "Quarantine", cell: (one) => <Open open={one.open} />, isNumber: true },
        { head: "Accepted", cell: (one) => count(one.accepted), isNumber: true },
        { head: "Waiting", cell: (one) => count(one.waiting), isNumber: true },
        ...(hasMore
          ? [{ head: "Indexes", cell: (one: CollectionStatus) => one.indexes.join(", ") || "none" }]
          : []),
      ]}
    />
  );
}

function Open({ open }: { open: number }) {
  return open > 0 ? (
    <a class="bad-text" href={href("quarantine")}>
      {count(open)}
    </a>
  ) : (
    <>0</>
  );
}
