// The Noise Lab: every movement of pen or slider asks the server once, and shows what it says.

import { describe, latest, look, needsToken, path, pixels } from "./api.js";
import { Card } from "./cards.js";
import { Chart } from "./chart.js";
import { Pad } from "./pad.js";
import { asPng, paint } from "./pixels.js";
import { Sliders } from "./sliders.js";
import { offerSamples } from "./samples.js";

const $ = (id) => document.getElementById(id);
const REST = 250; // milliseconds of quiet after which what mattered is asked for
const SPEAK = 700; // and after which a screen reader is told

let seed = 1;
let seen = null; // what came back last
let heat = null;
let resting = 0;
let speaking = 0;

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = !text;
  clearTimeout(toast.timer);
  if (text) toast.timer = setTimeout(() => toast(""), 5000);
}

async function start() {
  const { models, sliders: kinds, curves } = await describe();
  const cards = models.map((model) => new Card(model));
  $("cards").append(...cards.map((card) => card.root));
  const sliders = new Sliders($("sliders"), kinds, () => moved());
  const chart = new Chart($("chart"), curves.curves, models.map((model) => model.name));
  const pad = new Pad($("pad"), () => ask());
  const ask = latest(answer);

  function moved() {
    chart.of(sliders.active);
    const strength = sliders.strengths[sliders.active.name];
    $("which").textContent = `under ${sliders.active.title.toLowerCase()}`;
    const where = `${sliders.active.title} ${sliders.said(sliders.active)}`;
    $("reading").textContent = `${where}: ${chart.at(strength)} of ${curves.n.toLocaleString("en")} MNIST test digits.`;
    ask();
  }

  async function answer() {
    $("hint").hidden = !pad.blank;
    clearTimeout(resting);
    if (pad.blank) {
      $("time").textContent = "";
      show(null);
      return;
    }
    const picture = await pad.bytes();
    const began = performance.now();
    try {
      const told = await look(picture, where());
      $("time").textContent = `answered in ${Math.round(performance.now() - began)} ms`;
      show(told);
      // a photograph is sent once: from then on the 28x28 pixels that were made of it
      if (told.clean && picture === pad.file) {
        pad.file = new Blob([pixels(asPng(pixels(told.clean)))], { type: "image/png" });
      }
    } catch (error) {
      toast(error.message);
    }
    if ($("heat").checked) resting = setTimeout(() => warm(picture), REST);
  }

  async function warm(picture) {
    const asked = where();
    try {
      const told = await look(picture, where({ heat: true }));
      if (asked !== where()) return; // a slider has moved since
      heat = Object.fromEntries(Object.entries(told.heat).map(([name, map]) => [name, pixels(map)]));
      show(told);
    } catch (error) {
      toast(error.message);
    }
  }

  function where(extra = {}) {
    return path(sliders.strengths, sliders.neutral, { seed, ...extra });
  }

  function show(told) {
    seen = told?.seen ? told : null;
    $("chain").textContent = seen?.noise ?? "none";
    paint($("seen"), seen ? pixels(seen.seen) : new Uint8Array(784));
    if (!told) {
      for (const card of cards) card.blank();
      return;
    }
    const expected = pad.label ?? told.clean_digit;
    const grey = seen ? pixels(seen.seen) : null;
    const maps = $("heat").checked && seen ? heat : null;
    const said = cards.map((card) => card.show(told.answers[card.name], expected, grey, maps?.[card.name]));
    clearTimeout(speaking);
    speaking = setTimeout(() => ($("told").textContent = said.join(" ")), SPEAK);
  }

  async function take(file, label = null) {
    try {
      heat = null;
      await pad.take(file, label);
    } catch {
      toast("This is no picture that the browser can show: take a PNG, JPEG, WebP, BMP or GIF.");
    }
  }

  $("clear").addEventListener("click", () => {
    pad.clear();
    ask();
  });
  $("file").addEventListener("change", (event) => {
    if (event.target.files[0]) take(event.target.files[0]);
    event.target.value = "";
  });
  $("reset").addEventListener("click", () => sliders.reset());
  $("redraw").addEventListener("click", () => {
    seed = (seed % 2 ** 30) + 1;
    ask();
  });
  $("heat").addEventListener("change", () => {
    heat = null;
    ask();
  });
  $("play").addEventListener("click", () => sliders.play($("play")));
  $("curl").addEventListener("click", () => copyCurl(where()));
  bring(take);
  moved();
  await offerSamples($("samples"), take);
}

/** Take pictures that are pasted or dropped. */
function bring(take) {
  const first = (files) => [...files].find((file) => file.type.startsWith("image/"));
  document.addEventListener("paste", (event) => {
    const file = first(event.clipboardData?.files ?? []);
    if (file) take(file);
    else toast("There is no picture in the clipboard.");
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = first(event.dataTransfer.files);
    if (file) take(file);
  });
  $("paste").addEventListener("click", async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const kind = item.types.find((type) => type.startsWith("image/"));
        if (kind) {
          take(await item.getType(kind));
          return;
        }
      }
      toast("There is no picture in the clipboard.");
    } catch {
      toast("The browser keeps its clipboard to itself: press Ctrl+V or ⌘V.");
    }
  });
}

async function copyCurl(where) {
  if (!seen) {
    toast("Write a digit first.");
    return;
  }
  const png = asPng(pixels(seen.clean));
  const token = needsToken ? ' -H "Authorization: Bearer $INKFAST_TOKEN"' : "";
  const line = `echo ${png} | base64 -d | curl -s${token} --data-binary @- '${location.origin}${where}'`;
  try {
    await navigator.clipboard.writeText(line);
    toast("Copied: the clean digit, the noise and the question, for a terminal.");
  } catch {
    toast("The browser does not let pages copy.");
  }
}

start().catch((error) => toast(error.message));
