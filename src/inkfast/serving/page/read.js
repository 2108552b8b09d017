// Numbers of a photograph: boxes on the image, rows in a table, the same rows as CSV.

import { latest, readNumbers } from "./api.js";
import { percent } from "./percent.js";

const $ = (id) => document.getElementById(id);
const LONGEST = 1600; // pixels of a photograph on the page
const SHOWN = ["page", "line", "number", "text", "confidence", "unsure"];
const COLUMNS = [
  "file", "page", "line", "number", "text", "confidence", "runner_up_text", "runner_up_confidence", "unsure",
  "left", "top", "width", "height", "slope", "turned", "error",
]; // of `inkfast read`

let file = null;
let rows = [];

const read = latest(async () => {
  if (!file) return;
  const asked = file;
  const began = performance.now();
  clear();
  $("summary").textContent = `reading ${asked.name} …`;
  try {
    const options = { expect: $("expect").value, per_line: $("per-line").checked ? 1 : "" };
    const { pages, drift_warning: drift } = await readNumbers(asked, options);
    $("time").textContent = `answered in ${Math.round(performance.now() - began)} ms`;
    await show(asked, pages, drift);
  } catch (error) {
    $("summary").textContent = error.message;
  }
});

/** Remove what was read before: it belongs to another file. */
function clear() {
  rows = [];
  $("pages").replaceChildren();
  $("rows").replaceChildren();
  $("save").disabled = true;
  $("time").textContent = "";
}

async function show(source, pages, drift) {
  rows = pages.flatMap((page) => page.numbers.map((number) => ({
    file: source.name, page: page.page, ...number, turned: page.turned, error: "",
  })));
  const picture = pages.length === 1 ? await createImageBitmap(source).catch(() => null) : null;
  $("pages").replaceChildren(...pages.filter((page) => page.width).map((page) => sheet(page, picture)));
  $("rows").replaceChildren(...rows.map(tableRow));
  $("save").disabled = !rows.length;
  $("summary").textContent = summary(pages, drift);
}

function summary(pages, drift) {
  const unsure = rows.filter((row) => row.unsure).length;
  const leftOut = pages.reduce((sum, page) => sum + (page.left_out ?? 0), 0);
  const faults = pages.flatMap((page) => [page.warning, page.error]).filter(Boolean);
  const counts = [count(rows.length, "number"), `${unsure} unsure`, `${count(leftOut, "mark")} left out`];
  return [counts.join(", "), ...faults, drift].filter(Boolean).join(". ");
}

const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** Return a page with a box at each number; without its image if the browser cannot decode it. */
function sheet(page, picture) {
  const root = document.createElement("div");
  root.className = picture ? "sheet" : "sheet bare";
  if (!picture) {
    root.textContent = `Page ${page.page}: ${page.lines.map((line) => line.join("  ")).join(" / ") || "no numbers"}`;
    return root;
  }
  root.append(paper(page, picture));
  page.numbers.forEach((number) => root.append(box(page, number)));
  return root;
}

/** Draw the photograph as it was read: upright, and turned if the server turned it. */
function paper(page, picture) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, LONGEST / Math.max(page.width, page.height));
  canvas.width = Math.max(1, Math.round(scale * page.width));
  canvas.height = Math.max(1, Math.round(scale * page.height));
  const pen = canvas.getContext("2d");
  const sideways = page.turned % 180 !== 0;
  const [width, height] = sideways ? [canvas.height, canvas.width] : [canvas.width, canvas.height];
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate((page.turned * Math.PI) / 180);
  pen.drawImage(picture, -width / 2, -height / 2, width, height);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Page ${page.page} with ${count(page.numbers.length, "number")}`);
  return canvas;
}

function box(page, number) {
  const root = document.createElement("div");
  root.className = number.unsure ? "number unsure" : "number";
  root.dataset.key = `${page.page}-${number.number}`;
  root.classList.toggle("below", number.top < 0.06 * page.height);
  root.style.left = `${(100 * number.left) / page.width}%`;
  root.style.top = `${(100 * number.top) / page.height}%`;
  root.style.width = `${(100 * number.width) / page.width}%`;
  root.style.height = `${(100 * number.height) / page.height}%`;
  const text = document.createElement("b");
  text.textContent = number.unsure ? `${number.text} ?` : number.text;
  root.title = number.unsure;
  root.append(text);
  return root;
}

function tableRow(row) {
  const root = document.createElement("tr");
  root.className = row.unsure ? "unsure" : "";
  for (const name of SHOWN) {
    const cell = document.createElement("td");
    cell.textContent = name === "confidence" ? percent(row.confidence) : row[name];
    root.append(cell);
  }
  const own = `.number[data-key="${row.page}-${row.number}"]`;
  for (const [event, on] of [["mouseenter", true], ["mouseleave", false]]) {
    root.addEventListener(event, () => document.querySelector(own)?.classList.toggle("chosen", on));
  }
  return root;
}

function save() {
  const quote = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => quote(row[name])))];
  const blob = new Blob([`${lines.map((line) => line.join(",")).join("\n")}\n`], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${file.name.replace(/\.[^.]*$/, "")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function take(given) {
  if (!given) return;
  file = given;
  read();
}

$("lab").href = `/${location.hash}`; // with the token, if there is one
$("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = "";
});
$("expect").addEventListener("change", () => read());
$("per-line").addEventListener("change", () => read());
$("save").addEventListener("click", save);
document.addEventListener("paste", (event) => take(event.clipboardData?.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
