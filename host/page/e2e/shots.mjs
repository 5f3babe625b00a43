/** Takes pictures of every view, narrow and wide, light and dark: `SHOTS=FOLDER npm run shots`. */

import { mkdir } from "node:fs/promises";
import { enter, goTo, launch, openTab, serve } from "./browser.mjs";

const FOLDER = process.env.SHOTS ?? "shots";
const SIZES = { narrow: { width: 360, height: 740 }, wide: { width: 1600, height: 1000 } };
const LISTS = [
  "overview",
  "plan",
  "quarantine",
  "runs",
  "runs/61",
  "history",
  "collections",
  "collections/notes",
  "backups",
  "audit",
];
const ITEM = "quarantine/notes/note-01001";

await mkdir(FOLDER, { recursive: true });
const browser = await launch();
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) await shoot(size, viewport, colorScheme);
}
await browser.close();

async function shoot(size, viewport, colorScheme) {
  const server = await serve({ perSecond: 500 });
  const { page } = await openTab(browser, { ...viewport, colorScheme });
  const take = (name) =>
    page.screenshot({ path: `${FOLDER}/${name}-${size}-${colorScheme}.png`, fullPage: true });
  await page.goto(server.url);
  await take("login");
  await enter(page, server);
  await page.waitForTimeout(300);
  await take("overview-idle");
  await goTo(page, "plan");
  await page.getByRole("button", { name: "Run", exact: true }).waitFor();
  await take("plan-idle");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.waitForTimeout(6500);
  await page.getByRole("button", { name: "Throttle …" }).click();
  await take("run");
  await goTo(page, "overview");
  await page.waitForTimeout(300);
  await take("overview-running");
  await page.getByText("is blocked", { exact: false }).first().waitFor({ timeout: 30_000 });
  for (const view of [...LISTS, ITEM]) {
    await goTo(page, view);
    await page.waitForTimeout(400);
    await take(view.split("/").slice(0, 2).join("-"));
  }
  await goTo(page, "runs");
  await page.getByRole("button", { name: "Undo run 61" }).click();
  await page.waitForTimeout(400);
  await take("undo-dialog");
  server.close();
  await page.close();
}
