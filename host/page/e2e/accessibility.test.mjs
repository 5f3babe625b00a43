/** Every view, in both colour schemes and at several widths, held to WCAG by axe. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { enter, goTo, launch, openTab, serve } from "./browser.mjs";

const VIEWS = ["overview", "plan", "run", "quarantine", "runs", "history", "collections", "backups", "audit"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const MOCK_VIEWS = [
  "runs/60",
  "runs/61",
  "collections/notes",
  "collections/notes/note-00003",
  "quarantine/notes/note-01001",
];

/** Why a run failed, in a word that is wider than a narrow page. */
const FAILURE = `attachment-${"0123456789abcdef".repeat(8)} has no way back`;

let server;
let failing;
let browser;

before(async () => {
  server = await serve({ perSecond: 8000 });
  browser = await launch();
  if (!server.isMock) return;
  await run(server, "is blocked");
  failing = await serve({ perSecond: 8000, failure: FAILURE });
  await run(failing, "failed");
});

after(async () => {
  await browser?.close();
  server?.close();
  failing?.close();
});

/** Leads a mock to where every view has something to show. */
async function run(mock, end) {
  const { page } = await openTab(browser);
  await enter(page, mock, "plan");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.locator(".state").getByText(end).waitFor({ timeout: 30_000 });
  await page.close();
}

for (const width of [360, 1024, 1600]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${colorScheme}, ${width} px wide`, async (t) => {
      const { page, faults } = await openTab(browser, { width, colorScheme });
      await page.goto(server.url);
      await page.getByLabel("Token").waitFor();
      await t.test("login", () => inspect(page));
      await enter(page, server);
      for (const view of server.isMock ? [...VIEWS, ...MOCK_VIEWS] : VIEWS) {
        await t.test(view, async () => {
          await goTo(page, view);
          await page.waitForTimeout(300);
          await inspect(page);
        });
      }
      await t.test("a dialog", { skip: !server.isMock }, async () => {
        await goTo(page, "runs");
        await page.getByRole("button", { name: "Undo run 60" }).click();
        await inspect(page);
      });
      await t.test("a run that failed", { skip: !server.isMock }, async () => {
        await enter(page, failing, "runs/61");
        await page.locator(".state").getByText("has no way back").waitFor();
        await inspect(page);
      });
      assert.deepEqual(faults, []);
      await page.close();
    });
  }
}

async function inspect(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html} ${nodes[0].failureSummary}`,
  );
  assert.deepEqual(found, []);
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(excess, 0, "the page scrolls sideways");
}
