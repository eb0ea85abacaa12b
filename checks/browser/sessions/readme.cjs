"use strict";
// Takes the pictures of the README: FLEET_README_PICTURES=1 .ci/browser -k readme. They are kept in docs/, and are not compared.

const path = require("node:path");
const { LONG, instance, open, refreshes } = require("./support.cjs");

const docs = path.join(__dirname, "../../../docs");
const PACKAGES = [["nginx", "1.28.0"], ["openssl", "3.5.1"], ["redis", "8.0.2"], ["postgresql", "17.5"], ["amazon-ssm-agent", "3.3.2299"]];
// What each dimension is asked for, step by step; a pause is null.
const ORDERS = {
  checkout: [3, null, 5, null, 8, null, null, 6],
  orders: [2, null, null, 4, null, 2, null, 4],
  search: [6, 5, null, null, 4, null, 3, null],
  thumbnails: [null, 2, null, 7, null, 5, null, 9],
};

async function readme(page, { base, api }) {
  for (let number = 0; number < 12; number++) {
    const id = `i-0${(0x1aaae43feb712 + number * 7919 * 104729).toString(16).padStart(16, "0").slice(-16)}`;
    await api("POST", `/ec2/${id}`, instance(["us-east-1", "eu-central-1", "us-west-2"][number % 3], number % 2 ? "444455556666" : "111122223333", ...PACKAGES.filter((_, index) => (number + index) % 3 !== 0)));
  }
  for (let step = 0; step < 8; step++) {
    for (const [id, orders] of Object.entries(ORDERS)) {
      const route = `/v1/scalableTargetDimensions/${id}`;
      if (orders[step]) await api("PATCH", route, { desiredCapacity: orders[step] });
      else await api("GET", route);
      if (step < 7 && !orders[step]) await api("GET", route);
    }
    await page.waitForTimeout(7000);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await open(page, base);
  await page.locator("#instances tr").nth(5).waitFor(LONG);
  await refreshes(page, 1);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(docs, `page-${colorScheme}.png`) });
  }
}

module.exports = { readme };
