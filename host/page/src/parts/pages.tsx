/** Lists that are read page by page. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Page, Problem } from "../api/types";
import { Button } from "./action";
import { useLoaded } from "./loaded";
import { ProblemNote } from "./problem";

export const PAGE = 25;

export interface Pages<T> {
  rows: T[] | null;
  problem: Problem | null;
  number: number;
  hasNext: boolean;
  next: () => void;
  back: () => void;
  first: () => void;
}

/** The pages of a list; another `key` is another list, from its start. */
export function usePages<T>(key: string, load: (after: string | undefined) => Promise<Page<T>>): Pages<T> {
  // The cursors of the pages up to this one: a server's cursor leads forward only.
  const [trail, setTrail] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] });
  const cursors = trail.key === key ? trail.cursors : [];
  const after = cursors.at(-1);
  const { value, problem } = useLoaded(`${key} ${after ?? ""}`, () => load(after));
  const go = (to: string[]) => setTrail({ key, cursors: to });
  return {
    rows: value?.items ?? null,
    problem,
    number: cursors.length + 1,
    hasNext: value !== null && value.next !== null,
    next: () => value?.next && go([...cursors, value.next]),
    back: () => go(cursors.slice(0, -1)),
    first: () => go([]),
  };
}

interface Props<T> {
  pages: Pages<T>;
  /** What the pages are of. */
  name: string;
  children: (rows: T[]) => ComponentChildren;
}

export function PagedList<T>({ pages, name, children }: Props<T>) {
  return (
    <>
      <ProblemNote problem={pages.problem} />
      {pages.rows ? children(pages.rows) : !pages.problem && <Loading />}
      {(pages.number > 1 || pages.hasNext) && (
        <nav class="pager" aria-label={`Pages of ${name}`}>
          <Button onClick={pages.back} blocked={pages.number > 1 ? undefined : "This is the first page"}>
            Back
          </Button>
          <span aria-live="polite">Page {pages.number}</span>
          <Button onClick={pages.next} blocked={pages.hasNext ? undefined : "This is the last page"}>
            Next
          </Button>
        </nav>
      )}
    </>
  );
}

export function Loading() {
  return <p class="empty">Reading …</p>;
}
