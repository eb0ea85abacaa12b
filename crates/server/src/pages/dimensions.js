// The cards of the dimensions, and their changes.

import { announce, byId, el, keyed, setHidden, setText } from "./dom.js";
import { capacity, mayWrite } from "./api.js";
import { createPlot, drawPlot } from "./plot.js";
import { changeDimension, showChanges, updateChanges } from "./dialogs.js";

// A dimension that stays longer in Pending or InProgress than this is marked.
const TOO_LONG = 5 * 60e3;
const KEPT = 200;

const changes = new Map();
let position = "";
let known = [];

/** The position up to which changes are known, for the server. */
export const since = () => position;

const changesOf = (id) => changes.get(id) || [];

/** The states of a dimension over time, for its plot. */
function points(id, state, now) {
  const list = changesOf(id);
  const made = list.map(({ at, to }) => ({ at, desired: to.desiredCapacity, actual: to.actualCapacity }));
  if (list[0]?.from) made.unshift({ at: list[0].at - 30e3, desired: list[0].from.desiredCapacity, actual: list[0].from.actualCapacity });
  return made.length > 0 ? made : [{ at: now, desired: state.desiredCapacity, actual: state.actualCapacity }];
}

/** "for 12 s", "for 3 min". */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function create({ id }) {
  const open = el("button", { type: "button", text: "Changes", "aria-label": `Changes of ${id}`, on: { click: () => showChanges(id, () => changesOf(id)) } });
  const change = el("button", { type: "button", class: "change", text: "Change", "aria-label": `Change ${id}`, on: { click: () => changeDimension(known.find((one) => one.id === id)) } });
  const card = el(
    "article",
    { class: "card dimension", "aria-label": id, data: { id } },
    el("div", { class: "card-head" }, el("h3", { class: "id", text: id }), el("p", { class: "status" })),
    el("dl", { class: "capacities" }, el("div", {}, el("dt", { text: "desired" }), el("dd", { class: "desired" })), el("div", {}, el("dt", { text: "actual" }), el("dd", { class: "actual" }))),
    el("p", { class: "reason", hidden: true }),
    createPlot(),
    el("div", { class: "card-foot" }, el("p", { class: "lasting" }), open, mayWrite ? change : undefined),
  );
  return card;
}

function update(card, { id, state }, now) {
  const part = (selector) => card.querySelector(selector);
  const status = part(".status");
  setText(status, state.scalingStatus);
  status.className = `status ${state.scalingStatus}`;
  setText(part("dd.desired"), capacity(state.desiredCapacity));
  setText(part("dd.actual"), capacity(state.actualCapacity));
  setText(part(".reason"), state.failureReason || "");
  setHidden(part(".reason"), !state.failureReason);
  const list = changesOf(id);
  const same = list.findLastIndex(({ to }) => to.scalingStatus !== state.scalingStatus);
  const entered = list[same + 1]?.at;
  const moving = state.scalingStatus === "Pending" || state.scalingStatus === "InProgress";
  const lasting = part(".lasting");
  const long = moving && entered !== undefined && now - entered > TOO_LONG;
  lasting.classList.toggle("long", long);
  setText(lasting, entered === undefined ? "" : `${long ? `Still ${state.scalingStatus}, ` : ""}for ${duration(now - entered)}`);
  drawPlot(part(".plot"), points(id, state, now), now);
}

/** Shows the server's response; announces what changed since the last time. */
export function showDimensions({ found, more, changes: fresh, position: reached }) {
  const begun = position !== "" && reached.split("-")[0] === position.split("-")[0];
  if (!begun) changes.clear();
  position = reached;
  for (const change of fresh) {
    const list = changes.get(change.id) || [];
    const last = list.at(-1);
    // The same change again, with its request known now.
    if (last && last.at === change.at && !last.request_id) list.pop();
    list.push(change);
    if (list.length > KEPT) list.shift();
    changes.set(change.id, list);
    if (begun) announce(`${change.id}: ${change.to.scalingStatus}, desired ${capacity(change.to.desiredCapacity)}, actual ${capacity(change.to.actualCapacity)}.`);
  }
  known = found;
  tick();
  setHidden(byId("no-dimensions"), found.length > 0);
  setHidden(byId("more-dimensions"), !more);
  updateChanges();
}

/** Draws the cards again for the present time. */
export function tick() {
  const now = Date.now();
  keyed(byId("dimensions"), known, ({ id }) => id, create, (card, dimension) => update(card, dimension, now), byId("dimensions-title"));
}

export const shownDimensions = () => known;
