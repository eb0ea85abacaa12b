// What a person does here: add and remove instances, change dimensions, read their changes.

import { el, keyed, setHidden } from "./dom.js";
import { capacity, dimensionPath, instancePath, isProduction } from "./api.js";
import { field, openDialog, openForm } from "./forms.js";

/** Called after each change that was made here, so that the page shows it at once. */
let changed = () => {};
export const whenDone = (listener) => (changed = listener);

const valueOf = (root, name) => root.querySelector(`[data-field="${CSS.escape(name)}"]`)?.value ?? "";

/** A number if the text is one; the API says what is wrong with anything else. */
const number = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

function packageRow(rows) {
  const row = el("div", { class: "package-row" });
  const remove = el("button", { type: "button", class: "close", "aria-label": "Remove this package", text: "×" });
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    number_(rows);
    (next?.querySelector("input") || rows.parentElement.querySelector(".add-package")).focus();
  });
  row.append(field("package_name", "Name"), field("package_version", "Version"), remove);
  return row;
}

/** Gives the fields of the packages the names that the API has for them: packages[0].package_name. */
function number_(rows) {
  [...rows.children].forEach((row, index) => {
    for (const input of row.querySelectorAll("input")) input.dataset.field = `packages[${index}].${input.dataset.field.split(".").at(-1)}`;
  });
}

export function addInstance() {
  const id = field("aws_instance_id", "Instance id", { hint: "1–255 characters, like i-01aaae43feb712345" });
  const rows = el("div", { class: "packages" });
  const more = el("button", { type: "button", class: "add-package", text: "Add a package" });
  more.addEventListener("click", () => {
    rows.append(packageRow(rows));
    number_(rows);
    rows.lastElementChild.querySelector("input").focus();
  });
  const parts = el("div", {}, field("aws_region", "Region", { hint: "us-east-1, say" }), field("aws_account", "Account", { hint: "123456789012, say" }), el("fieldset", {}, el("legend", { text: "Packages" }), rows, more));
  const example = JSON.stringify({ aws_region: "us-east-1", aws_account: "123456789012", packages: [{ package_name: "package-1", package_version: "v1" }] }, null, 2);
  const paste = el("div", { hidden: true }, field("body", "Body as JSON", { tag: "textarea", rows: "8", value: example }));
  const kind = (value, text, checked) => el("label", {}, el("input", { type: "radio", name: "kind", value, checked }), text);
  const kinds = el("fieldset", { class: "kinds" }, el("legend", { text: "How" }), kind("form", "Form", true), kind("json", "Paste JSON", false));
  kinds.addEventListener("change", (event) => {
    setHidden(parts, event.target.value === "json");
    setHidden(paste, event.target.value !== "json");
  });
  const body = () => {
    if (!paste.hidden) return valueOf(paste, "body");
    const packages = [...rows.children].map((row) => {
      const [name, version] = row.querySelectorAll("input");
      return { package_name: name.value, package_version: version.value };
    });
    return JSON.stringify({ aws_region: valueOf(parts, "aws_region"), aws_account: valueOf(parts, "aws_account"), ...(packages.length > 0 ? { packages } : {}) });
  };
  openForm({
    title: "Add an instance",
    fields: [kinds, id, parts, paste],
    submit: "Add",
    request: () => ({ method: "POST", path: instancePath(valueOf(id, "aws_instance_id")), body: body() }),
    done: () => {
      changed();
      return `Added ${valueOf(id, "aws_instance_id")}.`;
    },
    focus: id.querySelector("input"),
  });
}

export function removeInstance(id) {
  openForm({
    title: `Remove ${id}?`,
    intro: `${id} and the list of its packages will be removed from the inventory. The instance itself is not touched.`,
    fields: [],
    submit: `Remove ${id}`,
    danger: true,
    request: () => ({ method: "DELETE", path: instancePath(id) }),
    done: ({ body }) => {
      changed();
      return body.record_deleted === false ? `${id} no longer existed.` : `Removed ${id}.`;
    },
  });
}

