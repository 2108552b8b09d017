// A card for each network: its prediction, its confidence, and whether it holds under the noise.

import { percent } from "./percent.js";
import { paint } from "./pixels.js";

const NAMES = {
  dense: ["Dense", "every pixel to every unit"],
  cnn: ["CNN", "a plain convolutional network"],
  reader: ["Reader", "convolutional, trained under noise"],
};

export const title = (name) => NAMES[name]?.[0] ?? name;

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

export class Card {
  constructor(model) {
    this.name = model.name;
    this.root = element("article", "card");
    this.root.dataset.model = model.name;
    const head = element("div", "head");
    head.append(element("h3", "", title(model.name)), element("p", "what", NAMES[model.name]?.[1] ?? ""));
    this.digit = element("p", "digit", "–");
    this.sure = element("p", "sure");
    this.state = element("p", "state");
    const verdict = element("div", "verdict");
    const words = element("div", "words");
    words.append(this.state, this.sure);
    this.map = element("canvas", "map");
    this.map.width = this.map.height = 28;
    this.map.hidden = true;
    this.map.setAttribute("role", "img");
    this.map.setAttribute("aria-label", `Occlusion map of ${title(model.name)}`);
    verdict.append(this.digit, words, this.map);
    this.bars = element("ol", "bars");
    this.bars.setAttribute("aria-label", "Probability of each digit");
    for (let digit = 0; digit < 10; digit += 1) {
      const item = element("li", "");
      item.append(element("i", ""), element("span", "", String(digit)));
      this.bars.append(item);
    }
    this.root.append(head, verdict, this.bars);
  }

  blank() {
    this.root.dataset.state = "blank";
    this.digit.textContent = "–";
    this.sure.textContent = "";
    this.state.textContent = "waiting for ink";
    this.map.hidden = true;
    for (const item of this.bars.children) {
      item.firstChild.style.transform = "scaleY(0)";
      item.classList.remove("top");
    }
  }

  show(prediction, expected, pixels, occlusion) {
    const holds = prediction.digit === expected;
    const state = prediction.unsure ? "unsure" : holds ? "holds" : "fooled";
    this.root.dataset.state = state;
    this.digit.textContent = prediction.digit ?? "–";
    this.sure.textContent = `${percent(prediction.confidence)}${prediction.unsure ? `: ${prediction.unsure}` : " sure"}`;
    this.state.textContent = { unsure: "unsure", holds: "holds", fooled: "fooled" }[state];
    [...this.bars.children].forEach((item, digit) => {
      const share = prediction.probabilities[digit];
      item.firstChild.style.transform = `scaleY(${Math.max(share, 0.008)})`;
      item.classList.toggle("top", digit === prediction.digit);
      item.title = `${digit}: ${percent(share)}`;
    });
    this.map.hidden = !occlusion;
    if (occlusion) paint(this.map, pixels, occlusion);
    return `${title(this.name)} says ${prediction.digit ?? "nothing"}, ${this.sure.textContent}, ${this.state.textContent}.`;
  }
}
