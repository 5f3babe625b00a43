import type { ComponentChildren, Key } from "preact";

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** Numbers are set to the right. */
  isNumber?: boolean;
  /** Names the row. */
  isName?: boolean;
  /** Takes much of the room. */
  isWide?: boolean;
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => Key;
  empty: string;
}

/**
 * A table that becomes a list of cards where there is no room. Roles are given by name, since a table that is laid out in
 * another way is none to assistive technology.
 */
export function Table<T>({ caption, columns, rows, keyOf, empty }: Props<T>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <table class="rows" role="table">
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.head} role="columnheader" scope="col" class={classOf(column)}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map((column) => (
              <Cell key={column.head} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell<T>({ column, row }: { column: Column<T>; row: T }) {
  const inside = <div class="cell">{column.cell(row)}</div>;
  if (column.isName) {
    return (
      <th role="rowheader" scope="row" data-head={column.head} class={classOf(column)}>
        {inside}
      </th>
    );
  }
  return (
    <td role="cell" data-head={column.head} class={classOf(column)}>
      {inside}
    </td>
  );
}

function classOf<T>(column: Column<T>): string {
  return [column.isNumber && "number", column.isName && "name", column.isWide && "wide"]
    .filter(Boolean)
    .join(" ");
}
