// The page at /: sends one request per refresh, and updates in place.

import { announce, byId, copyable, setHidden, setText } from "./dom.js";
import { address, curl, instancePath, keyHeader, mayWrite, useApiKey } from "./api.js";
import { isFiltered, parameters, whenChanged } from "./address.js";
import { showDimensions, shownDimensions, since, tick } from "./dimensions.js";
import { readFilters, showInstances, shownInstances, startInstances } from "./instances.js";
import { addInstance, changeDimension, whenDone } from "./dialogs.js";
import { isExample, loadExamples, removeExamples } from "./examples.js";

// How often the page refreshes, in milliseconds; less often if the server is slow.
const EVERY = 1000;
const PATIENCE = 10;

// How often the page continues a search without matches by itself: through a million instances.
const FURTHER = 40;

let known = { query: undefined, etag: undefined };
let alone = false;
let turn = 0;
let timer;

function trouble(text) {
  setText(byId("trouble"), text);
  setHidden(byId("trouble"), !text);
}

/** Sends requests until a response belongs to the current search. */
async function refresh() {
  const mine = ++turn;
  clearTimeout(timer);
  const begun = performance.now();
  try {
    if (!document.hidden) await look(mine);
  } catch (error) {
    if (mine === turn) trouble(error instanceof TypeError ? "The server is not responding. This page continues when it does." : error.message);
  }
  if (mine === turn) timer = setTimeout(refresh, Math.max(EVERY, PATIENCE * (performance.now() - begun)));
}

async function look(mine) {
  const asked = parameters();
  if (alone) asked.set("only", "instances");
  else asked.set("since", since());
  const query = asked.toString();
  const headers = { accept: "application/json", ...keyHeader() };
  if (known.query === query && known.etag) headers["if-none-match"] = known.etag;
  const response = await fetch(address(`/_ui/state?${query}`), { headers, cache: "no-store" });
  if (mine !== turn) return;
  if (response.status === 304) {
    trouble("");
    return tick();
  }
  if (response.status === 403 || response.status === 401) return refused(await response.json());
  const state = await response.json();
  if (mine !== turn) return;
  if (!response.ok) throw new Error(state.message);
  known = { query, etag: response.headers.get("etag") };
  if (await lookFurther(mine, state, headers)) known.etag = undefined;
  if (mine !== turn) return;
  setHidden(byId("key-form"), true);
  show(state);
}

/** Continues a search that has no match yet and is not complete. Returns whether it did. */
async function lookFurther(mine, state, headers) {
  const isShort = () => !state.instances.error && state.instances.next_token && state.instances.found.length === 0;
  if (!isShort()) return false;
  const { "if-none-match": _, ...asked } = headers;
  for (let times = 0; times < FURTHER && isShort() && mine === turn; times++) {
    const query = parameters();
    query.set("only", "instances");
    query.set("next_token", state.instances.next_token);
    const response = await fetch(address(`/_ui/state?${query}`), { headers: asked, cache: "no-store" });
    if (!response.ok) throw new Error((await response.json()).message);
    state.instances = (await response.json()).instances;
  }
  return true;
}

/** Shows only the instances if the dimensions are protected, and asks for a key if those are too. */
function refused({ message }) {
  if (!alone) {
    alone = true;
    setText(byId("no-dimensions"), `This browser may not read the dimensions of this server: ${message}`);
    setHidden(byId("no-dimensions"), false);
    return refresh();
  }
  if (byId("key-form").hidden) {
    setHidden(byId("key-form"), false);
    byId("api-key").focus();
  }
}

function show({ dimensions, instances }) {
  const failed = [dimensions, instances].map((part) => part?.error).filter(Boolean);
  trouble(failed.join(" "));
  if (dimensions && !dimensions.error) showDimensions(dimensions);
  if (!instances.error) showInstances(instances);
  const ids = [...shownDimensions(), ...shownInstances().found].map(({ id }) => id);
  const empty = failed.length === 0 && ids.length === 0 && !isFiltered();
  setHidden(byId("welcome"), !empty);
  setHidden(byId("dimensions-section"), empty);
  setHidden(byId("instances-section"), empty);
  setHidden(byId("examples"), !mayWrite || !ids.some(isExample));
  document.body.dataset.ready = "true";
}

/** Runs a button's action; the button is disabled meanwhile. */
function once(button, work, done) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await work();
      announce(done);
    } catch (error) {
      trouble(error.message);
    }
    button.disabled = false;
    readFilters();
    refresh();
  });
}

async function showWhatRuns() {
  const response = await fetch(address("/v1/metadata"));
  const { version, commit } = await response.json();
  if (version) setText(byId("running"), `${location.host} · ${version} · ${(commit || "").slice(0, 8)}`);
}

function start() {
  const body = JSON.stringify({ aws_region: "us-east-1", aws_account: "123456789012", packages: [{ package_name: "package-1", package_version: "v1" }] });
  const tries = [
    { method: "POST", path: instancePath("i-01aaae43feb712345"), body },
    { method: "PATCH", path: "/v1/scalableTargetDimensions/1-23456789", body: '{"desiredCapacity":2.0}' },
  ];
  byId("try").append(...tries.map((request) => copyable(curl(request))));
  setHidden(byId("load-line"), !mayWrite);
  for (const button of document.querySelectorAll(".write")) setHidden(button, !mayWrite);
  byId("add-instance").addEventListener("click", addInstance);
  byId("add-dimension").addEventListener("click", () => changeDimension());
  once(byId("load-examples"), loadExamples, "The example data is loaded.");
  once(byId("remove-examples"), removeExamples, "The example data is removed.");
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useApiKey(byId("api-key").value);
    alone = false;
    setText(byId("no-dimensions"), "No dimension has been changed yet.");
    readFilters();
    refresh();
  });
  whenDone(() => {
    readFilters();
    refresh();
  });
  whenChanged(refresh);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  startInstances();
  showWhatRuns().catch(() => {});
  refresh();
}

start();
