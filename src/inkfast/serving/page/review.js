// The review: one answer after the other, by keys or buttons; each is saved at once.

import { percent } from "./percent.js";
import { openStore } from "./review-store.js";
import { NOTHING, isWrong, totals } from "./review-totals.js";

const $ = (id) => document.getElementById(id);
const AHEAD = 5; // answers whose images are asked for before they are shown
const KEPT = 60; // images in memory
const TINY = 120; // pixels: a smaller image is enlarged without smoothing

const hasKeys = matchMedia("(pointer: fine)").matches; // on a phone a focus opens its keyboard
const looks = new Map(); // row -> promise of its images
const history = []; // what U takes back: items, each with the correction before
let store;
let items;
let at = 0;
let unsaved = 0;
let saving = Promise.resolve();

function look(item) {
  if (!looks.has(item.row)) {
    looks.set(item.row, store.look(item.row).catch((error) => ({ error: error.message })));
    if (looks.size > KEPT) looks.delete(looks.keys().next().value);
  }
  return looks.get(item.row);
}

/** Return the place of the next answer that is not checked, after `from` and then from the start. */
function nextUnchecked(from) {
  const places = [...items.keys()];
  return [...places.slice(from + 1), ...places.slice(0, from + 1)].find((place) => !items[place].corrected);
}

async function show(place) {
  at = place;
  const item = items[at];
  tell(item);
  const images = await look(item);
  if (items[at] === item) draw(item, images);
  let ahead = at;
  for (let more = 0; more < AHEAD; more += 1) {
    ahead = nextUnchecked(ahead);
    if (ahead === undefined) break;
    look(items[ahead]);
  }
}

function tell(item) {
  $("place").textContent = `· ${at + 1} of ${items.length}`;
  $("source").textContent = item.name;
  $("answer").textContent = item.answer || `no ${store.review.what}`;
  $("answer").classList.toggle("blank", !item.answer);
  $("sure").textContent = item.confidence === null ? "" : `${percent(item.confidence)} sure`;
  $("reason").textContent = item.unsure ? `unsure: ${item.unsure}` : "";
  $("runner-up").hidden = !item.runner_up;
  $("runner-up-word").textContent = `or ${item.runner_up} (${percent(item.runner_up_confidence ?? 0)})`;
  $("text").value = item.corrected;
  if (hasKeys) $("text").focus(); // and not on a button, which Enter would press again
  if (document.activeElement === $("text")) $("text").select();
  $("box").classList.toggle("unsure", Boolean(item.unsure));
  $("undo").disabled = !history.length;
  $("saved").textContent = item.corrected ? `checked: ${item.corrected}${isWrong(item) ? "" : ", as it was read"}` : "";
  word();
  count();
}

/** Say what Enter does: accept the answer, or save what was typed. */
function word() {
  $("enter-word").textContent = $("text").value.trim() ? "Save" : "Accept";
}

function draw(item, images) {
  $("cut").hidden = $("strip-part").hidden = Boolean(images.error);
  $("missing").hidden = !images.error;
  $("missing").textContent = images.error ?? "";
  if (images.error) return;
  const [width, height] = images.size;
  $("cut").style.setProperty("--ratio", width / height);
  $("photo").src = images.cut;
  $("photo").alt = `${item.name}: the image of the answer`;
  $("photo").classList.toggle("tiny", Math.max(width, height) < TINY);
  $("strip").src = images.seen;
  $("strip").alt = "the image as the network saw it";
  $("box").hidden = !images.box;
  if (!images.box) return;
  const sides = [["left", width], ["top", height], ["width", width], ["height", height]];
  sides.forEach(([side, whole], place) => {
    $("box").style[side] = `${(100 * images.box[place]) / whole}%`;
  });
}