/** Changes `dimension`, or without one, the dimension whose id is typed. */
export function changeDimension(dimension) {
  const state = dimension?.state;
  const id = dimension ? undefined : field("scalableTargetDimensionId", "Dimension id", { hint: "1–255 characters without a slash, like 1-23456789" });
  const number_ = (name, label, present) => field(name, label, { inputmode: "decimal", value: present });
  const desired = number_("desiredCapacity", "Desired capacity", isProduction || !state ? "" : capacity(state.desiredCapacity));
  const fields = [desired];
  if (isProduction) {
    const status = field("scalingStatus", "Scaling status", { tag: "select" });
    status.querySelector("select").append(el("option", { value: "", text: "as it is" }), ...["Pending", "InProgress", "Successful", "Failed"].map((name) => el("option", { value: name, text: name })));
    fields.push(number_("actualCapacity", "Actual capacity", ""), status, field("failureReason", "Failure reason", { hint: "only with the status Failed" }));
  }
  const intro = state && isProduction ? `Now: desired ${capacity(state.desiredCapacity)}, actual ${capacity(state.actualCapacity)}, ${state.scalingStatus}. Fields left empty stay unchanged.` : undefined;
  const all = el("div", {}, ...(id ? [id] : []), ...fields);
  const idOf = () => dimension?.id ?? valueOf(all, "scalableTargetDimensionId");
  const body = () => {
    const made = {};
    for (const name of ["desiredCapacity", "actualCapacity"]) if (valueOf(all, name) !== "") made[name] = number(valueOf(all, name));
    for (const name of ["scalingStatus", "failureReason"]) if (valueOf(all, name) !== "") made[name] = valueOf(all, name);
    return JSON.stringify(made);
  };
  openForm({
    title: dimension ? `Change ${dimension.id}` : "Add a dimension",
    intro,
    fields: [all],
    submit: dimension ? "Change" : "Add",
    request: () => ({ method: "PATCH", path: dimensionPath(idOf()), body: body() }),
    done: ({ body: answered }) => {
      changed();
      return `${idOf()} is ${answered.scalingStatus}: desired ${capacity(answered.desiredCapacity)}, actual ${capacity(answered.actualCapacity)}.`;
    },
  });
}

let openChanges;

/** The changes of a dimension as a table, newest first. It follows what happens while it is open. */
export function showChanges(id, list) {
  const body = el("tbody");
  const none = el("p", { class: "empty", text: "No change has been seen yet." });
  const heads = ["When", "Status", "Desired", "Actual", "Request", "By"].map((text) => el("th", { scope: "col", text }));
  const table = el("table", { class: "changes" }, el("caption", { class: "visually-hidden", text: `Changes of ${id}, newest first` }), el("thead", {}, el("tr", {}, ...heads)), body);
  const dialog = openDialog(`Changes of ${id}`, none, table);
  dialog.classList.add("wide");
  openChanges = () => {
    const items = [...list()].reverse();
    setHidden(none, items.length > 0);
    setHidden(table, items.length === 0);
    keyed(body, items, (change) => `${change.at} ${change.to.scalingStatus} ${change.to.desiredCapacity}`, createChange, () => {}, dialog);
  };
  dialog.addEventListener("close", () => (openChanges = undefined));
  openChanges();
}

export const updateChanges = () => openChanges?.();

function createChange({ at, from, to, request_id: request, by }) {
  const arrow = (before, after) => (before === undefined || before === after ? after : `${before} → ${after}`);
  const cell = (label, text, className) => el("td", { data: { label }, class: className, text });
  const when = el("td", { data: { label: "When" } }, el("time", { datetime: new Date(at).toISOString(), text: new Date(at).toISOString().slice(0, 19).replace("T", " ") }));
  const status = arrow(from?.scalingStatus, to.scalingStatus) + (to.failureReason ? `: ${to.failureReason}` : "");
  return el(
    "tr",
    {},
    when,
    cell("Status", status),
    cell("Desired", arrow(from && capacity(from.desiredCapacity), capacity(to.desiredCapacity))),
    cell("Actual", arrow(from && capacity(from.actualCapacity), capacity(to.actualCapacity))),
    cell("Request", request || "not by this server", "id"),
    cell("By", by || "unknown"),
  );
}
