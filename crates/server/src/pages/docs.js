// The page at /docs: the OpenAPI document of this server, to read and to try.

import { announce, byId, copyable, el, setHidden, setText } from "./dom.js";
import { address, apiKey, curl, mayWrite, send, useApiKey } from "./api.js";
import { field } from "./forms.js";

let contract;

/** The target of a reference in the document, or the value itself. */
function resolve(node) {
  if (!node?.$ref) return node;
  const found = node.$ref.replace(/^#\//, "").split("/").reduce((at, part) => at?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], contract);
  return resolve(found);
}

/** Paragraphs with the code in them; nothing else of Markdown is used in the document. */
function prose(text = "") {
  return text.split(/\n\n+/).filter(Boolean).map((paragraph) => {
    const parts = paragraph.split("`").map((part, index) => (index % 2 ? el("code", { text: part }) : part));
    return el("p", {}, ...parts);
  });
}

const pretty = (value) => JSON.stringify(value, null, 2);

/** JSON text on indented lines; its tokens stay as they were sent, `1.0` too. */
function indented(text) {
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token, at) => {
    if (token === "{" || token === "[") return /[}\]]/.test(text[at + 1]) ? token : ((depth += 1), token + line());
    if (token === "}" || token === "]") return /[{[]/.test(text[at - 1]) ? token : ((depth -= 1), line() + token);
    return token === "," ? token + line() : token === ":" ? ": " : token;
  });
}

function examplesOf(content = {}) {
  const json = content["application/json"];
  if (!json) return [];
  if (json.example !== undefined) return [["", json.example]];
  return Object.entries(json.examples || {}).map(([name, example]) => [name, resolve(example).value]);
}

function kindOf(schema) {
  const types = [schema.type].flat().filter(Boolean);
  const parts = [types.includes("array") ? `array of ${kindOf(resolve(schema.items) || {})}` : types.join(" or ")];
  if (schema.enum) parts.push(schema.enum.join(", "));
  if (schema.const !== undefined) parts.push(JSON.stringify(schema.const));
  if (schema.maxLength) parts.push(`${schema.minLength || 0}–${schema.maxLength} characters`);
  if (schema.maxItems) parts.push(`at most ${schema.maxItems.toLocaleString("en")}`);
  if (schema.minimum !== undefined) parts.push(schema.maximum === undefined ? `at least ${schema.minimum}` : `${schema.minimum}–${schema.maximum}`);
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.filter(Boolean).join(", ");
}

/** The fields of a schema, as far down as four levels. */
function fields(node, depth = 0) {
  const schema = resolve(node) || {};
  const inner = schema.items ? resolve(schema.items) : schema;
  const alternatives = inner.oneOf || inner.anyOf || inner.allOf;
  if (alternatives && !inner.properties) {
    const lists = alternatives.map((one) => fields(one, depth)).filter(Boolean);
    return lists.length > 0 ? el("div", {}, ...lists) : undefined;
  }
  if (!inner.properties || depth > 3) return undefined;
  const rows = Object.entries(inner.properties).map(([name, property]) => {
    const one = resolve(property);
    const needed = inner.required?.includes(name) ? "required" : "optional";
    return el("li", {}, el("code", { text: name }), " ", el("span", { class: "kind", text: [kindOf(one), needed].filter(Boolean).join(", ") }), ...prose(property.description || one.description), fields(one, depth + 1));
  });
  return el("ul", { class: "fields" }, ...rows);
}

