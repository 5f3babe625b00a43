import type { AppStatus } from "../api/types";
import { useCell } from "../cell";
import { Button } from "../parts/action";
import { Id } from "../parts/foreign";
import { Tag } from "../parts/tag";
import { href } from "../routes";
import { status } from "../state/live";
import { logOut, session } from "../state/session";
import { Bird } from "./bird";
import { ConnectionTag } from "./connection";

/** More apps than these would leave no room; the overview has all. */
const MOST_APPS = 4;

export function Header() {
  const current = useCell(session);
  const apps = useCell(status)?.apps ?? [];
  if (!current) return null;
  return (
    <header class="top">
      <a class="brand" href={href("overview")}>
        <Bird />
        <span>Godwit</span> <small>{current.version}</small>
      </a>
      <p class="store">
        <span class="unseen">Store </span>
        <Id text={current.store} />
      </p>
      <Apps apps={apps} />
      <p class="who">
        <ConnectionTag />
        <Tag>{current.role === "admin" ? "admin" : "read-only"}</Tag>
        <Button onClick={logOut}>Log out</Button>
      </p>
    </header>
  );
}

function Apps({ apps }: { apps: AppStatus[] }) {
  const more = apps.length - MOST_APPS;
  return (
    <ul class="apps" aria-label="Apps">
      {apps.slice(0, MOST_APPS).map((app) => (
        <li key={app.app}>
          <b>{app.app}</b> {app.version ?? "no version"} <span class="quiet">{serving(app)}</span>
        </li>
      ))}
      {more > 0 && (
        <li>
          <a href={href("overview")}>{more} more</a>
        </li>
      )}
    </ul>
  );
}

function serving({ version, serves }: AppStatus): string {
  if (!serves) return "none may serve";
  return serves === version ? "may serve" : `${serves} may serve`;
}
