/** Who is logged in. The token is kept for this tab only. */

import { ApiError, Client, UNREACHED } from "../api/client";
import type { Problem, Session } from "../api/types";
import { Cell, derived } from "../cell";

const KEY = "godwit.token";

/** Nobody logs in by itself. */
const LATER = "check that the host is running, then log in again";

interface LoggedIn extends Session {
  token: string;
  client: Client;
}

export const session = new Cell<LoggedIn | null>(null);
export const loginProblem = new Cell<Problem | null>(null);
export const isLoggingIn = new Cell(false);
/** Whether somebody who was logged in before, or has come with a token, is being logged in. */
export const isResuming = new Cell(false);
export const canChange = derived([session], () => session.value?.role === "admin");

/** The client of whoever is logged in. */
export function api(): Client {
  if (!session.value) throw new Error("nobody is logged in");
  return session.value.client;
}

export async function logIn(token: string): Promise<void> {
  const base = new URL("api/v1/", document.baseURI).href;
  const client = new Client({ base, token, onUnauthorized: () => onRefused(client) });
  isLoggingIn.value = true;
  loginProblem.value = null;
  try {
    const found = await client.session();
    sessionStorage.setItem(KEY, token);
    session.value = { ...found, token, client };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    loginProblem.value =
      error.problem.status === UNREACHED ? { ...error.problem, hint: LATER } : error.problem;
  } finally {
    isLoggingIn.value = false;
  }
}

export function logOut(): void {
  sessionStorage.removeItem(KEY);
  session.value = null;
}

function onRefused(client: Client): void {
  if (session.value?.client !== client) return;
  logOut();
  loginProblem.value = {
    title: "The token is not accepted any more",
    status: 401,
    hint: "log in with the token that the host has now",
  };
}

/** Logs in with the token of the URL's fragment, or of before a reload; and whenever the fragment has one. */
export async function resumeSession(): Promise<void> {
  globalThis.addEventListener("hashchange", () => void logInFrom(takeFromFragment()));
  await logInFrom(takeFromFragment() ?? sessionStorage.getItem(KEY));
}

async function logInFrom(token: string | null | undefined): Promise<void> {
  if (!token) return;
  isResuming.value = true;
  await logIn(token).finally(() => {
    isResuming.value = false;
  });
}

/** The token of `#token=…`, which is taken out of the address bar and of the tab's history. */
function takeFromFragment(): string | undefined {
  const found = tokenOf(location.hash);
  if (found !== undefined) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

export function tokenOf(fragment: string): string | undefined {
  if (!fragment.startsWith("#token=")) return undefined;
  return new URLSearchParams(fragment.slice(1)).get("token") || undefined;
}
