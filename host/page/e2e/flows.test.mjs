/** What an operator does, in order, on one store. With GODWIT_URL it is a real one, with stages that are pending and items that fail. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, goTo, launch, openTab, serve } from "./browser.mjs";

const LONG = 60_000;

let server;
let browser;
let tab;
let page;

before(async () => {
  server = await serve({ perSecond: 900 });
  browser = await launch();
  tab = await openTab(browser);
  page = tab.page;
  page.setDefaultTimeout(15_000);
});

after(async () => {
  await browser?.close();
  server?.close();
});

const button = (name, exact = true) => page.getByRole("button", { name, exact });
const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true });
const stateLine = () => page.locator(".state strong");
const dialog = () => page.getByRole("dialog");

async function stateBecomes(pattern, timeout = LONG) {
  await stateLine().filter({ hasText: pattern }).waitFor({ timeout });
}

async function doneSoFar() {
  return Number(await page.getByRole("progressbar", { name: "All steps" }).getAttribute("value"));
}

async function doneExceeds(done) {
  await page.waitForFunction((done) => document.querySelector(".activity progress")?.value > done, done, {
    timeout: LONG,
  });
}

test("a wrong token is refused with its reason", async () => {
  await page.goto(server.url);
  await page.getByLabel("Token").fill("wrong");
  await button("Log in").click();
  await page.getByRole("alert").waitFor();
});

test("the right token logs in, and lasts for this tab", async () => {
  await page.getByLabel("Token").fill(server.token);
  await page.keyboard.press("Enter");
  await heading("Overview").waitFor();
  await page.reload();
  await heading("Overview").waitFor();
  assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
});

test("a token in the address is taken out of it", async () => {
  await button("Log out").click();
  await enter(page, server);
  assert.ok(!page.url().includes("token"), page.url());
});

test("navigation moves the focus to the heading, and outlasts a reload", async () => {
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "History" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.textContent === "History");
  await page.reload();
  await heading("History").waitFor();
});

test("the plan has stages with steps, and findings with a way out", async () => {
  await goTo(page, "plan");
  await page.locator(".stages > li").first().waitFor();
  await page.getByRole("columnheader", { name: "What it does" }).first().waitFor();
  if (server.isMock) await page.getByText("Way out:").first().waitFor();
});

test("a goal that makes no sense is refused beside the form", {
  skip: process.env.GODWIT_URL !== undefined,
}, async () => {
  await page.getByLabel("Up to version").fill("soon");
  await page.getByRole("alert").getByText("`soon` is no version").waitFor();
  await page.getByLabel("Up to version").fill("");
});

test("a backup that cannot be read is one row of the list, and others are verified", {
  skip: process.env.GODWIT_URL !== undefined,
}, async () => {
  await goTo(page, "backups");
  const row = (name) => page.getByRole("row").filter({ hasText: name });
  await row("torn.godwit").getByText("it ends in the middle").waitFor();
  assert.ok(await button("Verify torn.godwit").isDisabled());
  await row("staging.godwit").getByText("of another store").waitFor();
  await button("Verify damaged.godwit").click();
  await row("damaged.godwit").getByRole("alert").getByText("chunk 17").waitFor();
  await stateBecomes(/^The verification of a backup failed/);
  await button("Verify before-2-1-0.godwit").click();
  await row("before-2-1-0.godwit").getByText("whole", { exact: true }).waitFor();
  await row("damaged.godwit").getByRole("alert").waitFor();
  await stateBecomes(/pending/);
  await goTo(page, "plan");
});

test("answers that fail are told, and so is that they come again", async () => {
  const problem = { type: "about:blank", title: "Conflict", status: 409, detail: "nobody can be asked" };
  await page.route("**/api/v1/activity", (route) =>
    route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify(problem) }),
  );
  const notice = page.getByRole("alert").filter({ hasText: "Not all of this is up to date." });
  await notice.getByText("nobody can be asked").waitFor();
  await notice.getByText(/The server answered everything last at \d/).waitFor();
  await page.locator(".top").getByText("answers fail").waitFor();
  await page.unroute("**/api/v1/activity");
  await notice.waitFor({ state: "detached" });
  await page.locator(".top").getByText("live", { exact: true }).waitFor();
});

test("a run is started and followed", async () => {
  await button("Run").click();
  await heading("Run").waitFor();
  await stateBecomes(/is running/);
  await doneExceeds(await doneSoFar());
  await page.getByRole("img", { name: /Items a second/ }).waitFor();
});

test("a pause holds it, and a resume lets it go on", async () => {
  await button("Pause").click();
  await stateBecomes(/is paused/);
  await page.waitForTimeout(700);
  const held = await doneSoFar();
  await page.waitForTimeout(1200);
  assert.equal(await doneSoFar(), held);
  await button("Resume").click();
  await stateBecomes(/is running/);
  await doneExceeds(held);
});

