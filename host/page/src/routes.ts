/** Which view is shown: it is in the URL's fragment, so that it outlasts a reload. */

import { Cell } from "./cell";

export const VIEWS = [
  "overview",
  "plan",
  "run",
  "quarantine",
  "runs",
  "history",
  "collections",
  "backups",
  "audit",
] as const;

export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** What the view is about, as in a collection and an id. */
  about: string[];
}

export function href(view: View, ...about: (string | number)[]): string {
  return `#/${[view, ...about.map(encodeURIComponent)].join("/")}`;
}

/** What stands third in a route of the quarantine that is about the shadow run's copies. */
export const SHADOW = "shadow";

/** A route to the quarantine, or to an item in it: of what is live, or of the shadow run's copies. */
export function quarantineHref(isShadow: boolean, name?: { collection: string; id: string }): string {
  if (isShadow) return href("quarantine", name?.collection ?? "", name?.id ?? "", SHADOW);
  return name ? href("quarantine", name.collection, name.id) : href("quarantine");
}

export function parseRoute(fragment: string): Route {
  const [name, ...about] = fragment.replace(/^#\/?/, "").split("/");
  const view = VIEWS.find((view) => view === name) ?? "overview";
  return { view, about: about.map(decode) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = new Cell<Route>(parseRoute(""));

export function followFragment(): void {
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  globalThis.addEventListener("hashchange", read);
  read();
}
