// Draw images of 28x28 pixels, and occlusion maps over them.

const SIDE = 28;

/** Draw grey values, and an occlusion map over them: the warmer, the more important. */
export function paint(canvas, grey, occlusion = null) {
  const image = new ImageData(SIDE, SIDE);
  const most = occlusion ? Math.max(1, ...occlusion) : 1;
  for (let i = 0; i < SIDE * SIDE; i += 1) {
    const share = occlusion ? occlusion[i] / most : 0;
    const dim = occlusion ? grey[i] * 0.75 : grey[i];
    image.data[4 * i] = dim + (255 - dim) * share;
    image.data[4 * i + 1] = dim + (120 - dim) * share;
    image.data[4 * i + 2] = dim * (1 - share);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Encode 28x28 grey values as a PNG file in base64. */
export function encodePng(grey) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  paint(canvas, grey);
  return canvas.toDataURL("image/png").split(",")[1];
}
