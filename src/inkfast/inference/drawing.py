"""Draw a page with its numbers, and unsure ones beside what the network saw of them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from inkfast.core.digits import Images
from inkfast.inference.page_result import Page, PageNumber

_SURE, _UNSURE = (0, 122, 61), (200, 30, 30)  # RGB, on white labels with a contrast above 5:1
_MIN_LONGEST = 700  # pixels of the longer side: smaller images are enlarged to make labels legible
_REVIEW_HEIGHT = 168  # pixels of each half of a review image, of a number on a page
_INPUT_REVIEW_SIDE = 280  # pixels a side of each half of a review image, of an image of one digit


def draw_overlay(image: Image.Image, page: Page) -> Image.Image:
    """Return an image with a box and the text at each number; red and ``?`` if unsure.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
    """
    enlarge = max(1, round(_MIN_LONGEST / max(image.size)))
    canvas = image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.BICUBIC)
    scale = canvas.width / page.size[0]
    draw = ImageDraw.Draw(canvas)
    heights = [number.box[3] * scale for number in page.numbers]
    size = float(np.clip(0.4 * np.median(heights), 13, 60)) if heights else 13.0
    font = ImageFont.load_default(size)
    thick = max(1, round(size / 10))
    for number in page.numbers:
        box = _box_with_margin(number, scale, 2 * thick)
        draw.rectangle(box, outline=_UNSURE if number.unsure else _SURE, width=thick)
    for number in page.numbers:  # over all boxes, so that none hides a label
        _draw_label(draw, number, _box_with_margin(number, scale, 2 * thick), font)
    return canvas


def _box_with_margin(
    number: PageNumber, scale: float, margin: float
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a number's box with a margin, in scaled pixels."""
    left, top, width, height = (scale * side for side in number.box)
    return left - margin, top - margin, left + width + margin, top + height + margin


def _draw_label(
    draw: ImageDraw.ImageDraw,
    number: PageNumber,
    box: tuple[float, float, float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write the text above a box, or below it if there is no room above."""
    left, top, right, bottom = draw.textbbox((0, 0), number.marked_text, font=font)
    width, height = right - left + 8, bottom - top + 6
    x = (box[0] + box[2] - width) / 2
    y = box[1] - height if box[1] >= height else box[3]
    colour = _UNSURE if number.unsure else _SURE
    draw.rounded_rectangle((x, y, x + width, y + height), 3, fill=colour)
    draw.text((x + 4 - left, y + 3 - top), number.marked_text, fill="white", font=font)


def draw_review(image: Image.Image, page: Page, number: PageNumber) -> Image.Image:
    """Return a number as it stands on the page, above what the network saw of it.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
        number: One of the page's numbers.
    """
    scale = image.width / page.size[0]
    box = _box_with_margin(number, scale, 0.35 * scale * number.box[3])
    crop = image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))
    halves = [
        _with_height(crop, _REVIEW_HEIGHT, Image.Resampling.BICUBIC),
        _with_height(
            Image.fromarray(number.image).convert("RGB"), _REVIEW_HEIGHT, Image.Resampling.NEAREST
        ),
    ]
    canvas = Image.new("RGB", (max(one.width for one in halves), 2 * _REVIEW_HEIGHT + 8), "white")
    for top, half in zip((0, _REVIEW_HEIGHT + 8), halves, strict=True):
        canvas.paste(half, ((canvas.width - half.width) // 2, top))
    return canvas


def _with_height(image: Image.Image, height: int, how: Image.Resampling) -> Image.Image:
    return image.resize((max(1, round(height * image.width / image.height)), height), how)


def draw_input_review(given: Image.Image, seen: Images) -> Image.Image:
    """Return an image of one digit on the left and what the network saw of it on the right.

    Args:
        given: The image as it was given.
        seen: uint8 ``(28, 28)``, bright ink on black.
    """
    side = _INPUT_REVIEW_SIDE
    canvas = Image.new("RGB", (2 * side + 10, side), "white")
    for left, image in ((0, given), (side + 10, Image.fromarray(seen))):
        how = Image.Resampling.BOX if max(image.size) > side else Image.Resampling.NEAREST
        canvas.paste(ImageOps.contain(image.convert("RGB"), (side, side), how), (left, 0))
    return canvas