test("a throttle sets the pace", async () => {
  await button("Throttle …").click();
  await page.getByRole("spinbutton", { name: "Items a second" }).fill("5000");
  await button("Set the pace").click();
  await page.getByText("The pace is set").first().waitFor();
  await button("Let it go").click();
  await page.getByText("Nothing holds it back").first().waitFor();
});

test("items that fail block the run, and are shown as text", async () => {
  await stateBecomes(/is blocked/);
  await page.getByRole("link", { name: "To the quarantine" }).click();
  await heading("Quarantine").waitFor();
  await page.getByRole("row").nth(1).waitFor();
  assert.equal(await page.locator("main img").count(), 0);
});

test("an item that failed is opened and tried again", async () => {
  const failed = page.getByRole("rowheader").filter({ hasText: server.isMock ? "note-00017" : "" });
  await failed.first().getByRole("link").click();
  await heading("Item in quarantine").waitFor();
  await page.getByLabel("Body of the item").waitFor();
  if (server.isMock) await page.getByText("12345678901234567890").waitFor();
  await button("Retry").click();
  await page.getByText("1 item is tried again").first().waitFor();
  await stateBecomes(/is blocked/);
  if (!server.isMock) return;
  await page.getByText("not in quarantine any more").waitFor();
  // What had the focus is gone.
  await page.waitForFunction(() => document.activeElement?.textContent === "Item in quarantine");
});

test("what is done to everything in quarantine says to how much, and asks first", async () => {
  await goTo(page, "quarantine");
  await button(/^Retry all \d+ items? in all collections …$/, false).click();
  await dialog()
    .getByRole("heading", { name: /^Retry all \d+ items?/ })
    .waitFor();
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await button(/^Accept all \d+ items? of all collections …$/, false).waitFor();
});

test("what an item was before the run is compared with what it is", {
  skip: process.env.GODWIT_URL !== undefined,
}, async () => {
  await goTo(page, "quarantine/notes/note-01001");
  await page.getByRole("rowheader", { name: "/title" }).waitFor();
});

test("the others are accepted by name", async () => {
  await goTo(page, "quarantine");
  await page.getByLabel("Select all on this page").check();
  await button(/^Accept \d+ items? …$/, false).click();
  await dialog()
    .getByRole("button", { name: /^Accept/ })
    .click();
  await dialog().waitFor({ state: "detached" });
  await page.getByText("Nothing is left to be dealt with.").waitFor();
  await page.getByLabel("Show accepted ones, too").check();
  await page.getByRole("cell").getByText("accepted", { exact: true }).first().waitFor();
});

test("the run goes on to its end", async () => {
  await stateBecomes(/blocked no more/);
  await page.getByRole("link", { name: "To the plan" }).click();
  await button(/^Go on with run/, false).click();
  await stateBecomes(/up to date/);
  await goTo(page, "history");
  await page.getByRole("cell").getByText("applied", { exact: true }).first().waitFor();
});

test("a run that is over has its steps, where it was followed and on its own page", async () => {
  await goTo(page, "run");
  const steps = page.getByRole("region", { name: "Steps" });
  await steps.getByText("done", { exact: true }).first().waitFor();
  await goTo(page, "runs");
  const runs = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "up", exact: true }) });
  await runs.filter({ hasText: "completed" }).first().getByRole("rowheader").getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: /^Run \d+$/ }).waitFor();
  await steps.getByText("done", { exact: true }).first().waitFor();
});

test("a view that cannot show an answer says so, and leaves the others alone", async () => {
  await page.route("**/api/v1/runs/1", (route) => route.fulfill({ json: {} }));
  await goTo(page, "runs/1");
  await page.getByRole("alert").getByText("Something went wrong in this page").waitFor();
  await page.unroute("**/api/v1/runs/1");
  await button("Show it again").click();
  await heading("Run 1").waitFor();
  await page.getByRole("alert").waitFor({ state: "detached" });
});

test("an undo asks first, and leaves all as it is where the answer is no", async () => {
  await goTo(page, "runs");
  // The newest one: others are undone only behind it.
  const undo = page.getByRole("row").filter({ hasText: "completed" }).getByRole("button").first();
  const undoIt = async () => {
    await goTo(page, "runs");
    await undo.click();
    await dialog()
      .getByRole("button", { name: /^Undo run/ })
      .click();
    await heading("Run").waitFor();
    await page.locator(".activity").getByText("Ended").waitFor();
    await page.locator(".activity").getByText("Put back").waitFor();
  };
  await undo.click();
  await dialog().getByText("It puts back every byte").waitFor();
  assert.ok(await dialog().getByLabel("Refuse").isChecked());
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  assert.ok(await undo.evaluate((element) => element === document.activeElement));
  await undoIt();
  await undoIt();
  await stateBecomes(/pending/);
});

test("an undo that is refused says why", { skip: process.env.GODWIT_URL !== undefined }, async () => {
  await goTo(page, "runs/60");
  await button("Undo …").click();
  await dialog().getByRole("button", { name: "Undo run 60" }).click();
  await page.getByRole("alert").getByText("orders/order-0017").waitFor();
  await page.getByRole("alert").getByText("What to do:").waitFor();
});