function response(status, node) {
  const one = resolve(node);
  const content = one.content?.["application/json"];
  const headers = Object.entries(one.headers || {}).map(([name, header]) => el("li", {}, el("code", { text: name }), " ", ...prose(resolve(header).description)));
  return el(
    "details",
    { class: "response" },
    el("summary", {}, el("span", { class: "code", text: status }), ` ${one.description.replaceAll("`", "")}`),
    ...(headers.length > 0 ? [el("ul", { class: "fields" }, ...headers)] : []),
    content ? fields(content.schema) : undefined,
    ...examplesOf(one.content).map(([name, example]) => el("div", {}, name ? el("p", { class: "kind", text: name }) : undefined, el("pre", { tabindex: "0", "aria-label": `Example ${status} ${name}`, text: pretty(example) }))),
  );
}

function value(parameter) {
  const schema = resolve(parameter.schema) || {};
  return parameter.required ? String(parameter.example ?? schema.examples?.[0] ?? "") : "";
}

/** The form that sends a request, with the equivalent curl. */
function attempt(path, method, operation) {
  const parameters = (operation.parameters || []).map(resolve);
  const inputs = parameters.map((parameter) => {
    const about = [kindOf(resolve(parameter.schema) || {}), parameter.required ? "required" : "optional"].filter(Boolean).join(", ");
    const made = field(parameter.name, `${parameter.name} (${parameter.in})`, { hint: `${(parameter.description || "").replaceAll("`", "")} ${about}`, value: value(parameter) });
    return [parameter, made];
  });
  const media = operation.requestBody && resolve(operation.requestBody);
  const sample = media && examplesOf(media.content)[0]?.[1];
  const body = media && field("body", "Body", { tag: "textarea", rows: String(Math.min(14, pretty(sample ?? {}).split("\n").length + 1)), value: pretty(sample ?? {}) });
  const request = () => {
    let filled = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, made] of inputs) {
      const text = made.querySelector("input").value;
      if (parameter.in === "path") filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(text));
      else if (parameter.in === "header" && text !== "") headers[parameter.name] = text;
      else if (parameter.in === "query" && text !== "") query.set(parameter.name, text);
    }
    const asked = query.size > 0 ? `${filled}?${query}` : filled;
    return { method, path: asked, headers, body: body?.querySelector("textarea").value };
  };
  const command = copyable("");
  const answer = el("div", { class: "answer", hidden: true }, el("h3", { text: "Answer" }), el("pre", { tabindex: "0", "aria-label": "Answer" }));
  const allowed = mayWrite || method === "GET";
  const button = el("button", { class: "primary execute", text: "Send" });
  const form = el("form", { novalidate: true }, ...inputs.map(([, made]) => made), body, el("h3", { text: "As curl" }), command, allowed ? el("p", { class: "send-line" }, button) : el("p", { class: "hint", text: "This page only reads: use curl for this route." }), answer);
  form.addEventListener("input", () => command.update(curl(request())));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!allowed) return;
    button.disabled = true;
    const received = await send(request());
    button.disabled = false;
    setText(answer.lastElementChild, received.status === 0 ? received.body.message : `${received.status}\n${indented(received.text)}`);
    setHidden(answer, false);
    announce(`The response is ${received.status}.`);
  });
  command.update(curl(request()));
  return form;
}

function security(operation) {
  const names = (operation.security || contract.security || []).flatMap((one) => Object.keys(one));
  const schemes = names.map((name) => resolve(contract.components?.securitySchemes?.[name])?.description).filter(Boolean);
  return schemes.map((text) => el("p", { class: "hint" }, ...prose(text).flatMap((paragraph) => [...paragraph.childNodes])));
}

function operation([method, path, one]) {
  const inside = el("div");
  const made = el(
    "details",
    { class: "operation", id: one.operationId, data: { operation: one.operationId } },
    el("summary", {}, el("span", { class: `method ${method}`, text: method }), el("span", { class: "path", text: path }), el("span", { class: "summary", text: one.summary || "" })),
    inside,
  );
  made.addEventListener("toggle", () => {
    if (!made.open) return;
    history.replaceState(null, "", `#${one.operationId}`);
    if (inside.childElementCount > 0) return;
    const media = one.requestBody && resolve(one.requestBody).content?.["application/json"];
    inside.append(
      ...prose(one.description),
      ...security(one),
      ...(media ? [el("h3", { text: "Fields of the body" }), fields(media.schema) || ""] : []),
      el("h3", { text: "Try it" }),
      attempt(path, method, one),
      el("h3", { text: "Answers" }),
      ...Object.entries(one.responses).map(([status, node]) => response(status, node)),
    );
  });
  return made;
}

function keyForm() {
  const input = field("key", "API key, if the server requires one", { type: "password", value: apiKey() || "", hint: "It stays in this tab." });
  input.addEventListener("input", () => useApiKey(input.querySelector("input").value));
  return input;
}

async function start() {
  const answered = await fetch(address("/v1/openapi.json"), { cache: "no-cache" });
  contract = await answered.json();
  if (!answered.ok) throw new Error(contract.message);
  setText(byId("title"), `${contract.info.title} ${contract.info.version}`);
  setText(byId("running"), location.host);
  byId("about").append(
    ...prose(contract.info.description),
    el("p", {}, "The same as an ", el("a", { href: address("/v1/openapi.json"), text: "OpenAPI document" }), ". This server is at ", el("code", { text: address("/").replace(/\/$/, "") }), "."),
    ...(contract.components?.securitySchemes?.ApiKey ? [keyForm()] : []),
  );
  const all = Object.entries(contract.paths).flatMap(([path, item]) => ["get", "post", "put", "patch", "delete"].filter((method) => item[method]).map((method) => [method.toUpperCase(), path, item[method]]));
  const tags = contract.tags || [...new Set(all.map(([, , one]) => one.tags?.[0]))].map((name) => ({ name }));
  for (const { name, description } of tags) {
    const id = `tag-${name.replaceAll(" ", "-")}`;
    const title = name[0].toUpperCase() + name.slice(1);
    byId("operations").append(el("section", { "aria-labelledby": id }, el("h2", { id, text: title }), ...prose(description), ...all.filter(([, , one]) => one.tags?.includes(name)).map(operation)));
  }
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named) {
    named.open = true;
    named.scrollIntoView();
  }
}

start().catch((error) => {
  setText(byId("trouble"), error instanceof TypeError ? "The server is not responding." : error.message);
  setHidden(byId("trouble"), false);
});
