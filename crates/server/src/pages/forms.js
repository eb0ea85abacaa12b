// A dialog that sends one request to the API: its fields, the equivalent curl, and the response.

import { announce, copyable, el, setHidden, setText } from "./dom.js";
import { curl, send, sentence } from "./api.js";

let counter = 0;

/** An input with a label, a hint and a place for an error. `name` is the API's name of the field. */
export function field(name, label, { hint, value = "", tag = "input", ...attributes } = {}) {
  const id = `field-${++counter}`;
  const input = el(tag, { id, "aria-describedby": `${id}-about`, autocomplete: "off", spellcheck: "false", ...attributes, data: { field: name } });
  if (value !== "") input.value = value;
  const error = el("span", { class: "field-error", data: { for: name } });
  return el("div", { class: "field" }, el("label", { for: id, text: label }), input, el("p", { id: `${id}-about`, class: "about" }, error, hint ? el("span", { class: "hint", text: hint }) : undefined));
}

/** The name among `names` that an error's sentence is about. */
function named(message, code, names) {
  if (code === "DuplicateInstance" || message.includes("Duplicate entry")) return names.find((name) => name === "aws_instance_id");
  const found = names.filter((name) => message.includes(name)).sort((one, other) => other.length - one.length)[0];
  if (found) return found;
  return /capacity/i.test(message) ? names.find((name) => name === "desiredCapacity") : undefined;
}

function showError(form, answer) {
  const message = sentence(answer);
  const inputs = [...form.querySelectorAll("[data-field]")];
  const name = named(message, answer.body.code, inputs.map((input) => input.dataset.field));
  const input = inputs.find((one) => one.dataset.field === name);
  if (!input) return false;
  input.setAttribute("aria-invalid", "true");
  setText(input.closest(".field").querySelector(".field-error"), message);
  input.focus();
  return true;
}

function clearErrors(form) {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of form.querySelectorAll(".field-error")) setText(error, "");
}

/** Opens a dialog; it leaves the document when it is closed, and the focus goes back to where it was. */
export function openDialog(title, ...content) {
  const before = document.activeElement;
  const id = `dialog-${++counter}`;
  const close = el("button", { type: "button", class: "close", "aria-label": "Close", text: "×" });
  const dialog = el("dialog", { "aria-labelledby": id }, el("div", { class: "dialog-head" }, el("h2", { id, text: title }), close), ...content);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
    else document.getElementById("main").focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Opens a form. `request` builds the request from the fields, and is called at each change for the curl; `done`
 * gets a successful response, and says what was done.
 */
export function openForm({ title, intro, fields, submit, danger, request, done, focus }) {
  const command = copyable("");
  const problem = el("p", { class: "notice bad", role: "alert", hidden: true });
  const outcome = el("p", { class: "outcome" });
  const answer = el("div", { class: "answer", hidden: true }, el("h3", { text: "Answer" }), el("pre", { tabindex: "0", "aria-label": "Answer" }));
  const send_ = el("button", { class: danger ? "danger" : "primary", text: submit });
  const cancel = el("button", { type: "button", text: "Cancel" });
  const form = el(
    "form",
    { novalidate: true },
    ...(intro ? [el("p", { text: intro })] : []),
    ...fields,
    problem,
    el("h3", { text: "As curl" }),
    command,
    answer,
    outcome,
    el("div", { class: "dialog-foot" }, cancel, send_),
  );
  const dialog = openDialog(title, form);
  const show = () => command.update(curl(request()));
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("click", () => queueMicrotask(show));
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send_.disabled) return;
    clearErrors(form);
    setHidden(problem, true);
    send_.disabled = true;
    const received = await send(request());
    send_.disabled = false;
    setHidden(answer, received.status === 0);
    setText(answer.lastElementChild, `${received.status} ${received.text}`);
    if (!received.ok) {
      const beside = showError(form, received);
      if (beside) announce(sentence(received));
      setText(problem, sentence(received));
      setHidden(problem, beside);
      return;
    }
    const said = done(received);
    setText(outcome, said);
    announce(said);
    send_.remove();
    cancel.textContent = "Close";
    cancel.className = "primary";
    cancel.focus();
  });
  show();
  (focus || form.querySelector("[data-field]") || cancel).focus();
  return dialog;
}