test("a cancelled run can be gone on with", async () => {
  await goTo(page, "plan");
  await button("Run").click();
  await stateBecomes(/is running/);
  await button("Cancel …").click();
  await dialog().getByRole("button", { name: "Cancel the run" }).click();
  await stateBecomes(/was stopped/);
});

test("a connection that is lost is told, and so is that it is back", async () => {
  await tab.context.setOffline(true);
  await page.getByText("The connection to the server is lost.").waitFor();
  await page.locator(".top").getByText("connection lost").waitFor();
  await tab.context.setOffline(false);
  await page.getByText("The connection to the server is lost.").waitFor({ state: "detached" });
  await page.locator(".top").getByText("live", { exact: true }).waitFor();
});

test("a server that dies is waited for", { skip: process.env.GODWIT_URL !== undefined }, async () => {
  server.cut();
  await page.locator(".top").getByText("connection lost").waitFor();
  await page.waitForTimeout(2500);
  server.mend();
  await page.locator(".top").getByText("live", { exact: true }).waitFor({ timeout: LONG });
});

test("a backup is made and listed", async () => {
  await goTo(page, "backups");
  const rows = page.getByRole("row");
  await rows.nth(1).or(page.getByText("There is no backup yet.")).waitFor();
  const known = await rows.count();
  await button("Make a backup").click();
  await page.waitForFunction((known) => document.querySelectorAll("tr").length > known, Math.max(known, 1), {
    timeout: LONG,
  });
  await rows
    .nth(1)
    .getByRole("button", { name: /^Verify/ })
    .click();
  await rows.nth(1).getByText("whole", { exact: true }).waitFor({ timeout: LONG });
});

test("items are found by id, and page by page", async () => {
  await goTo(page, "collections");
  await page.getByRole("rowheader").getByRole("link").first().click();
  await page.getByRole("heading", { level: 1, name: /^Items of/ }).waitFor();
  const id = await page.getByRole("rowheader").first().textContent();
  await page.getByLabel("Id", { exact: true }).fill(id);
  await button("Get the item").click();
  await heading("Item").waitFor();
  await page.getByLabel("Body of the item").waitFor();
  await goTo(page, "runs");
  if (!server.isMock) return;
  await button("Next").click();
  await page.getByText("Page 2").waitFor();
  await button("Back").click();
  await page.getByText("Page 1").waitFor();
});

test("a shadow run is made, and dropped", { skip: process.env.GODWIT_URL !== undefined }, async () => {
  await goTo(page, "runs");
  await page.getByRole("row").filter({ hasText: "stopped" }).getByRole("button").click();
  await dialog()
    .getByRole("button", { name: /^Undo run/ })
    .click();
  await stateBecomes(/pending/);
  await goTo(page, "plan");
  await button("Shadow run").click();
  await stateBecomes(/A shadow run is open/);
  await goTo(page, "plan");
  assert.ok(await button("Finalize …").isDisabled());
  // Why it cannot be pressed is said, and it keeps its place among the buttons.
  await page.getByRole("button", { name: "Finalize …", description: "Items failed in the copies" }).focus();
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Finalize …");
  await page.getByRole("link", { name: "1 copy: to the quarantine" }).click();
  await heading("Quarantine").waitFor();
  assert.equal(await page.getByLabel("Of", { exact: true }).inputValue(), "shadow");
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByText("(the shadow run's copy)").waitFor();
  await button("Accept …").click();
  await dialog()
    .getByRole("button", { name: /^Accept 1 item/ })
    .click();
  await page.getByText("1 item is accepted").first().waitFor();
  await page.getByText("yes", { exact: true }).waitFor();
  await goTo(page, "plan");
  await page.getByText("ready", { exact: true }).waitFor();
  await button("Reset …").click();
  await dialog().getByRole("button", { name: "Reset", exact: true }).click();
  await stateBecomes(/pending/);
});

test("a token that is not accepted any more leads back to the login", async () => {
  await page.route("**/api/v1/status", (route) => route.fulfill({ status: 401, body: "" }));
  await page.getByRole("alert").getByText("The token is not accepted any more").waitFor();
  await page.getByLabel("Token").waitFor();
  await page.unroute("**/api/v1/status");
  await enter(page, server);
});

test("a token that may only read changes nothing, and says so", async () => {
  if (!server.readToken) throw new Error("GODWIT_READ_TOKEN is missing");
  await button("Log out").click();
  await enter(page, server, "plan", server.readToken);
  await page.getByText("This token may only read.").waitFor();
  for (const view of ["plan", "quarantine", "runs", "backups"]) {
    await goTo(page, view);
    await page.waitForTimeout(500);
    const changing = page
      .locator("main .button")
      .filter({ hasText: /^(Run|Go on|Shadow|Retry|Accept|Undo|Make|Verify)/ });
    for (const one of await changing.all())
      assert.ok(await one.isDisabled(), `${view}: ${await one.textContent()}`);
  }
});

test("nothing was run that came from a document, and nothing was reported", () => {
  assert.deepEqual(tab.faults, []);
});
