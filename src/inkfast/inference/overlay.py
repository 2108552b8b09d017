"""Draw a page with a box and the text at each number, legible at any size of the image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkfast.inference.page_result import Page, PageNumber, PixelBox

Corners: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom on the canvas
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SURE, _UNSURE, _LEFT_OUT = (0, 110, 55), (190, 20, 20), (30, 80, 200)  # RGB, dark under white
_MIN_LONGEST = 700  # pixels of the longer side: smaller images are enlarged
_MIN_FONT = 13  # pixels of text at least; on large images 1/70 of the longer side, since they
_FONT_SHARE = 70  # are looked at reduced to a screen
_FONT_OF_NUMBER = 0.45  # times the usual height of a number, at most twice the least size
_TURNS = {
    90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90,
}  # fmt: skip
MAX_LABELS = 2000  # on a page; more would take long and cover everything


def draw_overlay(image: Image.Image, page: Page) -> Image.Image:
    """Return an image with its numbers marked.

    A number has a solid box, an unsure one a broken box and a ``?`` in its text, and a mark that
    was not read a dotted box without text. Paper is added where a text would leave the image.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
    """
    upright = turn_upright(image, page.turned)
    enlarge = max(1.0, _MIN_LONGEST / max(upright.size))
    canvas = upright.resize(
        (max(1, round(upright.width * enlarge)), max(1, round(upright.height * enlarge))),
        Image.Resampling.BICUBIC,
    )
    scale = canvas.width / page.size[0]
    numbers = page.numbers[:MAX_LABELS]
    size = _font_size(numbers, scale, max(canvas.size))
    line = max(2, round(size / 9))
    boxes = [_to_canvas(number.box, scale, 2 * line) for number in numbers]
    plates, fonts = _place_plates(numbers, boxes, size, canvas.width)
    marks = [_to_canvas(box, scale, line) for box in page.marks[:MAX_LABELS]]
    canvas, shift = _grow(canvas, [*boxes, *plates])
    draw = ImageDraw.Draw(canvas)
    for mark in marks:
        _draw_box(draw, _moved(mark, shift), _LEFT_OUT, line, dash=line)
    for number, box in zip(numbers, boxes, strict=True):
        colour, dash = (_UNSURE, 4 * line) if number.unsure else (_SURE, 0)
        _draw_box(draw, _moved(box, shift), colour, line, dash)
    for number, plate, font in zip(numbers, plates, fonts, strict=True):  # hidden by no box
        _draw_plate(draw, _moved(plate, shift), number, font)
    return canvas


def turn_upright(image: Image.Image, turned: int) -> Image.Image:
    """Return the image turned as its page was to be read: by degrees clockwise, see `Page`."""
    return image.transpose(_TURNS[turned]) if turned in _TURNS else image


def _font_size(numbers: Iterable[PageNumber], scale: float, longest: int) -> float:
    """Return the size of the texts in pixels of the canvas."""
    least = max(_MIN_FONT, longest / _FONT_SHARE)
    heights = [scale * number.box[3] for number in numbers]
    return float(np.clip(_FONT_OF_NUMBER * np.median(heights or [0]), least, 2 * least))


def _to_canvas(box: PixelBox, scale: float, margin: float) -> Corners:
    """Return a box with a margin, in pixels of the canvas."""
    left, top, width, height = (scale * side for side in box)
    return left - margin, top - margin, left + width + margin, top + height + margin


def _place_plates(
    numbers: Iterable[PageNumber], boxes: list[Corners], size: float, width: int
) -> tuple[list[Corners], list[Font]]:
    """Return where the text of each number is written, and its font.

    The first place that covers no number and no other text is taken, else the one above.
    """
    plates: list[Corners] = []
    fonts: list[Font] = []
    for number, box in zip(numbers, boxes, strict=True):
        font, (wide, high) = _fit_font(number.marked_text, size, width)
        places = list(_places(box, wide, high, width))
        taken = [*boxes, *plates]
        free = [one for one in places if not any(_overlap(one, other) for other in taken)]
        plates.append((free or places)[0])
        fonts.append(font)
    return plates, fonts


def _fit_font(text: str, size: float, width: int) -> tuple[Font, tuple[float, float]]:
    """Return a font in which a text fits into the width, and the size of its plate."""
    while True:
        font = ImageFont.load_default(size)
        left, top, right, bottom = font.getbbox(text)
        wide, high = right - left + 0.7 * size, bottom - top + 0.5 * size
        if wide <= width or size < 2:
            return font, (wide, high)
        size *= 0.95 * width / wide


def _places(box: Corners, wide: float, high: float, width: int) -> Iterator[Corners]:
    """Yield places for a plate: above the box, below, right and left of it."""
    left, top, right, bottom = box
    x = float(np.clip((left + right - wide) / 2, 0, max(0, width - wide)))
    yield x, top - high, x + wide, top
    yield x, bottom, x + wide, bottom + high
    y = (top + bottom - high) / 2
    for x in (right, left - wide):
        if 0 <= x <= width - wide:
            yield x, y, x + wide, y + high


def _overlap(one: Corners, other: Corners) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def _grow(canvas: Image.Image, drawn: list[Corners]) -> tuple[Image.Image, tuple[int, int]]:
    """Return the canvas with white paper around it for what leaves it, and where it lies there."""
    if not drawn:
        return canvas, (0, 0)
    sides = np.array(drawn)
    left, top = (max(0, int(np.ceil(-sides[:, side].min()))) for side in (0, 1))
    right, bottom = (
        max(0, int(np.ceil(sides[:, 2 + axis].max() + 1 - canvas.size[axis]))) for axis in (0, 1)
    )
    if not any((left, top, right, bottom)):
        return canvas, (0, 0)
    grown = Image.new(
        "RGB", (canvas.width + left + right, canvas.height + top + bottom), (255, 255, 255)
    )
    grown.paste(canvas, (left, top))
    return grown, (left, top)


def _moved(box: Corners, by: tuple[int, int]) -> Corners:
    return box[0] + by[0], box[1] + by[1], box[2] + by[0], box[3] + by[1]


def _draw_box(
    draw: ImageDraw.ImageDraw, box: Corners, colour: tuple[int, int, int], line: int, dash: int
) -> None:
    """Draw a rectangle on a light edge; with `dash`, of strokes of that length."""
    left, top, right, bottom = box
    draw.rectangle(
        (left - 1, top - 1, right + 1, bottom + 1), outline=(255, 255, 255), width=line + 2
    )
    if not dash:
        draw.rectangle(box, outline=colour, width=line)
        return
    for start in np.arange(left, right, 2 * dash):
        end = min(start + dash, right)
        draw.rectangle((start, top, end, top + line - 1), fill=colour)
        draw.rectangle((start, bottom - line + 1, end, bottom), fill=colour)
    for start in np.arange(top, bottom, 2 * dash):
        end = min(start + dash, bottom)
        draw.rectangle((left, start, left + line - 1, end), fill=colour)
        draw.rectangle((right - line + 1, start, right, end), fill=colour)


def _draw_plate(draw: ImageDraw.ImageDraw, plate: Corners, number: PageNumber, font: Font) -> None:
    """Write the text of a number in white on a dark plate with a white edge."""
    colour = _UNSURE if number.unsure else _SURE
    draw.rectangle(plate, fill=colour, outline=(255, 255, 255))
    middle = (plate[0] + plate[2]) / 2, (plate[1] + plate[3]) / 2
    left, top, right, bottom = font.getbbox(number.marked_text)
    at = middle[0] - (left + right) / 2, middle[1] - (top + bottom) / 2
    draw.text(at, number.marked_text, fill=(255, 255, 255), font=font)
