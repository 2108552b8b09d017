// Small pictures of 28x28: what networks see, and what mattered to them.

const SIDE = 28;

/** Draw grey values, and over them what mattered: the warmer, the more. */
export function paint(canvas, grey, heat = null) {
  const image = new ImageData(SIDE, SIDE);
  const most = heat ? Math.max(1, ...heat) : 1;
  for (let i = 0; i < SIDE * SIDE; i += 1) {
    const share = heat ? heat[i] / most : 0;
    const dim = heat ? grey[i] * 0.75 : grey[i];
    image.data[4 * i] = dim + (255 - dim) * share;
    image.data[4 * i + 1] = dim + (120 - dim) * share;
    image.data[4 * i + 2] = dim * (1 - share);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The 28x28 grey values as the text of a PNG file. */
export function asPng(grey) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  paint(canvas, grey);
  return canvas.toDataURL("image/png").split(",")[1];
}
