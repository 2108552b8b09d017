// A slider for each corruption; the chart shows the one that was moved last.

const SWEEP = 4000; // milliseconds from neutral to the strongest
const FIRST = "gaussian"; // the active one when the page opens

export class Sliders {
  constructor(root, kinds, changed) {
    this.kinds = kinds;
    this.changed = changed;
    this.neutral = Object.fromEntries(kinds.map((kind) => [kind.name, kind.neutral]));
    this.strengths = { ...this.neutral };
    this.active = kinds.find((kind) => kind.name === FIRST);
    this.inputs = {};
    this.playing = 0;
    for (const kind of kinds) root.append(this.row(kind));
    this.mark();
  }

  row(kind) {
    const row = document.createElement("div");
    row.className = "slider";
    const label = document.createElement("label");
    label.htmlFor = `slider-${kind.name}`;
    label.textContent = kind.title;
    const input = document.createElement("input");
    const range = { type: "range", id: label.htmlFor, min: kind.low, max: kind.high, step: kind.step };
    Object.assign(input, range, { value: kind.neutral });
    const output = document.createElement("span"); // an <output> would be read aloud at each step
    input.addEventListener("input", () => {
      this.stop();
      this.set(kind, Number(input.value));
    });
    input.addEventListener("focus", () => this.choose(kind));
    this.inputs[kind.name] = { row, input, output };
    row.append(label, input, output);
    this.update(kind);
    return row;
  }

  /** Format a slider's strength. */
  format(kind) {
    const decimals = kind.step >= 1 ? 0 : kind.step >= 0.1 ? 1 : 2;
    return `${this.strengths[kind.name].toFixed(decimals)}${kind.unit}`;
  }

  update(kind) {
    const { input, output } = this.inputs[kind.name];
    output.textContent = this.format(kind);
    input.setAttribute("aria-valuetext", output.textContent);
    const share = (this.strengths[kind.name] - kind.low) / (kind.high - kind.low);
    input.style.setProperty("--share", share);
  }

  set(kind, strength) {
    this.strengths[kind.name] = strength;
    this.inputs[kind.name].input.value = strength;
    this.active = kind;
    this.update(kind);
    this.mark();
    this.changed();
  }

  choose(kind) {
    if (this.active === kind) return;
    this.active = kind;
    this.mark();
    this.changed();
  }

  mark() {
    for (const kind of this.kinds) {
      this.inputs[kind.name].row.classList.toggle("active", kind === this.active);
    }
  }

  reset() {
    this.stop();
    this.strengths = { ...this.neutral };
    for (const kind of this.kinds) {
      this.inputs[kind.name].input.value = kind.neutral;
      this.update(kind);
    }
    this.changed();
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    if (this.button) this.button.textContent = "Break it";
  }

  /** Sweep the active slider from neutral to its end, or stop. */
  play(button) {
    if (this.playing) {
      this.stop();
      return;
    }
    this.button = button;
    button.textContent = "Stop";
    const kind = this.active;
    const began = performance.now();
    const frame = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / SWEEP));
      const steps = Math.round(((kind.high - kind.neutral) * share) / kind.step);
      const strength = Number((kind.neutral + steps * kind.step).toFixed(4));
      if (strength !== this.strengths[kind.name]) this.set(kind, strength);
      if (share < 1) this.playing = requestAnimationFrame(frame);
      else this.stop();
    };
    this.playing = requestAnimationFrame(frame);
  }
}
