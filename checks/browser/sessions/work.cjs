"use strict";
// A person works with the fleet: adds, changes and removes, with the mouse and by the keyboard alone.

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const { LONG, accessible, card, clear, ids, instance, looks, open, picture, refreshes, row } = require("./support.cjs");

const dialog = (page) => page.locator("dialog[open]");
const input = (page, field) => dialog(page).locator(`[data-field="${field}"]`);
const error = async (page, field) => {
  const beside = input(page, field).locator("xpath=ancestor::*[@class='field']").locator(".field-error");
  await page.waitForFunction((element) => element.textContent !== "", await beside.elementHandle(), LONG);
  assert.equal(await input(page, field).getAttribute("aria-invalid"), "true");
  return beside.innerText();
};
const outcome = async (page) => {
  const line = dialog(page).locator(".outcome:not(:empty)");
  await line.waitFor(LONG);
  return line.innerText();
};

/** An empty store teaches, and example data comes and goes. */
async function empty(page, { base, api }) {
  await open(page, base);
  await page.waitForSelector("#welcome:not([hidden])", LONG);
  const lines = await page.locator("#try code").allInnerTexts();
  assert.equal(lines.length, 2);
  await looks(page, "empty");
  await page.click("#load-examples");
  await page.waitForSelector("#examples:not([hidden])", LONG);
  await page.waitForFunction(() => document.querySelectorAll("#instances tr").length === 20 && document.querySelectorAll(".dimension").length === 4 && !document.getElementById("load-examples").disabled, null, LONG);
  await refreshes(page, 1);
  await looks(page, "examples");
  await page.click("#remove-examples");
  await page.waitForSelector("#welcome:not([hidden])", LONG);
  assert.deepEqual((await api("GET", "/ec2")).records, []);
  // What the page tells to type works.
  for (const line of lines) execFileSync("bash", ["-c", `${line} --silent --fail`]);
  await row(page, "i-01aaae43feb712345").waitFor(LONG);
  await card(page, "1-23456789").waitFor(LONG);
  await clear(api);
}

/** What a person reads, selects and opens stays while data refreshes. */
async function still(page, { base, api }) {
  for (const id of ["a-1", "b-1", "c-1"]) await api("POST", `/ec2/${id}`, instance("us-east-1", "111", ["nginx", "1"]));
  await api("PATCH", "/v1/scalableTargetDimensions/still", { desiredCapacity: 3 });
  await open(page, base);
  await row(page, "b-1").waitFor(LONG);
  await card(page, "still").waitFor(LONG);
  const select = (selector) => page.evaluate((one) => getSelection().selectAllChildren(document.querySelector(one)), selector);
  const selected = () => page.evaluate(() => getSelection().toString());
  await select('#instances tr[data-id="b-1"] th');
  await row(page, "b-1").locator(".quiet").focus();
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  await select('#instances tr[data-id="b-1"] th');
  for (const id of ["a-0", "b-0"]) await api("POST", `/ec2/${id}`, instance("us-east-1", "111"));
  await api("DELETE", "/ec2/a-1");
  await api("GET", "/v1/scalableTargetDimensions/still");
  await row(page, "b-0").waitFor(LONG);
  await card(page, "still").locator(".status.InProgress").waitFor(LONG);
  assert.equal(await selected(), "b-1");
  assert.equal(await focused(), "Remove b-1");
  assert.deepEqual(await ids(page), ["a-0", "b-0", "b-1", "c-1"]);
  await card(page, "still").locator("button", { hasText: "Changes" }).click();
  const rows = dialog(page).locator("tbody tr");
  assert.equal(await rows.count(), 2);
  await api("GET", "/v1/scalableTargetDimensions/still");
  await page.waitForFunction(() => document.querySelectorAll("dialog tbody tr").length === 3, null, LONG);
  await accessible(page, "changes");
  await picture(page, "changes");
  await page.keyboard.press("Escape");
  await refreshes(page, 1);
  assert.equal(await page.locator("dialog").count(), 0, "what was opened is closed");
  await clear(api);
}

