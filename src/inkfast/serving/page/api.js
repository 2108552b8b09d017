// What the page asks of its server, one question at a time, the newest first.

const token = new URLSearchParams(location.hash.slice(1)).get("token");
const headers = token ? { Authorization: `Bearer ${token}` } : {};

export const needsToken = Boolean(token);

async function answered(response) {
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new Error(content.error || `The server answered ${response.status}.`);
}

export async function describe() {
  return answered(await fetch("/v1/lab", { headers }));
}

/** The path of a question: sliders that are neutral are left out. */
export function path(strengths, neutral, extra = {}) {
  const moved = Object.entries(strengths).filter(([name, value]) => value !== neutral[name]);
  const query = new URLSearchParams({ ...Object.fromEntries(moved), ...extra });
  return `/v1/lab${query.size ? `?${query}` : ""}`;
}

export async function look(picture, where) {
  const body = { method: "POST", body: picture, headers };
  return answered(await fetch(where, body));
}

/** A function that runs `work` again as soon as it may, never twice at once. */
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

/** The bytes in a text. */
export function pixels(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
