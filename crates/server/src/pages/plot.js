// The plot of a dimension's capacities. A capacity holds until the next change: steps, not slopes.

import { el, keyed, setAttribute, setHidden, setText, svg } from "./dom.js";
import { capacity } from "./api.js";

const WIDTH = 300;
const HEIGHT = 130;
const LEFT = 34;
const RIGHT = 294;
const TOP = 10;
const BOTTOM = 106;
const LONGEST = 6 * 3600e3;
const SHORTEST = 60e3;
const STEPS = [15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3];

/** The next of 1, 2, 5, 10, 20, … */
function nice(highest) {
  if (highest <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * unit).find((step) => step >= highest) || highest;
}

const short = (value) => (value >= 10000 ? value.toExponential(0).replace("+", "") : String(Math.round(value * 100) / 100));

export function clock(at, seconds) {
  const time = new Date(at);
  const parts = [time.getHours(), time.getMinutes(), ...(seconds ? [time.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** A plot without a point yet; its text alternative is the table of changes. */
export function createPlot() {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", focusable: "false" });
  const parts = {
    grid: svg("g", { class: "grid" }),
    times: svg("g", { class: "times" }),
    area: svg("polygon", { class: "area" }),
    actual: svg("polyline", { class: "actual" }),
    desired: svg("polyline", { class: "desired" }),
    cursor: svg("line", { class: "cursor", y1: TOP, y2: BOTTOM }),
  };
  parts.cursor.style.display = "none";
  drawing.append(...Object.values(parts));
  const tip = el("p", { class: "tip", hidden: true, "aria-hidden": "true" });
  const made = el("div", { class: "plot" }, drawing, tip);
  drawing.addEventListener("pointermove", (event) => point(made, parts, tip, drawing, event));
  drawing.addEventListener("pointerleave", () => {
    setHidden(tip, true);
    parts.cursor.style.display = "none";
  });
  made.parts = parts;
  return made;
}

function point(made, { cursor }, tip, drawing, event) {
  if (!made.scale) return;
  const { start, end, points } = made.scale;
  const box = drawing.getBoundingClientRect();
  const x = Math.min(RIGHT, Math.max(LEFT, ((event.clientX - box.left) / box.width) * WIDTH));
  const at = start + ((x - LEFT) / (RIGHT - LEFT)) * (end - start);
  const state = points.findLast((one) => one.at <= at) || points[0];
  if (!state) return;
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.style.display = "";
  tip.textContent = `${clock(at, true)} · desired ${capacity(state.desired)} · actual ${capacity(state.actual)}`;
  tip.hidden = false;
  const left = Math.min(Math.max(0, (x / WIDTH) * box.width - tip.offsetWidth / 2), box.width - tip.offsetWidth);
  tip.style.left = `${left}px`;
}

/** Draws `points` ({at, desired, actual}, oldest first) up to `end`. */
export function drawPlot(made, points, end) {
  const first = points[0]?.at ?? end;
  const start = Math.max(end - LONGEST, Math.min(first, end - SHORTEST));
  const highest = nice(Math.max(1, ...points.flatMap((one) => [one.desired, one.actual])));
  made.scale = { start, end, points };
  const x = (at) => Math.round((LEFT + ((Math.min(Math.max(at, start), end) - start) / (end - start)) * (RIGHT - LEFT)) * 10) / 10;
  const y = (value) => Math.round((BOTTOM - (value / highest) * (BOTTOM - TOP)) * 10) / 10;
  keyed(made.parts.grid, [0, 0.5, 1], String, () => svg("g", {}, svg("line", { x1: LEFT, x2: RIGHT }), svg("text", { x: LEFT - 6, "text-anchor": "end" })), (group, share) => {
    const [line, text] = group.children;
    setAttribute(line, "y1", String(y(share * highest)));
    setAttribute(line, "y2", String(y(share * highest)));
    setAttribute(text, "y", String(y(share * highest) + 4));
    setText(text, short(share * highest));
  });
  const step = STEPS.find((one) => (end - start) / one <= 4) || STEPS.at(-1);
  const offset = new Date(end).getTimezoneOffset() * 60e3;
  const ticks = [];
  for (let at = Math.ceil((start - offset) / step) * step + offset; at <= end; at += step) if (x(at) < RIGHT - 12) ticks.push(at);
  keyed(made.parts.times, ticks, String, () => svg("g", {}, svg("line", { y1: BOTTOM, y2: BOTTOM + 4 }), svg("text", { y: HEIGHT - 8, "text-anchor": "middle" })), (group, at) => {
    const [line, text] = group.children;
    setAttribute(line, "x1", String(x(at)));
    setAttribute(line, "x2", String(x(at)));
    setAttribute(text, "x", String(Math.max(x(at), LEFT)));
    setText(text, clock(at, step < 60e3));
  });
  for (const name of ["actual", "desired"]) {
    const line = [];
    points.forEach((one, index) => {
      if (index > 0) line.push(`${x(one.at)},${y(points[index - 1][name])}`);
      line.push(`${x(one.at)},${y(one[name])}`);
    });
    if (points.length > 0) line.push(`${x(end)},${y(points.at(-1)[name])}`);
    setAttribute(made.parts[name], "points", line.join(" "));
    if (name === "actual") setAttribute(made.parts.area, "points", line.length ? `${x(first)},${BOTTOM} ${line.join(" ")} ${x(end)},${BOTTOM}` : "");
  }
}
