// The table of instances: filters, chips, pages.

import { announce, byId, el, keyed, setAttribute, setHidden, setText } from "./dom.js";
import { address, instancePath, keyHeader, mayWrite, send, sentence } from "./api.js";
import { clear, filter, firstPage, isFiltered, nextPage, previousPage, trail, view, whenChanged } from "./address.js";
import { removeInstance } from "./dialogs.js";

const AWS_ID = /^i-[0-9a-f]{8,17}$/;
const whole = new Map();
let shown = { found: [], total: 0 };
let typing;

function chip([name, version]) {
  const made = el("button", { type: "button", class: "chip", text: `${name} ${version}`, title: `Only instances with ${name} ${version}` });
  made.addEventListener("click", () => filter({ package_name: name, package_version: version, q: "" }));
  return made;
}

/** All packages of an instance, or its first ones again. */
async function toggle(instance) {
  if (whole.has(instance.id)) whole.delete(instance.id);
  else {
    const answer = await send({ method: "GET", path: instancePath(instance.id) });
    if (!answer.ok) return announce(sentence(answer));
    const packages = answer.body.record.packages || [];
    whole.set(instance.id, packages.map(({ package_name: name, package_version: version }) => [name, version]));
  }
  showInstances(shown);
}

function create({ id }) {
  const cell = (label, ...content) => el("td", { data: { label } }, ...content);
  const find = () => shown.found.find((one) => one.id === id);
  const more = el("button", { type: "button", class: "link", hidden: true, on: { click: () => toggle(find()) } });
  const name = el("th", { scope: "row", class: AWS_ID.test(id) ? "id aws-id" : "id", text: id });
  const by = (field) => el("button", { type: "button", class: "plain", on: { click: () => filter({ [field]: find()[field === "aws_region" ? "region" : "account"] }) } });
  const remove = el("button", { type: "button", class: "quiet", text: "Remove", "aria-label": `Remove ${id}`, on: { click: () => removeInstance(id) } });
  return el(
    "tr",
    { data: { id } },
    name,
    cell("Region", by("aws_region")),
    cell("Account", by("aws_account")),
    cell("Added (UTC)"),
    cell("Packages", el("span", { class: "chips" }), more),
    ...(mayWrite ? [el("td", { class: "write" }, remove)] : []),
  );
}

function update(row, instance) {
  const [, region, account, added, packages] = row.children;
  setText(region.firstElementChild, instance.region);
  setText(account.firstElementChild, instance.account);
  setAttribute(region.firstElementChild, "title", `Only instances in ${instance.region}`);
  setAttribute(account.firstElementChild, "title", `Only instances of ${instance.account}`);
  setText(added, instance.added);
  const list = whole.get(instance.id) || instance.packages;
  keyed(packages.firstElementChild, list, ([name, version]) => `${name}\n${version}`, chip, () => {});
  const more = packages.lastElementChild;
  setHidden(more, instance.package_count <= instance.packages.length);
  setText(more, whole.has(instance.id) ? "show fewer" : `show all ${instance.package_count.toLocaleString("en")}`);
}

export function showInstances(state) {
  shown = state;
  const { found, total } = state;
  keyed(byId("instances"), found, ({ id }) => id, create, update, byId("instances-title"));
  const from = Number(view.from) || 1;
  const count = total === null || total === undefined ? "" : ` of ${total.toLocaleString("en")}`;
  setText(byId("range"), found.length > 0 ? `${from.toLocaleString("en")}–${(from + found.length - 1).toLocaleString("en")}${count}` : "");
  setHidden(byId("no-instances"), found.length > 0 || isFiltered() || Boolean(state.next_token));
  setHidden(byId("no-match"), found.length > 0 || !isFiltered() || Boolean(state.next_token));
  setHidden(byId("no-match-yet"), found.length > 0 || !state.next_token);
  setHidden(byId("table"), found.length === 0);
  setHidden(byId("pager"), !state.next_token && !view.next_token);
  byId("first").disabled = !view.next_token;
  byId("previous").disabled = trail().length === 0;
  byId("next").disabled = !state.next_token;
}

export const shownInstances = () => shown;

/** The active filters, each with a button that removes it. */
function showActive() {
  const named = [
    ["Search", view.q, { q: "" }],
    ["Region", view.aws_region, { aws_region: "" }],
    ["Account", view.aws_account, { aws_account: "" }],
    ["Package", [view.package_name, view.package_version].filter(Boolean).join(" "), { package_name: "", package_version: "" }],
  ].filter(([, value]) => value);
  const create_ = ([name, value, without]) => {
    const remove = el("button", { type: "button", class: "close", "aria-label": `Remove the filter ${name} ${value}`, text: "×" });
    remove.addEventListener("click", () => {
      filter(without);
      byId("q").focus();
    });
    return el("span", { class: "held" }, `${name}: ${value}`, remove);
  };
  keyed(byId("active"), named, ([name, value]) => `${name} ${value}`, create_, () => {});
}

function options(select, any, values, held) {
  if (held && !values.some(({ value }) => value === held.value)) values = [held, ...values];
  const wanted = [{ value: "", text: any }, ...values];
  keyed(select, wanted, ({ value }) => `=${value}`, () => el("option"), (option, { value, text }) => {
    setAttribute(option, "value", value);
    setText(option, text);
  });
  select.value = held?.value ?? "";
}

let values = { regions: [], accounts: [], packages: [] };

const counted = (text, count) => `${text} (${count.toLocaleString("en")})`;

function showOptions() {
  const plain = (list) => list.map(({ value, count }) => ({ value, text: counted(value, count) }));
  const held = (value, text = value) => (value ? { value, text } : undefined);
  options(byId("aws_region"), "all", plain(values.regions), held(view.aws_region));
  options(byId("aws_account"), "all", plain(values.accounts), held(view.aws_account));
  const packages = values.packages.map(({ name, version, count }) => ({ value: JSON.stringify([name, version]), text: counted(`${name} ${version}`, count) }));
  const chosen = view.package_name && JSON.stringify([view.package_name, view.package_version]);
  options(byId("package"), "all", packages, held(chosen, `${view.package_name} ${view.package_version}`));
}

/** Reads the values to filter by: when the page opens, when a list is opened, and after a change. */
export async function readFilters() {
  try {
    const response = await fetch(address("/_ui/filters"), { headers: { accept: "application/json", ...keyHeader() } });
    if (response.ok) values = await response.json();
  } catch {
    // The refresh says that the server does not answer.
  }
  showOptions();
}

function follow() {
  const search = byId("q");
  if (search.value.trim() !== view.q) search.value = view.q;
  showActive();
  showOptions();
}

export function startInstances() {
  const search = byId("q");
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => filter({ q: search.value.trim() }, true), 150);
  });
  for (const name of ["aws_region", "aws_account"]) byId(name).addEventListener("change", (event) => filter({ [name]: event.target.value }));
  byId("package").addEventListener("change", (event) => {
    const [name, version] = event.target.value ? JSON.parse(event.target.value) : ["", ""];
    filter({ package_name: name, package_version: version });
  });
  for (const name of ["aws_region", "aws_account", "package"]) byId(name).addEventListener("focus", readFilters);
  byId("clear").addEventListener("click", () => {
    clear();
    search.focus();
  });
  byId("first").addEventListener("click", firstPage);
  byId("previous").addEventListener("click", previousPage);
  const next = () => nextPage(shown.next_token, (Number(view.from) || 1) + shown.found.length);
  for (const id of ["next", "further"]) byId(id).addEventListener("click", next);
  whenChanged(follow);
  follow();
  readFilters();
}
