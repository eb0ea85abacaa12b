"use strict";

// How often the page looks, in milliseconds; for how long the plots go back; and how many packages a row shows.
const DIMENSIONS_EVERY = 1000;
const INSTANCES_EVERY = 3000;
const HISTORY = 10 * 60 * 1000;
const PACKAGES_SHOWN = 8;

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 120;
const LEFT = 34;
const BOTTOM = 102;
const TOP = 8;

const byId = (id) => document.getElementById(id);
const opened = Date.now();
const history = new Map();
const packages = new Map();
const whole = new Set();

/** An element with a class and text; text is never read as HTML. */
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A capacity with its fraction, as the API writes it. */
function capacity(number) {
  return Number.isInteger(number) && Math.abs(number) < 1e16 ? number.toFixed(1) : String(number);
}

async function read(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.message || `${path} answered ${response.status}.`);
  return body;
}

/** Keeps calling `look`, one call at a time; what is wrong is shown until it is right again. */
function repeat(look, every) {
  const trouble = byId("trouble");
  const again = async () => {
    try {
      if (!document.hidden) {
        await look();
        if (trouble.dataset.of === look.name) trouble.hidden = true;
      }
    } catch (error) {
      trouble.textContent = error instanceof TypeError ? "The server does not answer. This page goes on when it does." : error.message;
      trouble.dataset.of = look.name;
      trouble.hidden = false;
    }
    setTimeout(again, every);
  };
  again();
}

/** One state more of a dimension. Of states that are alike only the first and the last are kept. */
function remember(state, now) {
  const states = history.get(state.id) || [];
  history.set(state.id, states);
  const at = { at: now, desired: state.desiredCapacity, actual: state.actualCapacity };
  const alike = (other) => other && other.desired === at.desired && other.actual === at.actual;
  if (alike(states.at(-1)) && alike(states.at(-2))) states.pop();
  states.push(at);
  while (states.length > 1 && states[1].at < now - HISTORY) states.shift();
  return states;
}

function plot(states, now) {
  const start = Math.max(now - HISTORY, Math.min(opened, now - 60000));
  const highest = Math.max(1, ...states.flatMap((state) => [state.desired, state.actual]));
  const x = (at) => LEFT + ((Math.max(at, start) - start) / (now - start)) * (WIDTH - LEFT - 4);
  const y = (value) => BOTTOM - (value / highest) * (BOTTOM - TOP);
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  svg.append(drawn("title", {}, "Desired and actual capacity over time"));
  for (const value of [0, highest / 2, highest]) {
    svg.append(drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - 4, y1: y(value), y2: y(value) }));
    svg.append(drawn("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, shortened(value)));
  }
  const minutes = Math.round((now - start) / 60000);
  svg.append(drawn("text", { x: LEFT, y: HEIGHT - 4 }, `${minutes} min ago`));
  svg.append(drawn("text", { x: WIDTH - 4, y: HEIGHT - 4, "text-anchor": "end" }, "now"));
  for (const name of ["actual", "desired"]) {
    const points = [];
    states.forEach((state, index) => {
      // A capacity holds until the next one is seen: steps, not slopes.
      if (index > 0) points.push(`${x(state.at)},${y(states[index - 1][name])}`);
      points.push(`${x(state.at)},${y(state[name])}`);
    });
    points.push(`${x(now)},${y(states.at(-1)[name])}`);
    svg.append(drawn("polyline", { class: name, points: points.join(" ") }));
  }
  return svg;
}

function shortened(value) {
  return value >= 10000 ? value.toExponential(0) : String(Math.round(value * 100) / 100);
}

function card(state, now) {
  const made = element("article", "dimension");
  made.dataset.id = state.id;
  made.append(element("h3", "", state.id));
  const line = element("p", "state");
  line.append(element("span", `status ${state.scalingStatus}`, state.scalingStatus));
  line.append(element("span", "capacities", `desired ${capacity(state.desiredCapacity)} · actual ${capacity(state.actualCapacity)}`));
  made.append(line);
  if (state.failureReason) made.append(element("p", "reason", state.failureReason));
  made.append(plot(remember(state, now), now));
  return made;
}

async function lookAtDimensions() {
  const { dimensions, more } = await read("/_ui/dimensions");
  const now = Date.now();
  byId("dimensions").replaceChildren(...dimensions.map((state) => card(state, now)));
  byId("no-dimensions").hidden = dimensions.length > 0;
  byId("more-dimensions").hidden = !more;
}

/** The packages of an instance, by the API's own route; asked for again when their number or the instance is another. */
async function packagesOf(instance) {
  // A browser takes these ids for steps in the path, however they are encoded.
  if (instance.id === "." || instance.id === "..") return [];
  const version = `${instance.added} ${instance.packages}`;
  const known = packages.get(instance.id);
  if (known && known.version === version) return known.list;
  const { record } = await read(`/ec2/${encodeURIComponent(instance.id)}`);
  const list = record.packages || [];
  packages.set(instance.id, { version, list });
  return list;
}

function row(instance, list) {
  const made = element("tr");
  made.dataset.id = instance.id;
  for (const text of [instance.id, instance.region, instance.account, instance.added]) made.append(element("td", "", text));
  const cell = element("td");
  const shown = whole.has(instance.id) ? list : list.slice(0, PACKAGES_SHOWN);
  for (const { package_name: name, package_version: version } of shown) cell.append(element("span", "package", `${name} ${version}`));
  if (list.length > shown.length) {
    const all = element("button", "", `all ${list.length}`);
    all.addEventListener("click", () => {
      whole.add(instance.id);
      made.replaceWith(row(instance, list));
    });
    cell.append(all);
  }
  made.append(cell);
  return made;
}

let showing = 0;

async function lookAtInstances() {
  const turn = ++showing;
  const search = byId("search").value.trim();
  const { instances, more } = await read(`/_ui/instances?search=${encodeURIComponent(search)}`);
  const rows = [];
  // A few at a time, so that a long list does not take all connections of the browser.
  for (let at = 0; at < instances.length; at += 5) {
    const some = instances.slice(at, at + 5);
    const lists = await Promise.all(some.map(packagesOf));
    some.forEach((instance, index) => rows.push(row(instance, lists[index])));
  }
  // A later search may have been quicker.
  if (turn !== showing) return;
  byId("instances").replaceChildren(...rows);
  byId("no-instances").hidden = rows.length > 0 || search !== "";
  byId("no-match").hidden = rows.length > 0 || search === "";
  byId("more-instances").hidden = !more;
}

async function tellWhatRuns() {
  const { version, commit } = await read("/v1/metadata");
  byId("running").textContent = `${version}, commit ${commit.slice(0, 12)}, at ${location.host}`;
}

byId("try-dimension").textContent = `curl -X PATCH ${location.origin}/v1/scalableTargetDimensions/1-23456789 -d '{"desiredCapacity":2.0}'`;
byId("try-instance").textContent = `curl -X POST ${location.origin}/ec2/instance-002 -d '{"aws_region":"us-east-1","aws_account":"123456789012"}'`;
let typing;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => lookAtInstances().catch(() => {}), 150);
});
tellWhatRuns().catch(() => {});
repeat(lookAtDimensions, DIMENSIONS_EVERY);
repeat(lookAtInstances, INSTANCES_EVERY);
