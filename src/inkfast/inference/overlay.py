"""Pictures for people: a page with what was read, and what the network saw of an unsure digit."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkfast.inference.page import Page, PageDigit

_SURE, _UNSURE = (0, 122, 61), (200, 30, 30)  # RGB, on white labels with a contrast above 5:1
_SMALLEST = 700  # pixels of the longer side: smaller pictures are enlarged, labels must be read
_SIDE = 168  # pixels of a review picture's halves


def draw_overlay(image: Image.Image, page: Page) -> Image.Image:
    """Return a picture with a box and the answer at each digit; red and ``?`` where unsure.

    Args:
        image: The picture, mode RGB, at any size.
        page: What was read in it.
    """
    enlarge = max(1, round(_SMALLEST / max(image.size)))
    canvas = image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.BICUBIC)
    scale = canvas.width / page.size[0]
    draw = ImageDraw.Draw(canvas)
    heights = [digit.box[3] * scale for digit in page.digits]
    size = float(np.clip(0.4 * np.median(heights), 13, 60)) if heights else 13.0
    font = ImageFont.load_default(size)
    thick = max(1, round(size / 10))
    for digit in page.digits:
        box = _around(digit, scale, 2 * thick)
        colour = _UNSURE if digit.prediction.unsure else _SURE
        draw.rectangle(box, outline=colour, width=thick)
    for digit in page.digits:  # over all boxes, so that none hides a label
        _label(draw, digit, _around(digit, scale, 2 * thick), font)
    return canvas


def _around(digit: PageDigit, scale: float, room: float) -> tuple[float, float, float, float]:
    left, top, width, height = (scale * side for side in digit.box)
    return left - room, top - room, left + width + room, top + height + room


def _label(
    draw: ImageDraw.ImageDraw,
    digit: PageDigit,
    box: tuple[float, float, float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write the answer above a box, or below it where there is no room above."""
    left, top, right, bottom = draw.textbbox((0, 0), digit.text, font=font)
    width, height = right - left + 8, bottom - top + 6
    x = (box[0] + box[2] - width) / 2
    y = box[1] - height if box[1] >= height else box[3]
    colour = _UNSURE if digit.prediction.unsure else _SURE
    draw.rounded_rectangle((x, y, x + width, y + height), 3, fill=colour)
    draw.text((x + 4 - left, y + 3 - top), digit.text, fill="white", font=font)


def draw_review(image: Image.Image, page: Page, digit: PageDigit) -> Image.Image:
    """Return an unsure digit as it stands on the page, beside what the network saw of it."""
    scale = image.width / page.size[0]
    left, top, right, bottom = _around(digit, scale, 0.35 * scale * max(digit.box[2:]))
    side = max(right - left, bottom - top)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    crop = image.crop((round(x), round(y), round(x + side), round(y + side)))
    canvas = Image.new("RGB", (2 * _SIDE + 8, _SIDE), "white")
    canvas.paste(crop.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), (0, 0))
    seen = Image.fromarray(digit.image).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
    canvas.paste(seen.convert("RGB"), (_SIDE + 8, 0))
    return canvas
