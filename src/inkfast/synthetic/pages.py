"""Pages: numbers, words and print composed on paper, as a scanner or a camera sees them.

`compose_page` returns an image and the rectangles of its numbers, on which a finder of numbers is
trained. Sizes are in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from inkfast.synthetic.layout import Layout, place_text, sample_layout
from inkfast.synthetic.marks import _form_boxes
from inkfast.synthetic.number_texts import sample_text
from inkfast.synthetic.page_canvas import PageCanvas, Quad
from inkfast.synthetic.page_layouts import fill
from inkfast.synthetic.papers import sample_paper
from inkfast.synthetic.pens import Pen, sample_pen
from inkfast.synthetic.scanning import Grey, degrade, expose
from inkfast.synthetic.strips import Handwriting

Rng = np.random.Generator
_SIDES = (128, 352)  # pixels of a page's sides
_HEIGHTS = (9, 80)  # pixels of a digit


@dataclass(frozen=True)
class ComposedPage:
    """A composed page.

    Attributes:
        image: uint8 ``(height, width)``.
        numbers: Corners of the rectangle of each number, ``(n, 4, 2)``.
        others: Those of words, printed text and scribbles.
        ignored: Those of what may be found or not.
    """

    image: NDArray[np.uint8]
    numbers: Quad
    others: Quad
    ignored: Quad


def compose_page(handwriting: Handwriting, rng: Rng) -> ComposedPage:
    """Compose a page in any layout: every fourth shows one number alone."""
    if rng.random() < 0.28:
        return _single(handwriting, rng)
    size = (int(rng.integers(*_SIDES)), int(rng.integers(*_SIDES)))
    height = float(np.exp(rng.uniform(*np.log(_HEIGHTS))))
    outline = _sheet_outline(size, rng) if rng.random() < 0.2 else None
    canvas = PageCanvas(size, _sample_turn(rng), outline)
    fill(canvas, handwriting, height, rng)
    return _finish(canvas, height, rng)


def compose_layout(
    handwriting: Handwriting, rng: Rng, layout: str, size: tuple[int, int], height: float,
    turn: float = 0.0,
) -> ComposedPage:  # fmt: skip
    """Compose a page in one layout.

    Args:
        handwriting: Where hands are drawn from.
        rng: Random generator of everything.
        layout: One of `inkfast.synthetic.page_layouts.LAYOUTS`.
        size: Height and width in pixels.
        height: Height of a digit in pixels.
        turn: Angle by which the content is turned, clockwise in radians.
    """
    canvas = PageCanvas(size, turn)
    fill(canvas, handwriting, height, rng, layout)
    return _finish(canvas, height, rng)


def _sample_turn(rng: Rng) -> float:
    """Return an angle in radians: mostly level, up to 15 degrees, sometimes up to 45."""
    kind = rng.random()
    if kind < 0.6:
        return float(rng.normal(0, 0.015))
    return float(rng.uniform(-0.26, 0.26) if kind < 0.93 else rng.uniform(-0.8, 0.8))


def _single(handwriting: Handwriting, rng: Rng) -> ComposedPage:
    """Compose an image of one number, cut tight or loosely."""
    text = str(rng.integers(10)) if rng.random() < 0.35 else sample_text(rng)
    height = float(np.exp(rng.uniform(np.log(12), np.log(110))))
    layout = replace(sample_layout(rng), boxes=rng.random() < 0.15)
    if rng.random() < 0.3:
        layout = _uneven(layout, rng)
    placed = place_text(text, handwriting.sample_hand(rng), layout, rng)
    boxes = np.array([one.box for one in placed])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    height = min(height, 420 / float(high[0] - low[0]))
    loose = abs(rng.normal(0, 0.2)) if rng.random() < 0.6 else rng.uniform(0.2, 2.5)
    before, after = rng.uniform(-0.03, 1, 2) * loose, rng.uniform(-0.03, 1, 2) * loose
    size = np.maximum(12, (high - low + before + after) * height).astype(int)
    canvas = PageCanvas((int(size[1]), int(size[0])), _sample_turn(rng) if loose > 0.5 else 0.0)
    at = (before - low + [placed[0].box[0], 0]) * height
    alone = " " not in text
    canvas.add_number(placed, layout, (float(at[0]), float(at[1])), height, rng, alone=alone)
    if layout.boxes:
        frames = _form_boxes((0, low[1], 0, high[1]), placed, np.zeros(2), layout, rng)
        origin = np.array([placed[0].box[0], 0.0])
        canvas.add_rules([(line - origin) * height + at for line in frames])
    elif rng.random() < 0.15:
        y = at[1] + (high[1] + rng.uniform(-0.1, 0.25)) * height
        canvas.add_rules([np.array([[-99.0, y], [size[0] + 99.0, y]])])
    return _finish(canvas, height, rng)


def _uneven(layout: Layout, rng: Rng) -> Layout:
    """Return a layout of digits that do not keep to a line, or keep to a bent one."""
    return replace(
        layout,
        boxes=False,
        gap=rng.uniform(0.1, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, 3.0),
        base_spread=abs(rng.normal(0, 0.3)),
        slope=rng.normal(0, 0.4),
        wave=rng.uniform(0, 0.5),
    )


def _finish(canvas: PageCanvas, height: float, rng: Rng) -> ComposedPage:
    """Draw a canvas and record it as a camera or a scanner does."""
    pen = Pen(height * rng.uniform(0.07, 0.14)) if canvas.rasters else sample_pen(rng, height)
    rule_pen = Pen(max(0.8, height * rng.uniform(0.02, 0.07)))
    written, ruled = canvas.draw(pen, rule_pen, rng)
    paper = sample_paper(canvas.size, height, rng)
    grey = expose(np.maximum(written * rng.uniform(0.75, 1), ruled), paper, rng)
    if canvas.outline is not None:
        grey = _lay_on_desk(grey, canvas.outline, rng)
    if rng.random() < 0.05:
        grey = _add_finger(grey, rng)
    image = degrade(_lower_resolution(grey, height, rng), height, rng)
    return ComposedPage(
        image, *(_stack(quads) for quads in (canvas.numbers, canvas.others, canvas.ignored))
    )


def _stack(quads: list[Quad]) -> Quad:
    return np.stack(quads) if quads else np.zeros((0, 4, 2))


def _sheet_outline(size: tuple[int, int], rng: Rng) -> Quad:
    """Return the corners of a sheet that covers most of an image."""
    height, width = size
    inset = np.where(rng.random(4) < 0.35, -0.5, rng.uniform(0.02, 0.3, 4))
    left, top, right, bottom = inset * 0.5
    corners = np.array([[left, top], [1 - right, top], [1 - right, 1 - bottom], [left, 1 - bottom]])
    outline: Quad = (corners + rng.normal(0, 0.03, (4, 2))) * [width, height]
    return outline


def _mask(size: tuple[int, int], polygon: Quad) -> Grey:
    image = Image.new("L", size[::-1])
    ImageDraw.Draw(image).polygon([tuple(point) for point in polygon], 255)
    mask: Grey = gaussian_filter(np.asarray(image, np.float32) / 255, 0.7)
    return mask


def _lay_on_desk(grey: Grey, outline: Quad, rng: Rng) -> Grey:
    """Return a sheet on a desk: plain, wooden or woven, mostly darker than the sheet."""
    size = (grey.shape[0], grey.shape[1])
    sheet = _mask(size, outline)
    tone = rng.uniform(0.02, 0.6) if rng.random() < 0.85 else rng.uniform(0.6, 1)
    desk = np.full(size, tone, np.float32)
    coarse = rng.random((size[0] // 3 + 2, size[1] // 3 + 2), np.float32)
    texture = np.kron(coarse, np.ones((3, 3), np.float32))[: size[0], : size[1]]
    along = rng.uniform(2, 40)
    texture = gaussian_filter(
        texture, (rng.uniform(0.3, 2), along) if rng.random() < 0.7 else rng.uniform(0.3, 3)
    )
    spread = float(texture.std()) + 1e-6
    desk += rng.uniform(0, 0.12) * (texture - texture.mean()) / spread
    shadow = gaussian_filter(np.roll(sheet, rng.integers(-6, 7, 2), (0, 1)), rng.uniform(1, 6))
    desk *= 1 - rng.uniform(0, 0.6) * shadow
    laid: Grey = np.clip(sheet * grey + (1 - sheet) * desk, 0, 1)
    return laid


def _add_finger(grey: Grey, rng: Rng) -> Grey:
    """Return the image with a finger at its edge."""
    height, width = grey.shape
    y, x = np.ogrid[:height, :width]
    turn, side = rng.uniform(0, 2 * np.pi), min(height, width)
    cx, cy = width / 2 * (1 + 1.1 * np.cos(turn)), height / 2 * (1 + 1.1 * np.sin(turn))
    along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    across = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    shape = np.hypot(
        along / (side * rng.uniform(0.1, 0.35)), across / (side * rng.uniform(0.05, 0.15))
    )
    finger = 1 / (1 + np.exp(np.minimum((shape - 1) * 25, 50)))
    tone = rng.uniform(0.2, 0.8) * (1 - 0.4 * np.minimum(shape, 1) ** 4)
    return np.asarray(grey * (1 - finger) + tone * finger, np.float32)


def _lower_resolution(grey: Grey, height: float, rng: Rng) -> Grey:
    """Return an image that was taken with fewer pixels and enlarged, one in five."""
    most = height / 9
    if most < 1.3 or rng.random() > 0.22:
        return grey
    size = np.array(grey.shape[::-1])
    fewer = np.maximum(4, size / rng.uniform(1.2, min(most, 6))).astype(int)
    ways = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    small = Image.fromarray(grey.astype(np.float32)).resize(
        (int(fewer[0]), int(fewer[1])), Image.Resampling.BOX
    )
    back = small.resize((int(size[0]), int(size[1])), ways[rng.integers(3)])
    return np.clip(np.asarray(back, np.float32), 0, 1)
