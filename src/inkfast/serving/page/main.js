// The Noise Lab: every movement of pen or slider sends one request and shows the predictions.

import { decodePixels, describe, labPath, latest, needsToken, predict } from "./api.js";
import { Card } from "./cards.js";
import { Chart } from "./chart.js";
import { Pad } from "./pad.js";
import { encodePng, paint } from "./pixels.js";
import { Sliders } from "./sliders.js";
import { offerSamples } from "./samples.js";

const $ = (id) => document.getElementById(id);
const REST = 250; // milliseconds without a change after which occlusion maps are requested
const SPEAK = 700; // and after which a screen reader announces the predictions

let seed = 1;
let latestResponse = null; // null while the paper is blank
let occlusion = null;
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
  const ask = latest(sendRequest);

  function moved() {
    chart.of(sliders.active);
    const strength = sliders.strengths[sliders.active.name];
    $("which").textContent = `under ${sliders.active.title.toLowerCase()}`;
    const position = `${sliders.active.title} ${sliders.format(sliders.active)}`;
    $("reading").textContent = `${position}: ${chart.at(strength)} of ${curves.n.toLocaleString("en")} MNIST test digits.`;
    ask();
  }

  async function sendRequest() {
    $("hint").hidden = !pad.blank;
    clearTimeout(resting);
    if (pad.blank) {
      $("time").textContent = "";
      show(null);
      return;
    }
    const image = await pad.bytes();
    const began = performance.now();
    try {
      const response = await predict(image, requestPath());
      $("time").textContent = `answered in ${Math.round(performance.now() - began)} ms`;
      show(response);
      // an uploaded image is sent once, from then on its 28x28 pixels
      if (response.clean && image === pad.file) {
        pad.file = pngFile(response.clean);
        if (response.warning) toast(response.warning);
      }
    } catch (error) {
      toast(error.message);
    }
    if ($("occlusion").checked) resting = setTimeout(() => requestOcclusion(image), REST);
  }

  async function requestOcclusion(image) {
    const path = requestPath();
    try {
      const response = await predict(image, requestPath({ occlusion: true }));
      if (path !== requestPath()) return; // a slider has moved since
      occlusion = Object.fromEntries(
        Object.entries(response.occlusion).map(([name, map]) => [name, decodePixels(map)]),
      );
      show(response);
    } catch (error) {
      toast(error.message);
    }
  }

  function requestPath(extra = {}) {
    return labPath(sliders.strengths, sliders.neutral, { seed, ...extra });
  }

  function show(response) {
    latestResponse = response?.seen ? response : null;
    const grey = latestResponse ? decodePixels(latestResponse.seen) : null;
    $("chain").textContent = latestResponse?.noise ?? "none";
    paint($("seen"), grey ?? new Uint8Array(784));
    if (!response) {
      for (const card of cards) card.blank();
      return;
    }
    const expected = pad.label ?? response.clean_digit;
    const maps = $("occlusion").checked && latestResponse ? occlusion : null;
    const sentences = cards.map((card) =>
      card.show(response.predictions[card.name], expected, grey, maps?.[card.name]),
    );
    clearTimeout(speaking);
    speaking = setTimeout(() => ($("announcement").textContent = sentences.join(" ")), SPEAK);
  }

  async function take(file, label = null) {
    occlusion = null;
    try {
      await pad.take(file, label);
    } catch {
      if (/pdf|tiff|hei[cf]/.test(file.type)) await takeThroughServer(file);
      else toast("The browser cannot show this file: use a PNG, JPEG, WebP, BMP, GIF or PDF file.");
    }
  }

  /** Take a file that the browser cannot decode, such as a PDF, as the server's 28x28 pixels. */
  async function takeThroughServer(file) {
    try {
      const response = await predict(file, labPath({}, {}));
      if (!response.clean) throw new Error("No ink was found in this file.");
      await pad.take(pngFile(response.clean));
      if (response.warning) toast(response.warning);
    } catch (error) {
      toast(error.message);
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
  $("occlusion").addEventListener("change", () => {
    occlusion = null;
    ask();
  });
  $("play").addEventListener("click", () => sliders.play($("play")));
  $("curl").addEventListener("click", () => copyCurl(requestPath()));
  acceptImages(take);
  moved();
  await offerSamples($("samples"), take);
}

/** Return 28x28 grey values in base64 as a PNG file. */
function pngFile(pixels) {
  return new Blob([decodePixels(encodePng(decodePixels(pixels)))], { type: "image/png" });
}

/** Accept images that are pasted or dropped. */
function acceptImages(take) {
  const first = (files) => [...files].find((file) => /^image\/|\/pdf$/.test(file.type));
  document.addEventListener("paste", (event) => {
    const file = first(event.clipboardData?.files ?? []);
    if (file) take(file);
    else toast("There is no image in the clipboard.");
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
      toast("There is no image in the clipboard.");
    } catch {
      toast("The browser does not let pages read the clipboard: press Ctrl+V or ⌘V.");
    }
  });
}

async function copyCurl(path) {
  if (!latestResponse) {
    toast("Write a digit first.");
    return;
  }
  const png = encodePng(decodePixels(latestResponse.clean));
  const token = needsToken ? ' -H "Authorization: Bearer $INKFAST_TOKEN"' : "";
  const line = `echo ${png} | base64 -d | curl -s${token} --data-binary @- '${location.origin}${path}'`;
  try {
    await navigator.clipboard.writeText(line);
    toast("Copied: a command that sends the clean digit and the noise.");
  } catch {
    toast("The browser does not let pages write to the clipboard.");
  }
}

$("read").href += location.hash; // with the token, if there is one
start().catch((error) => toast(error.message));
