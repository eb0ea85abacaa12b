"use strict";
// A person looks: finds instances, reads what happened, on every screen; the page itself is quiet and safe.

const assert = require("node:assert/strict");
const http = require("node:http");
const { LONG, accessible, card, clear, ids, instance, looks, open, picture, refreshes, row } = require("./support.cjs");

const range = async (page, text) => {
  await page.waitForFunction((wanted) => document.getElementById("range").textContent === wanted, text, LONG);
};

/** Words, filters, chips and pages; all of it is in the address. */
async function finds(page, { base, api }) {
  for (let number = 0; number < 120; number++) {
    const id = `web-${String(number).padStart(3, "0")}`;
    await api("POST", `/ec2/${id}`, instance(number % 3 ? "us-east-1" : "eu-west-3", "111122223333", ["nginx", number % 2 ? "1.28" : "1.26"], ["redis", number % 5 ? "8" : "1.28"]));
  }
  await open(page, base);
  await range(page, "1–50 of 120");
  await page.click("#next");
  await range(page, "51–100 of 120");
  const second = await ids(page);
  assert.equal(second[0], "web-050");
  await page.reload();
  await range(page, "51–100 of 120");
  assert.deepEqual(await ids(page), second, "a reload shows the same");
  await page.click("#next");
  await range(page, "101–120 of 120");
  assert.ok(await page.locator("#next").isDisabled());
  await page.click("#previous");
  await range(page, "51–100 of 120");
  await page.goBack();
  await range(page, "101–120 of 120");
  await page.click("#first");
  await range(page, "1–50 of 120");

  // Redis has a 1.28 as well: a chip means just its package.
  await row(page, "web-001").locator(".chip", { hasText: "nginx 1.28" }).click();
  await range(page, "1–50 of 60");
  assert.match(page.url(), /package_name=nginx&package_version=1\.28/);
  await page.selectOption("#aws_region", "eu-west-3");
  await range(page, "1–20 of 20");
  const link = page.url();
  await page.fill("#q", "09 WEB");
  await page.waitForFunction(() => document.querySelectorAll("#instances tr").length === 3, null, LONG);
  assert.deepEqual(await ids(page), ["web-009", "web-093", "web-099"]);
  await picture(page, "found");
  await page.fill("#q", "nothing");
  await page.waitForSelector("#no-match:not([hidden])", LONG);
  await accessible(page, "nothing found");
  await page.click("#clear");
  await range(page, "1–50 of 120");
  await page.fill("#q", "redis 1.28");
  await range(page, "1–24 of 24");
  const other = await page.context().newPage();
  await open(other, link);
  await range(other, "1–20 of 20");
  assert.equal(await other.locator("#active .held").count(), 2, "a link shows the same");
  await other.locator("#active .held button").first().click();
  await range(other, "1–50 of 60");
  assert.match((await other.locator("#aws_account option").allInnerTexts()).join(), /111122223333 \(120\)/);
  await other.close();
  await clear(api);
}

/** The server keeps what happened to a dimension: a reload has the plot and the list. */
async function remembers(page, { base, api }) {
  const route = "/v1/scalableTargetDimensions/remembered";
  await api("PATCH", route, { desiredCapacity: 4 });
  await open(page, base);
  await card(page, "remembered").locator(".status.Pending").waitFor(LONG);
  // The page has looked several times by then, and that moved nothing.
  await refreshes(page, 2);
  await card(page, "remembered").locator(".status.Pending").waitFor(LONG);
  const before = await card(page, "remembered").locator("polyline.actual").getAttribute("points");
  await api("GET", route);
  await api("GET", route);
  await card(page, "remembered").locator(".status.Successful").waitFor(LONG);
  assert.deepEqual(await card(page, "remembered").locator("dd").allInnerTexts(), ["4.0", "4.0"]);
  const heights = (points) => new Set(points.split(" ").map((point) => point.split(",")[1]));
  const plot = () => card(page, "remembered").locator("polyline.actual").getAttribute("points");
  assert.ok(heights(await plot()).size > heights(before).size, "the plot has no step");
  await page.reload();
  await card(page, "remembered").locator(".status.Successful").waitFor(LONG);
  assert.ok(heights(await plot()).size > 1, "a reload shows the plot");
  const ticks = await card(page, "remembered").locator(".grid text").allTextContents();
  assert.deepEqual(ticks, ["0", "2.5", "5"]);
  assert.ok((await card(page, "remembered").locator(".times text").count()) >= 2);
  const box = await card(page, "remembered").locator(".plot svg").boundingBox();
  await page.mouse.move(box.x + (box.width * 293) / 300, box.y + box.height / 2);
  assert.match(await card(page, "remembered").locator(".tip").innerText(), /desired 4\.0 · actual 4\.0/);
  await page.mouse.move(0, 0);
  await card(page, "remembered").locator("button", { hasText: "Changes" }).click();
  const changes = await page.locator("dialog tbody tr").allInnerTexts();
  assert.equal(changes.length, 3);
  assert.match(changes[0], /InProgress → Successful[\s\S]*1\.0 → 4\.0[\s\S]*[0-9a-f-]{36}[\s\S]* at 127\.0\.0\.1/);
  await page.keyboard.press("Escape");
  await api("PATCH", route, { desiredCapacity: 5 });
  await card(page, "remembered").locator(".status.Pending").waitFor(LONG);
  await page.clock.setFixedTime(Date.now() + 12 * 60e3);
  await card(page, "remembered").locator(".lasting.long", { hasText: "Still Pending, for 12 min" }).waitFor(LONG);
}

