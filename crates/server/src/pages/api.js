// Requests to this server, and how they look as curl.

const root = new URL("../../", import.meta.url);
const settings = document.documentElement.dataset;
const KEY = "fleet-api-key";

export const mayWrite = settings.pages === "on";
export const isProduction = settings.scaling === "production";

/** The whole address of a path of the API: the server may serve below a stage. */
export const address = (path) => new URL(path.replace(/^\//, ""), root).href;

export const apiKey = () => sessionStorage.getItem(KEY);
export const useApiKey = (key) => sessionStorage.setItem(KEY, key);
export const keyHeader = () => (apiKey() ? { "x-api-key": apiKey() } : {});

export const instancePath = (id) => `/ec2/${encodeURIComponent(id)}`;
export const dimensionPath = (id) => `/v1/scalableTargetDimensions/${encodeURIComponent(id)}`;

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The request as a line of shell. The key is named, not shown. */
export function curl({ method, path, body, headers = {} }) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quoted(address(path)));
  if (apiKey()) parts.push('-H "x-api-key: $FLEET_API_KEY"');
  for (const [name, value] of Object.entries(headers)) parts.push("-H", quoted(`${name}: ${value}`));
  if (body !== undefined) parts.push("-d", quoted(body));
  return parts.join(" ");
}

/** Sends a request to a route of the API; `body` is its text. */
export async function send({ method, path, body, headers: more = {} }) {
  if (/\/\.{1,2}$/.test(path)) return { status: 0, ok: false, body: { message: "A browser cannot send this id, since it treats it as a path step. Use curl." }, text: "" };
  const headers = { accept: "application/json", ...keyHeader(), ...more };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(address(path), { method, headers, body, cache: "no-store" });
    const text = await response.text();
    let read = {};
    try {
      read = JSON.parse(text);
    } catch {
      // Shown as it is.
    }
    return { status: response.status, ok: response.ok, body: read, text };
  } catch {
    return { status: 0, ok: false, body: { message: "The server is not responding." }, text: "" };
  }
}

/** The message of an error response. */
export const sentence = ({ status, body, text }) => body.message || body.error_message || text || `The server answered ${status}.`;

/** A capacity with its fraction, as the API writes it. */
export function capacity(number) {
  return Number.isInteger(number) && Math.abs(number) < 1e16 ? number.toFixed(1) : String(number);
}
