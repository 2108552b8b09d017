// The paper: strokes of mouse, finger or pen, or a picture somebody brought.

const INK = "#000";
const WIDTH = 17; // of a stroke in a paper of 280, which is 1.7 of MNIST's 28

export class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.changed = changed;
    this.label = null; // of a sample, which is known
    this.file = null; // bytes that somebody brought, sent as they are
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

  /** Show a picture and take its file as what is read. */
  async take(file, label = null) {
    const picture = await createImageBitmap(file);
    this.clear();
    const { width, height } = this.canvas;
    const scale = Math.min(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    this.context.imageSmoothingEnabled = picture.width > 28;
    this.context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
    this.file = file;
    this.label = label;
    this.blank = false;
    this.canvas.dataset.kind = label === null ? "picture" : "sample";
    this.changed();
  }

  /** The bytes of what is on the paper. */
  async bytes() {
    return this.file ?? new Promise((done) => this.canvas.toBlob(done, "image/png"));
  }
}
