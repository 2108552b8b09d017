// Where corrections are kept: by the server, or in the browser if the page holds its images itself.

import { headers, readJson } from "./api.js";

const ENDED = "The server does not answer. What was saved is kept: start inkfast review again, and open its new address.";

export async function openStore() {
  const embedded = document.getElementById("embedded");
  if (embedded) return new EmbeddedStore(JSON.parse(embedded.textContent));
  return new ServerStore(await ask("/v1/review"));
}

async function ask(path, options = {}) {
  const response = await fetch(path, { headers, ...options }).catch(() => {
    throw new Error(ENDED);
  });
  if (response.status === 401) throw new Error(ENDED);
  return readJson(response);
}

class ServerStore {
  constructor(review) {
    this.review = review;
  }

  /** Return what is shown of a row: its cut, its box on the cut, and what the network saw. */
  look(row) {
    return ask(`/v1/review/${row}`);
  }

  save(item, corrected, was) {
    const sent = { "Content-Type": "application/json", ...headers };
    return ask(`/v1/review/${item.row}`, { method: "PUT", headers: sent, body: JSON.stringify({ corrected, was }) });
  }
}

class EmbeddedStore {
  constructor({ review, looks, columns, rows, key }) {
    Object.assign(this, { review, looks, columns, rows, key: `inkfast review ${key}` });
    const kept = this.kept();
    for (const item of review.items) [item.corrected] = kept[item.row] ?? item.said;
  }

  /** Return what was said in this browser: correction, name and time by row. */
  kept() {
    return JSON.parse(localStorage.getItem(this.key) ?? "{}");
  }

  async look(row) {
    return this.looks[row];
  }

  async save(item, corrected, was) {
    const kept = this.kept();
    const [known] = kept[item.row] ?? item.said;
    if (known !== was) {
      throw new Error(`${item.name} was corrected to ${known || "nothing"} on another page meanwhile. Reload this page.`);
    }
    const at = `${new Date().toISOString().slice(0, 19)}+00:00`;
    kept[item.row] = corrected ? [corrected, this.review.by, at] : ["", "", ""];
    localStorage.setItem(this.key, JSON.stringify(kept));
  }

  /** Return the corrections as the CSV file that `inkfast` keeps beside answers. */
  csv() {
    const quote = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    const lines = [["row", ...this.columns, "corrected", "corrected_by", "corrected_at"]];
    const kept = this.kept();
    for (const { row, said } of [...this.review.items].sort((one, other) => one.row - other.row)) {
      const [corrected, by, at] = kept[row] ?? said;
      if (corrected) lines.push([String(row), ...this.rows[row], corrected, by || this.review.by, at]);
    }
    return `${lines.map((line) => line.map(quote).join(",")).join("\n")}\n`;
  }
}
