/** A headless Chromium that notes what must not happen. */

import { chromium } from "playwright-core";
import { start } from "../mock/server.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Where to go: the server of the environment, or a mock of one's own. */
export async function serve(options) {
  const { GODWIT_URL: url, GODWIT_TOKEN: token, GODWIT_READ_TOKEN: readToken } = process.env;
  if (url)
    return { url: `${url.replace(/\/+$/, "")}/`, token, readToken, isMock: false, close: () => undefined };
  return { ...(await start(options)), token: "admin", readToken: "read", isMock: true };
}

export async function launch() {
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox", "--disable-gpu"] });
}

/** Opens a tab; `faults` grows with errors of the console, exceptions and violations of the policy. */
export async function openTab(browser, { width = 1280, height = 900, colorScheme = "light" } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !isAnswer(message.text())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return { page, context, faults };
}

/** Chromium reports refused and failed calls by itself; the page shows them, which the tests look at. */
function isAnswer(text) {
  return /^Failed to load resource: /.test(text);
}

/** Opens the page as whoever has the token, at a view. */
export async function enter(page, server, view = "overview", token = server.token) {
  await page.goto(`${server.url}#token=${encodeURIComponent(token)}`);
  await page.locator(".state strong").waitFor();
  await goTo(page, view);
}

export async function goTo(page, view) {
  await page.evaluate((view) => {
    location.hash = `#/${view}`;
  }, view);
}