/** Small screens, long names, forced colours, less motion, no script. */
async function fits(page, { base, api }, browser) {
  const long = "a".repeat(255);
  await api("POST", "/ec2/i-01aaae43feb712345", instance("us-east-1", "123456789012", ["nginx", "1.28"]));
  await api("POST", `/ec2/${long}`, instance("r".repeat(30), "9".repeat(13), ["p".repeat(100), "v".repeat(50)]));
  await api("PATCH", `/v1/scalableTargetDimensions/${long}`, { desiredCapacity: 1e300 });
  await api("PATCH", "/v1/scalableTargetDimensions/short", { desiredCapacity: 2 });
  await open(page, base);
  await row(page, long).waitFor(LONG);
  await looks(page, "long");
  await page.setViewportSize({ width: 320, height: 800 });
  const lines = await row(page, "i-01aaae43feb712345").locator("th").evaluate((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return range.getClientRects().length;
  });
  assert.equal(lines, 1, "an id of AWS's form is on one line");
  assert.match(await row(page, "i-01aaae43feb712345").locator("th").evaluate((cell) => getComputedStyle(cell).fontFamily), /mono/i);
  assert.equal(await row(page, "i-01aaae43feb712345").evaluate((one) => getComputedStyle(one).display), "block", "a row is a card");
  await page.setViewportSize({ width: 1280, height: 900 });
  const heights = await page.locator(".dimension h3").evaluateAll((titles) => titles.map((title) => title.getBoundingClientRect().height));
  assert.ok(Math.max(...heights) < 70, `a long name takes ${Math.max(...heights)} pixels`);
  await page.emulateMedia({ forcedColors: "active" });
  await accessible(page, "forced colours");
  await picture(page, "forced-colours");
  await page.emulateMedia({ forcedColors: "none", reducedMotion: "reduce" });
  const animation = await card(page, "short").locator(".status").evaluate((status) => getComputedStyle(status, "::before").animationName);
  assert.equal(animation, "none");
  await clear(api);

  const plain = await browser.newContext({ javaScriptEnabled: false });
  for (const path of ["/", "/docs"]) {
    const silent = await plain.newPage();
    await silent.goto(base + path);
    assert.ok(await silent.locator("noscript p").isVisible(), path);
    await silent.close();
  }
  await plain.close();
}

/** One request a refresh, and an idle page costs answers without a body. */
async function quiet(page, { base, api }) {
  await api("PATCH", "/v1/scalableTargetDimensions/quiet", { desiredCapacity: 2 });
  const first = [];
  page.on("response", (response) => first.push(response));
  await open(page, base);
  await card(page, "quiet").waitFor(LONG);
  const sizes = await Promise.all(first.map(async (response) => (response.status() === 200 ? (await response.body()).length : 0)));
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(whole < 100 * 1024, `the page takes ${whole} bytes`);
  await refreshes(page, 2);
  const idle = [];
  page.on("response", (response) => idle.push(`${response.status()} ${new URL(response.url()).pathname}`));
  await refreshes(page, 3);
  assert.ok(idle.length >= 2 && idle.length <= 4, idle.join());
  assert.deepEqual([...new Set(idle)], ["304 /_ui/state"]);
  await page.reload();
  await card(page, "quiet").waitFor(LONG);
}

