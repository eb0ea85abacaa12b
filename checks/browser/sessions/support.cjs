"use strict";
// What the sessions share: requests beside the page, pictures, and what must hold on every page.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const pictures = process.env.FLEET_SCREENSHOTS;
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const LONG = { timeout: 20000 };
const WIDTHS = [1280, 390, 320];

/** Sends requests to a server as another client does. */
function client(base) {
  return async (method, route, body, status = 200) => {
    const response = await fetch(base + route, { method, body: body && JSON.stringify(body) });
    assert.equal(response.status, status, `${method} ${route}: ${await response.clone().text()}`);
    return response.json();
  };
}

const instance = (region, account, ...packages) => ({
  aws_region: region,
  aws_account: account,
  packages: packages.map(([package_name, package_version]) => ({ package_name, package_version })),
});

/** Opens a page and waits until it shows what the server has. */
async function open(page, address) {
  await page.goto(address);
  await page.waitForSelector("body[data-ready]", LONG);
}

async function picture(page, name) {
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: (await page.locator("dialog[open]").count()) === 0 });
}

/** Runs axe-core on the page as it is; its content security policy keeps scripts of others out, so it goes in by the driver. */
async function accessible(page, name) {
  const violations = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target, failureSummary }) => target.join(" ") + " " + failureSummary).join("; ")))`);
  assert.deepEqual(violations, [], `axe-core on ${name}`);
}

/** Looks at the page in every width, light and dark: no violation, no scrolling sideways. */
async function looks(page, name) {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name} is ${wide} wide at ${width}`);
      await accessible(page, `${name} ${width} ${colorScheme}`);
      await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
}

/** Removes everything that can be removed by the API. */
async function clear(api) {
  for (;;) {
    const { records } = await api("GET", "/ec2?limit=100");
    if (records.length === 0) return;
    for (const { aws_instance_id: id } of records) await api("DELETE", `/ec2/${encodeURIComponent(id)}`);
  }
}

const row = (page, id) => page.locator(`#instances tr[data-id="${id}"]`);
const card = (page, id) => page.locator(`.dimension[data-id="${id}"]`);
const ids = (page) => page.locator("#instances tr").evaluateAll((rows) => rows.map((one) => one.dataset.id));
const refreshes = (page, count) => page.waitForTimeout(1000 * count + 300);

module.exports = { LONG, accessible, card, clear, client, ids, instance, looks, open, picture, refreshes, row };
