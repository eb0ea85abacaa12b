// Small helpers over the document. Text is never read as HTML.

export const byId = (id) => document.getElementById(id);

/** An element: `on` has listeners, `data` data attributes, `text` its text; other properties are attributes. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { text, on = {}, data = {}, ...attributes } = properties;
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  Object.assign(made.dataset, data);
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Sets a text only if it differs, so that a selection in it stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/**
 * Updates the children of `parent` to `items` in place: a child with the same key is kept, with its selection and focus.
 * If the focus was in a removed one, `lost` gets it.
 */
export function keyed(parent, items, keyOf, create, update, lost) {
  const wanted = new Set(items.map(keyOf));
  const there = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) {
      there.set(child.dataset.key, child);
      continue;
    }
    const focused = child.contains(document.activeElement);
    child.remove();
    if (focused) lost?.focus();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = there.get(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

let announcing;

/** Announces to a screen reader, politely; announcements within a second are combined. */
export function announce(text) {
  const region = byId("announced");
  announcing = announcing ? `${announcing} ${text}` : text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => {
    region.textContent = announcing;
    announcing = undefined;
  }, 300);
}

/** A line of shell with a button that copies it. */
export function copyable(text, label = "Copy the command") {
  const code = el("code", { text });
  const button = el("button", { type: "button", class: "copy", "aria-label": label, text: "Copy" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      announce("Copied.");
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  const line = el("div", { class: "command" }, el("pre", {}, code), button);
  line.update = (changed) => setText(code, changed);
  return line;
}
