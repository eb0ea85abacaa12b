"use strict";
// Run by .ci/browser: node browser.cjs DEMO PRODUCTION READ [SESSION...], the base URLs of three servers.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");
const { client } = require("./browser-sessions/support.cjs");
const { docs, finds, fits, foreign, looksFurther, quiet, remembers } = require("./browser-sessions/look.cjs");
const { readme } = require("./browser-sessions/readme.cjs");
const { empty, keyboard, production, reading, still, works } = require("./browser-sessions/work.cjs");

const [demo, owned, read, ...wanted] = process.argv.slice(2);
const SESSIONS = [
  // The first one needs an empty store.
  [empty, demo],
  [still, demo],
  [works, demo],
  [finds, demo],
  [looksFurther, demo],
  [remembers, demo],
  [fits, demo],
  [quiet, demo],
  [keyboard, demo],
  [docs, demo],
  [foreign, demo],
  [production, owned],
  [reading, read],
];
// Run only when it is named.
const EXTRA = [[readme, demo]];

/** One session in a browser profile of its own. Nothing may go wrong on the page, and nothing may be asked for elsewhere. */
async function run(browser, session, base) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const wrong = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(String(error)));
  // The browser itself writes a line for an answer that is an error, which some sessions want.
  page.on("console", (message) => message.type() === "error" && !/status of 40[0-9]/.test(message.text()) && wrong.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${base}/`) && !/^(data|blob):/.test(request.url())) wrong.push(`asks for ${request.url()}`);
  });
  const begun = Date.now();
  await session(page, { base, api: client(base) }, browser);
  await context.close();
  if (!session.expectsErrors) assert.deepEqual(wrong, [], session.name);
  console.log(`${session.name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

async function main() {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const named = [...SESSIONS, ...EXTRA].filter(([session]) => wanted.includes(session.name));
    for (const [session, base] of wanted.length === 0 ? SESSIONS : named) await run(browser, session, base);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