function count() {
  const found = totals(items);
  $("progress").value = found.checked / found.all;
  $("checked").textContent = `${found.checked} of ${found.all}`;
  $("wrong").textContent = found.wrong;
  $("rate").textContent = "–";
  $("note").textContent = "";
  if (found.interval) {
    const [low, high] = found.interval.map((share) => (100 * share).toFixed(1));
    const rate = ((100 * found.sureWrong) / found.sure).toFixed(1);
    $("rate").textContent = `${found.sureWrong} of ${found.sure}: ${rate} % (${low} to ${high})`;
    const least = "The least sure were checked first: the others are likely to be better.";
    $("note").textContent = found.sureLeft && store.review.order !== "random" ? least : "";
  }
  if (found.checked === found.all) $("note").textContent = `All are checked. ${store.review.kept}`;
}

/** Correct an answer, show the next one, and save meanwhile. */
function decide(text) {
  const item = items[at];
  const fault = wrongText(text);
  complain(fault);
  if (fault) return;
  if (text !== item.corrected) {
    history.push({ item, was: item.corrected });
    save(item, text);
  }
  const place = nextUnchecked(at);
  show(place ?? Math.min(at + 1, items.length - 1));
}

function wrongText(text) {
  if (!text || text === NOTHING) return "";
  const { what, alphabet } = store.review;
  if (what === "digit") return /^[0-9]$/.test(text) ? "" : `Expected a digit from 0 to 9, got ${text}.`;
  const other = [...text].find((sign) => !alphabet.includes(sign));
  return other ? `Expected a number of the characters ${alphabet.trim()}, got ${other}.` : "";
}

/** Save one correction after the other; one that cannot be saved is shown again. */
function save(item, text) {
  const was = item.corrected;
  item.corrected = text;
  unsaved += 1;
  document.body.dataset.unsaved = unsaved;
  saving = saving.then(() => store.save(item, text, was)).catch((error) => {
    item.corrected = was;
    show(items.indexOf(item));
    complain(error.message);
  }).finally(() => {
    unsaved -= 1;
    document.body.dataset.unsaved = unsaved;
  });
}

function complain(sentence) {
  $("fault").textContent = sentence;
  $("fault").hidden = !sentence;
}

function enter() {
  const item = items[at];
  decide($("text").value.trim().toLowerCase() || item.answer || NOTHING);
}

function undo() {
  const last = history.pop();
  if (!last) return;
  complain("");
  save(last.item, last.was);
  show(items.indexOf(last.item));
}

function move(step) {
  complain("");
  show((at + step + items.length) % items.length);
}

const keys = {
  n: () => decide(NOTHING),
  r: () => items[at].runner_up && decide(items[at].runner_up),
  u: undo,
  Escape: () => {
    $("text").value = "";
    word();
  },
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === $("by")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const edited = $("text").value !== items[at].corrected;
  if (keys[key] && !(key.startsWith("Arrow") && edited)) {
    event.preventDefault();
    keys[key]();
  } else if (event.key === "Enter" && event.target === document.body) {
    enter();
  } else if (event.target !== $("text") && event.key.length === 1) {
    $("text").focus(); // the character arrives there
  }
}

function download() {
  store.review.by = $("by").value.trim();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([store.csv()], { type: "text/csv" }));
  link.download = `${store.review.stem}.corrections.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function start() {
  try {
    store = await openStore();
  } catch (error) {
    document.querySelector("main").hidden = true;
    document.querySelector("header p").textContent = error.message;
    return;
  }
  items = store.review.items;
  $("name").textContent = store.review.name;
  $("nothing-word").textContent = $("nothing-help").textContent = `no ${store.review.what}`;
  $("text").inputMode = store.review.what === "digit" ? "numeric" : "tel";
  $("take").hidden = !store.csv;
  $("by").value = store.review.by;
  $("by").addEventListener("input", () => (store.review.by = $("by").value.trim()));
  $("download").addEventListener("click", download);
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    enter();
  });
  $("text").addEventListener("input", word);
  $("nothing").addEventListener("click", keys.n);
  $("runner-up").addEventListener("click", keys.r);
  $("undo").addEventListener("click", undo);
  $("back").addEventListener("click", keys.ArrowLeft);
  $("skip").addEventListener("click", keys.ArrowRight);
  document.addEventListener("keydown", press);
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
  show(nextUnchecked(-1) ?? 0);
}

start();