/** Adds, changes and removes, with the curl beside it and errors beside their fields. */
async function works(page, { base, api }) {
  await open(page, base);
  await page.waitForSelector("#welcome:not([hidden]), #instances-section:not([hidden])", LONG);
  if (await page.locator("#instances-section").isHidden()) {
    await api("PATCH", "/v1/scalableTargetDimensions/web", { desiredCapacity: 2 });
    await page.waitForSelector("#instances-section:not([hidden])", LONG);
  }
  const odd = "it's 100% <b>";
  await page.click("#add-instance");
  await input(page, "aws_instance_id").fill(odd);
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.match(await error(page, "aws_region"), /aws_region/);
  await accessible(page, "an error");
  await picture(page, "add-error");
  await input(page, "aws_region").fill("eu-central-1");
  await input(page, "aws_account").fill("123456789012");
  await dialog(page).locator(".add-package").click();
  await input(page, "packages[0].package_name").fill("nginx");
  await dialog(page).locator(".add-package").click();
  await input(page, "packages[1].package_name").fill("redis");
  await input(page, "packages[1].package_version").fill("8");
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.match(await error(page, "packages[0].package_version"), /packages\[0\]\.package_version/);
  await input(page, "packages[0].package_version").fill("1.28");
  const command = await dialog(page).locator(".command code").innerText();
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.equal(await outcome(page), `Added ${odd}.`);
  assert.match(await dialog(page).locator(".answer pre").innerText(), /^200 \{"new_record"/);
  await picture(page, "added");
  await page.keyboard.press("Escape");
  await row(page, odd).waitFor(LONG);
  assert.match(await row(page, odd).innerText(), /nginx 1\.28/);
  // The curl that was shown is that request: the instance is there already.
  assert.match(execFileSync("bash", ["-c", `${command} --silent`], { encoding: "utf8" }), /Duplicate entry 'it's 100% <b>'/);

  await page.click("#add-instance");
  await dialog(page).locator("input[value='json']").check();
  await input(page, "aws_instance_id").fill(odd);
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.match(await error(page, "aws_instance_id"), /Duplicate entry/);
  await input(page, "aws_instance_id").fill("pasted");
  await input(page, "body").fill('{"aws_region": "us-east-1",');
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  await page.waitForFunction(() => /^400/.test(document.querySelector("dialog .answer pre").textContent), null, LONG);
  await input(page, "body").fill('{"aws_region": "us-east-1", "aws_account": "1"}');
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.equal(await outcome(page), "Added pasted.");
  await page.keyboard.press("Escape");

  await row(page, odd).locator("button.quiet").click();
  assert.equal(await dialog(page).locator("h2").innerText(), `Remove ${odd}?`);
  assert.match(await dialog(page).locator(".command code").innerText(), /^curl -X DELETE /);
  await picture(page, "remove");
  await accessible(page, "a removal");
  await page.keyboard.press("Escape");
  await api("GET", `/ec2/${encodeURIComponent(odd)}`).then(({ record_found: there }) => assert.ok(there, "nothing is removed without a yes"));
  await row(page, odd).locator("button.quiet").click();
  await dialog(page).locator("button.danger").click();
  assert.equal(await outcome(page), `Removed ${odd}.`);
  await page.keyboard.press("Escape");
  await row(page, odd).waitFor({ ...LONG, state: "detached" });

  await page.click("#add-dimension");
  await input(page, "scalableTargetDimensionId").fill("orders");
  await input(page, "desiredCapacity").fill("-1");
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.match(await error(page, "desiredCapacity"), /-1/);
  await input(page, "desiredCapacity").fill("many");
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.match(await error(page, "desiredCapacity"), /desiredCapacity/);
  await input(page, "desiredCapacity").fill("4.5");
  await dialog(page).locator("button", { hasText: /^Add$/ }).click();
  assert.equal(await outcome(page), "orders is Pending: desired 4.5, actual 1.0.");
  await page.keyboard.press("Escape");
  await card(page, "orders").locator("button.change").click();
  assert.equal(await input(page, "desiredCapacity").inputValue(), "4.5");
  assert.equal(await input(page, "actualCapacity").count(), 0, "demo mode moves by itself");
  await page.keyboard.press("Escape");
  await clear(api);
}

/** All fields of a dimension can be changed where its owner moves it. */
async function production(page, { base, api }) {
  await api("PATCH", "/v1/scalableTargetDimensions/owned", { desiredCapacity: 2 });
  await open(page, base);
  await card(page, "owned").locator("button.change").click();
  await input(page, "scalingStatus").selectOption("Failed");
  await input(page, "failureReason").fill("No capacity in the zone");
  await dialog(page).locator("button", { hasText: /^Change$/ }).click();
  assert.match(await outcome(page), /owned is Failed/);
  await picture(page, "production");
  await page.keyboard.press("Escape");
  await card(page, "owned").locator(".reason", { hasText: "No capacity in the zone" }).waitFor(LONG);
  await card(page, "owned").locator("button.change").click();
  await input(page, "actualCapacity").fill("2");
  await input(page, "scalingStatus").selectOption("Successful");
  await dialog(page).locator("button", { hasText: /^Change$/ }).click();
  assert.equal(await outcome(page), "owned is Successful: desired 2.0, actual 2.0.");
}

/** Adds, finds, changes and removes without a mouse. */
async function keyboard(page, { base, api }) {
  await api("PATCH", "/v1/scalableTargetDimensions/keys", { desiredCapacity: 2 });
  await open(page, base);
  await card(page, "keys").waitFor(LONG);
  const focus = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") || document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText);
  const tabTo = async (wanted) => {
    for (let step = 0; step < 60; step++) {
      if ((await focus())?.trim() === wanted) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`the keyboard does not reach ${wanted}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focus(), "Skip to the content");
  await page.keyboard.press("Enter");
  await tabTo("Add an instance");
  await page.keyboard.press("Enter");
  assert.equal(await focus(), "Instance id");
  await page.keyboard.type("typed-1");
  await tabTo("Region");
  await page.keyboard.type("us-east-1");
  await tabTo("Account");
  await page.keyboard.type("42");
  await page.keyboard.press("Enter");
  assert.equal(await outcome(page), "Added typed-1.");
  assert.equal(await focus(), "Close");
  await page.keyboard.press("Enter");
  assert.equal(await focus(), "Add an instance", "the focus comes back");
  await tabTo("Search");
  await page.keyboard.type("typed 42");
  await row(page, "typed-1").waitFor(LONG);
  await page.evaluate(() => document.body.focus());
  await page.locator("#dimensions-title").focus();
  await tabTo("Change keys");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("7");
  await page.keyboard.press("Enter");
  assert.match(await outcome(page), /desired 7\.0/);
  await page.keyboard.press("Escape");
  assert.equal(await focus(), "Change keys");
  await tabTo("Remove typed-1");
  await page.keyboard.press("Enter");
  await tabTo("Remove typed-1");
  await page.keyboard.press("Enter");
  assert.equal(await outcome(page), "Removed typed-1.");
  await page.keyboard.press("Escape");
  await row(page, "typed-1").waitFor({ ...LONG, state: "detached" });
  const said = await page.locator("#announced").innerText();
  assert.match(said, /typed-1|keys/, "a screen reader hears of it");
}

/** A server for reading shows, and offers no change. */
async function reading(page, { base, api }) {
  await api("POST", "/ec2/read-1", instance("us-east-1", "1"));
  await api("PATCH", "/v1/scalableTargetDimensions/read", { desiredCapacity: 2 });
  await open(page, base);
  await row(page, "read-1").waitFor(LONG);
  const buttons = await page.locator("button:visible").allInnerTexts();
  assert.deepEqual(buttons.filter((text) => /Add|Remove|^Change$|Load/.test(text)), []);
  await page.goto(`${base}/docs#addInstance`);
  const add = page.locator("#addInstance");
  await add.locator(".hint", { hasText: "only reads" }).waitFor(LONG);
  assert.equal(await add.locator("button.execute").count(), 0);
}

module.exports = { empty, keyboard, production, reading, still, works };
