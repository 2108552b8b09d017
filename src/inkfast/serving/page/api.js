// Requests of the page to its server: one at a time, always the newest.

const token = new URLSearchParams(location.hash.slice(1)).get("token");
export const headers = token ? { Authorization: `Bearer ${token}` } : {};

export const needsToken = Boolean(token);

export async function readJson(response) {
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new Error(content.error || `The server answered ${response.status}.`);
}

export async function describe() {
  return readJson(await fetch("/v1/lab", { headers }));
}

/** Return the path of a request; neutral sliders are left out. */
export function labPath(strengths, neutral, extra = {}) {
  const moved = Object.entries(strengths).filter(([name, value]) => value !== neutral[name]);
  const query = new URLSearchParams({ ...Object.fromEntries(moved), ...extra });
  return `/v1/lab${query.size ? `?${query}` : ""}`;
}

export async function predict(image, path) {
  return readJson(await fetch(path, { method: "POST", body: image, headers }));
}

/** Read the numbers on an image file; options that are empty are left out. */
export async function readNumbers(file, options) {
  const given = Object.entries(options).filter(([, value]) => value !== "");
  const query = new URLSearchParams(Object.fromEntries(given));
  return predict(file, `/v1/read${query.size ? `?${query}` : ""}`);
}

/** Return a function that runs `work`, once more after a run if it was called during it. */
export function latest(work) {
  let running = false;
  let waiting = false;
  return async function again() {
    if (running) {
      waiting = true;
      return;
    }
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (waiting) {
        waiting = false;
        again();
      }
    }
  };
}

/** Decode base64 into bytes. */
export function decodePixels(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
