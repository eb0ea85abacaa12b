// The search, kept in the page's URL: a reload or a link shows the same.

const FILTERS = ["q", "aws_region", "aws_account", "package_name", "package_version"];
const NAMES = [...FILTERS, "next_token", "from"];
const listeners = [];

function read() {
  const parameters = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, parameters.get(name) || ""]));
}

export let view = read();

/** The pages before this one that this tab has visited. */
export const trail = () => history.state?.trail || [];

export const isFiltered = () => FILTERS.some((name) => view[name]);

/** The parameters of the view for the server; `from` is the page's own. */
export function parameters() {
  const named = NAMES.filter((name) => name !== "from" && view[name]);
  return new URLSearchParams(named.map((name) => [name, view[name]]));
}

function go(next, trailOfIt, replace) {
  view = { ...view, ...next };
  const query = new URLSearchParams(NAMES.filter((name) => view[name]).map((name) => [name, view[name]])).toString();
  const url = query ? `?${query}` : location.pathname;
  history[replace ? "replaceState" : "pushState"]({ trail: trailOfIt }, "", url);
  for (const listener of listeners) listener();
}

/** Filters by these values, from the first page. `replace` makes no step in the browser's history: for typing. */
export const filter = (values, replace = false) => go({ ...values, next_token: "", from: "" }, [], replace);

export const clear = () => filter(Object.fromEntries(FILTERS.map((name) => [name, ""])));

export function nextPage(token, from) {
  go({ next_token: token, from: String(from) }, [...trail(), { next_token: view.next_token, from: view.from }]);
}

export function previousPage() {
  const before = trail();
  go(before.at(-1) || { next_token: "", from: "" }, before.slice(0, -1));
}

export const firstPage = () => go({ next_token: "", from: "" }, []);

export const whenChanged = (listener) => listeners.push(listener);

addEventListener("popstate", () => {
  view = read();
  for (const listener of listeners) listener();
});
