"use strict";
// Run by .ci/browser: node browser.cjs BASE_URL

const assert = require("node:assert/strict");
const path = require("node:path");
const { chromium } = require("playwright-core");

const base = process.argv[2];
const screenshots = process.env.FLEET_SCREENSHOTS;
const LONG = { timeout: 15000 };

async function api(method, route, body) {
  const response = await fetch(base + route, { method, body: body && JSON.stringify(body) });
  assert.equal(response.status, 200, `${method} ${route}: ${await response.clone().text()}`);
  return response.json();
}

async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
}

/** /docs: every route is there, and one of them is tried. */
async function docs(page) {
  const { paths } = await api("GET", "/v1/openapi.json");
  const operations = Object.values(paths).flatMap((item) => Object.values(item).map((operation) => operation.operationId));
  await page.goto(`${base}/docs`);
  await page.waitForSelector(".opblock", LONG);
  assert.equal(await page.locator(".opblock").count(), operations.length);

  const add = page.locator("[id='operations-inventory-addInstance']");
  await add.locator(".opblock-summary-control").click();
  await picture(page, "docs");
  await add.locator("input[placeholder='aws_instance_id']").fill("from the page");
  await add.locator("button.execute").click();
  const answer = add.locator(".live-responses-table .response");
  await answer.waitFor(LONG);
  assert.equal((await answer.locator(".response-col_status").innerText()).trim().slice(0, 3), "200");
  assert.match(await answer.innerText(), /"new_record"/);
  await picture(page, "docs-answer");
  const { record } = await api("GET", "/ec2/from%20the%20page");
  assert.equal(record.packages.length, 2, "the example of the document was stored");
}

/** /: what is in the store, moving while somebody changes it. */
async function home(page) {
  await page.goto(`${base}/`);
  await page.waitForSelector("#no-dimensions:not([hidden])", LONG);
  const route = "/v1/scalableTargetDimensions/web-fleet";
  await api("PATCH", route, { desiredCapacity: 4 });
  const card = page.locator(".dimension[data-id='web-fleet']");
  const shows = (status) => card.locator(`.status.${status}`).waitFor(LONG);
  await shows("Pending");
  assert.equal(await card.locator(".capacities").innerText(), "desired 4.0 · actual 1.0");
  const before = await card.locator("polyline.actual").getAttribute("points");

  // The page has looked several times by then, and that moved nothing.
  await page.waitForTimeout(2500);
  await shows("Pending");
  await api("GET", route);
  await shows("InProgress");
  await api("GET", route);
  await shows("Successful");
  assert.equal(await card.locator(".capacities").innerText(), "desired 4.0 · actual 4.0");
  const after = await card.locator("polyline.actual").getAttribute("points");
  const heights = (points) => new Set(points.split(" ").map((point) => Math.round(point.split(",")[1])));
  assert.ok(heights(after).size > heights(before).size, `the plot has no step: ${after}`);
  await api("PATCH", route, { desiredCapacity: 2.5 });
  await shows("Pending");

  for (const [id, name] of [["web-1", "nginx"], ["db-1", "mysql"]]) {
    await api("POST", `/ec2/${id}`, { aws_region: "us-east-1", aws_account: "123456789012", packages: [{ package_name: name, package_version: "8.0" }] });
  }
  const row = (id) => page.locator(`#instances tr[data-id='${id}']`);
  await row("web-1").waitFor(LONG);
  assert.match(await row("web-1").innerText(), /nginx 8\.0/);
  await picture(page, "home-light");
  await page.emulateMedia({ colorScheme: "dark" });
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(ground, "rgb(20, 23, 27)");
  await picture(page, "home-dark");
  await page.emulateMedia({ colorScheme: "light" });

  await page.fill("#search", "MySQL");
  await row("web-1").waitFor({ ...LONG, state: "detached" });
  assert.equal(await page.locator("#instances tr").count(), 1);
  await page.fill("#search", "nothing has this");
  await page.waitForSelector("#no-match:not([hidden])", LONG);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.fill("#search", "");
  await row("web-1").waitFor(LONG);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} wide on a telephone`);
  await picture(page, "home-narrow");
}

async function main() {
  const context = await chromium.launchPersistentContext(process.env.FLEET_PROFILE, {
    executablePath: "/usr/bin/chromium",
    viewport: { width: 1200, height: 900 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const wrong = [];
  try {
    for (const visit of [docs, home]) {
      const page = await context.newPage();
      page.on("pageerror", (error) => wrong.push(`${visit.name}: ${error}`));
      page.on("console", (message) => message.type() === "error" && wrong.push(`${visit.name}: ${message.text()}`));
      page.on("request", (request) => {
        if (!request.url().startsWith(`${base}/`) && !/^(data|blob):/.test(request.url())) wrong.push(`${visit.name} asks for ${request.url()}`);
      });
      await visit(page);
      await page.close();
    }
  } finally {
    await context.close();
  }
  assert.deepEqual(wrong, []);
  console.log("both pages do what they should");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