/** A page of another origin can neither read nor write. */
async function foreign(page, { base, api }) {
  const other = http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>other</title>"));
  await new Promise((done) => other.listen(0, "127.0.0.1", done));
  try {
    await page.goto(`http://127.0.0.1:${other.address().port}/`);
    const attempts = await page.evaluate(async (address) => {
      const outcome = async (path, options) => fetch(address + path, options).then(() => "read", () => "refused");
      return Promise.all([outcome("/_ui/state"), outcome("/ec2"), outcome("/_ui/examples", { method: "DELETE" }), outcome("/ec2/foreign", { method: "DELETE" })]);
    }, base);
    assert.deepEqual(attempts, ["refused", "refused", "refused", "refused"]);
    const framed = await page.evaluate(async (address) => {
      const frame = document.createElement("iframe");
      frame.src = address;
      document.body.append(frame);
      await new Promise((done) => (frame.onload = done));
      try {
        return frame.contentDocument ? "shown" : "refused";
      } catch {
        return "refused";
      }
    }, base);
    assert.equal(framed, "refused");
  } finally {
    other.close();
  }
  await api("GET", "/v1/health");
}
foreign.expectsErrors = true;

/** /docs: every route is there, one of them is tried, and there is a way back. */
async function docs(page, { base, api }) {
  const { paths } = await api("GET", "/v1/openapi.json");
  const operations = Object.values(paths).flatMap((item) => ["get", "post", "put", "patch", "delete"].filter((method) => item[method]));
  await page.goto(`${base}/docs`);
  await page.waitForSelector(".operation", LONG);
  assert.equal(await page.locator(".operation").count(), operations.length);
  assert.match(await page.locator("#about").innerText(), new RegExp(new URL(base).host));
  const add = page.locator("#addInstance");
  await add.locator("summary").first().click();
  await add.locator("[data-field='aws_instance_id']").fill("from the page");
  await looks(page, "docs");
  await add.locator("button.execute").click();
  await add.locator(".answer:not([hidden])").waitFor(LONG);
  assert.match(await add.locator(".answer pre").innerText(), /^200\s+\{\n {2}"new_record": \{\n {4}"aws/);
  await add.locator(".response summary").first().click();
  await accessible(page, "an answer");
  await picture(page, "docs-answer");
  const { record } = await api("GET", "/ec2/from%20the%20page");
  assert.equal(record.packages.length, 2, "the example of the document was stored");
  await page.evaluate(() => document.querySelectorAll(".operation").forEach((one) => (one.open = true)));
  await page.waitForFunction(() => [...document.querySelectorAll(".operation > div")].every((one) => one.childElementCount > 0), null, LONG);
  await accessible(page, "every route");
  await page.locator("nav a", { hasText: "Fleet" }).click();
  await row(page, "from the page").waitFor(LONG);
  await clear(api);
}

/** A search whose first pages have no match goes on by itself, in a bounded way, and then when a person says so. */
async function looksFurther(page, { base, api }) {
  await api("POST", "/ec2/far-away", instance("us-east-1", "111122223333", ["nginx", "1.28"]));
  // As many answers come back empty, with more to look through.
  let empty = 3;
  let asked = 0;
  const states = "**/_ui/state?*";
  await page.route(states, async (route) => {
    const url = new URL(route.request().url());
    const at = Number(url.searchParams.get("next_token") || 0);
    url.searchParams.delete("next_token");
    asked += 1;
    const answer = await route.fetch({ url: url.href, headers: {} });
    const state = await answer.json();
    if (at < empty) state.instances = { found: [], next_token: String(at + 1), total: null };
    await route.fulfill({ json: state });
  });
  await page.goto(`${base}/?q=far`);
  await row(page, "far-away").waitFor(LONG);
  await refreshes(page, 1);
  assert.deepEqual(await ids(page), ["far-away"], "a refresh finds it again");
  empty = 60;
  await page.goto(`${base}/?q=away`);
  asked = 0;
  await page.waitForSelector("#no-match-yet:not([hidden])", LONG);
  assert.ok(asked <= 2 * 41, `asked ${asked} times`);
  assert.ok(await page.locator("#no-match").isHidden());
  await looks(page, "no-match-yet");
  await page.click("#further");
  await row(page, "far-away").waitFor(LONG);
  await page.unroute(states);
  await clear(api);
}

module.exports = { docs, finds, fits, foreign, looksFurther, quiet, remembers };
