// Accuracy against strength: a line for each network, and a mark at the slider's strength.

import { title } from "./cards.js";
import { percent } from "./percent.js";

const [WIDTH, HEIGHT] = [560, 250];
const AREA = { left: 44, right: 486, top: 12, bottom: 212 };
const GAP = 15; // between the names at the lines' ends

function svg(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Interpolate linearly between measured values. */
export function interpolate(strengths, values, at) {
  const right = strengths.findIndex((strength) => strength >= at);
  if (right < 0) return values.at(-1);
  if (right === 0) return values[0];
  const [low, high] = [strengths[right - 1], strengths[right]];
  return values[right - 1] + ((values[right] - values[right - 1]) * (at - low)) / (high - low);
}

export class Chart {
  constructor(root, curves, models) {
    this.curves = curves;
    this.models = models;
    this.slider = null;
    this.root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    root.append(this.root);
  }

  /** Draw the lines of one slider. */
  of(slider) {
    if (this.slider === slider) return;
    this.slider = slider;
    this.root.replaceChildren();
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = this.y(share);
      this.root.append(
        svg("line", { x1: AREA.left, x2: AREA.right, y1: y, y2: y, class: "grid" }),
        svg("text", { x: AREA.left - 8, y: y + 4, class: "end" }, `${100 * share}${share === 1 ? " %" : ""}`),
      );
    }
    for (const value of new Set([slider.low, slider.neutral, slider.high])) {
      const label = `${value}${slider.unit}`;
      this.root.append(svg("text", { x: this.x(value), y: AREA.bottom + 20, class: "middle" }, label));
    }
    const { strengths, accuracy } = this.curves[slider.name];
    this.mark = svg("line", { y1: AREA.top, y2: AREA.bottom, class: "mark" });
    this.root.append(this.mark);
    this.dots = {};
    for (const name of this.models) {
      const points = strengths.map((s, i) => `${this.x(s)},${this.y(accuracy[name][i])}`);
      this.dots[name] = svg("circle", { r: 5, class: `dot ${name}` });
      this.root.append(svg("polyline", { points: points.join(" "), class: `line ${name}` }), this.dots[name]);
    }
    this.names(accuracy);
  }

  /** Write each network's name at the end of its line, without overlap. */
  names(accuracy) {
    const ends = this.models.map((name) => ({ name, y: this.y(accuracy[name].at(-1)) }));
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => {
      if (i) end.y = Math.max(end.y, ends[i - 1].y + GAP);
    });
    const over = Math.max(0, ends.at(-1).y - AREA.bottom);
    for (const { name, y } of ends) {
      const text = svg("text", { x: AREA.right + 8, y: y - over + 4, class: `name ${name}` }, title(name));
      this.root.append(text);
    }
  }

  /** Mark a strength; return the accuracies there as text. */
  at(strength) {
    const { strengths, accuracy } = this.curves[this.slider.name];
    const x = this.x(strength);
    this.mark.setAttribute("x1", x);
    this.mark.setAttribute("x2", x);
    const accuracies = this.models.map((name) => {
      const share = interpolate(strengths, accuracy[name], strength);
      this.dots[name].setAttribute("cx", x);
      this.dots[name].setAttribute("cy", this.y(share));
      return `${title(name)} ${percent(share)}`;
    });
    this.root.setAttribute("aria-label", `Accuracy: ${accuracies.join(", ")}`);
    return accuracies.join(" · ");
  }

  x(value) {
    const { low, high } = this.slider;
    return AREA.left + ((AREA.right - AREA.left) * (value - low)) / (high - low);
  }

  y(share) {
    return AREA.bottom - (AREA.bottom - AREA.top) * share;
  }
}
