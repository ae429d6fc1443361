// REST from the browser as the signed-in person: same origin, cookie, and the header that tells our writes from forged ones.

/** An answer other than 2xx. `code` is the problem document's stable word, `errors` its list for bad input. */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `HTTP ${status}`);
    this.status = status;
    this.code = body?.code || (typeof body?.type === "string" ? body.type.split("/").pop() : "") || "unknown";
    this.errors = body?.errors ?? [];
    this.body = body;
  }
}

let signedOut = null;

/** Have `fn` told that the sign-in is over, instead of being led to the sign-in page; it answers whether it took care.
 * Returns the function that ends it. */
export const whenSignedOut = (fn) => {
  signedOut = fn;
  return () => {
    if (signedOut === fn) signedOut = null;
  };
};

const call = async (method, url, body, { signal, headers } = {}) => {
  const init = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") init.headers["X-PyTake-CSRF"] = "1";
  if (body instanceof FormData) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline", detail: error.message });
  }
  if (answer.status === 401) {
    if (!signedOut?.()) window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
    throw new ApiError(401, { code: "unauthorized" });
  }
  const text = await answer.text();
  let parsed = null;
  try {
    parsed = text ? JSON.parse(text) : null;
  } catch {
    parsed = { detail: text.slice(0, 200) }; // a proxy's HTML page: keep the beginning for the message
  }
  if (parsed?.code === "plan_limit") window.dispatchEvent(new CustomEvent("pytake:plan-limit", { detail: parsed })); // said by plan_notice.js
  if (!answer.ok) throw new ApiError(answer.status, parsed);
  return parsed;
};

/** Every row of a list, page by page. */
const all = async (url) => {
  const items = [];
  let cursor = null;
  do {
    const page = await call("GET", `${url}${url.includes("?") ? "&" : "?"}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...(page.items ?? []));
    cursor = page.next_cursor;
  } while (cursor);
  return items;
};

/** `await api.get("/api/v1/flows?limit=50")`, `await api.post(url, body)`, …; throws ApiError; a 401 leads to the sign-in page. `await api.all(url)` reads a list to its end. */
export const api = {
  all,
  get: (url, options) => call("GET", url, undefined, options),
  post: (url, body, options) => call("POST", url, body ?? {}, options),
  put: (url, body, options) => call("PUT", url, body, options),
  patch: (url, body, options) => call("PATCH", url, body, options),
  delete: (url, options) => call("DELETE", url, undefined, options),
};
