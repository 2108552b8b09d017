// The drawing area: strokes of mouse, finger or pen, or an uploaded image.

const INK = "#000";
const WIDTH = 17; // of a stroke; the paper of 280 pixels becomes MNIST's 28

export class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.changed = changed;
    this.label = null; // known for samples only
    this.file = null; // an uploaded image, sent as it is
    this.pointer = null;
    this.last = null;
    this.blank = true;
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.end(event));
    }
  }

  clear() {
    const { width, height } = this.canvas;
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, width, height);
    this.file = null;
    this.label = null;
    this.blank = true;
    this.canvas.dataset.kind = "strokes";
  }

  begin(event) {
    if (event.button > 0) return;
    event.preventDefault();
    if (this.file) this.clear();
    this.label = null;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.line(this.last, this.last);
    this.blank = false;
    this.changed();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const next = this.place(one);
      this.line(this.last, next);
      this.last = next;
    }
    this.changed();
  }

  end(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    // a mouse presses with 0.5; a pen thins and swells its stroke
    const press = event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1;
    return {
      x: (event.clientX - box.left) * scale,
      y: (event.clientY - box.top) * scale,
      width: WIDTH * press,
    };
  }

  line(from, to) {
    const pen = this.context;
    pen.strokeStyle = INK;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.lineWidth = to.width;
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y + (from === to ? 0.01 : 0));
    pen.stroke();
  }

  /** Show an image; its file is what is classified. */
  async take(file, label = null) {
    const image = await createImageBitmap(file);
    this.clear();
    const { width, height } = this.canvas;
    const scale = Math.min(width / image.width, height / image.height);
    const [w, h] = [image.width * scale, image.height * scale];
    this.context.imageSmoothingEnabled = image.width > 28;
    this.context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
    this.file = file;
    this.label = label;
    this.blank = false;
    this.canvas.dataset.kind = label === null ? "image" : "sample";
    this.changed();
  }

  /** Return the image file to classify. */
  async bytes() {
    return this.file ?? new Promise((done) => this.canvas.toBlob(done, "image/png"));
  }
}
