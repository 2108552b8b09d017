"""Draw docs/example-form.jpg: a form with a date, an amount and a row of boxes, as photographed.

Everything on it is drawn by a program. Run `python -m tools.draw_example_form` to make it again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.examples import even_layout
from inkfast.synthetic.hands import WriterHand
from inkfast.synthetic.layout import place_text
from inkfast.synthetic.papers import SHADES
from inkfast.synthetic.pens import Line, Pen, draw_lines
from inkfast.synthetic.scanning import to_bytes

PATH = Path(__file__).parents[1] / "docs" / "example-form.jpg"
_SIZE = (420, 900)


def draw_form() -> np.ndarray:
    """Return the form, uint8 ``(420, 900)``."""
    rng = np.random.default_rng(12)
    hand = WriterHand(draw_library(), "drawn-002")

    def write(text: str, x: float, y: float, height: float) -> list[Line]:
        placed = place_text(text, hand, even_layout(rng), rng)
        return [(line * height) + [x, y] for one in placed for line in one.lines]

    pen = write("12/05/26", 520, 50, 52) + write("1.250,68", 110, 170, 64)
    boxes = [np.array([[x, 300], [x + 70, 300], [x + 70, 378], [x, 378], [x, 300]])
             for x in range(110, 460, 70)]  # fmt: skip
    for digit, box in zip("90210", boxes, strict=True):
        pen += write(digit, box[0, 0] + 20, 314, 48)
    printed = [np.array([[500, 116], [820, 116]]), np.array([[90, 246], [520, 246]]), *boxes]
    ink = draw_lines(pen, _SIZE, Pen(4.5), rng)
    rules = draw_lines(printed, _SIZE, Pen(1.6), rng)
    y, x = np.mgrid[: _SIZE[0], : _SIZE[1]]
    waves = np.sin((y + 9 * np.sin(x / 60)) * 2 * np.pi / 11) > 0.6
    paper = 0.93 * (1 - 0.13 * gaussian_filter(waves.astype(float), 0.8))
    for _, shade in SHADES.values():
        paper = paper * shade(_SIZE, 50, rng)
    grey = paper * (1 - 0.8 * ink) * (1 - 0.45 * rules)
    return to_bytes(gaussian_filter(grey, 0.7) + rng.normal(0, 0.012, _SIZE))


if __name__ == "__main__":
    Image.fromarray(draw_form()).save(PATH, quality=85)
