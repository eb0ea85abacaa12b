"use strict";
// A browser for test_browser.py. Each line of the input is a session to run, {"name", "base"}: its name and the base URL of its
// server. Each line of the output says how one went: {"error"}, null or what is wrong.

const assert = require("node:assert/strict");
const readline = require("node:readline");
const { chromium } = require("playwright-core");
const { client } = require("./sessions/support.cjs");
const SESSIONS = { ...require("./sessions/look.cjs"), ...require("./sessions/readme.cjs"), ...require("./sessions/work.cjs") };

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
  try {
    await session(page, { base, api: client(base) }, browser);
  } finally {
    await context.close();
  }
  if (!session.expectsErrors) assert.deepEqual(wrong, []);
}

async function main() {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    for await (const line of readline.createInterface({ input: process.stdin })) {
      const { name, base } = JSON.parse(line);
      const error = await run(browser, SESSIONS[name], base).then(() => null, (error) => error.stack ?? String(error));
      console.log(JSON.stringify({ error }));
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
