// Sample digits of MNIST's test set, from one image with a column for each digit.

const SIDE = 28;
const FIRST = 2; // the digit shown when the page opens

/** Offer one sample of each digit; another click on it shows the next sample. */
export async function offerSamples(root, take) {
  const sheet = await createImageBitmap(await (await fetch("/page/samples.png")).blob());
  const rows = sheet.height / SIDE;
  for (let digit = 0; digit < 10; digit += 1) {
    let turn = 0;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Sample ${digit}`);
    const small = cut(sheet, digit, 0);
    button.append(small);
    const showNext = async () => {
      const canvas = cut(sheet, digit, turn % rows);
      small.getContext("2d").drawImage(canvas, 0, 0);
      turn += 1;
      await take(await new Promise((done) => canvas.toBlob(done, "image/png")), digit);
    };
    button.addEventListener("click", showNext);
    root.append(button);
    if (digit === FIRST) await showNext();
  }
}

function cut(sheet, column, row) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").drawImage(sheet, -column * SIDE, -row * SIDE);
  return canvas;
}
