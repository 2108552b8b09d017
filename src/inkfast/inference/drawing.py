"""Draw a page with its answers, and unsure digits beside what the network saw of them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from inkfast.core.digits import Images
from inkfast.inference.page import Page, PageDigit

_SURE, _UNSURE = (0, 122, 61), (200, 30, 30)  # RGB, on white labels with a contrast above 5:1
_MIN_LONGEST = 700  # pixels of the longer side: smaller images are enlarged to make labels legible
_REVIEW_SIDE = 168  # pixels a side of each half of a review image, of a digit on a page
_INPUT_REVIEW_SIDE = 280  # pixels a side of each half of a review image, of an image of one digit


def draw_overlay(image: Image.Image, page: Page) -> Image.Image:
    """Return an image with a box and the answer at each digit; red and ``?`` if unsure.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
    """
    enlarge = max(1, round(_MIN_LONGEST / max(image.size)))
    canvas = image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.BICUBIC)
    scale = canvas.width / page.size[0]
    draw = ImageDraw.Draw(canvas)
    heights = [digit.box[3] * scale for digit in page.digits]
    size = float(np.clip(0.4 * np.median(heights), 13, 60)) if heights else 13.0
    font = ImageFont.load_default(size)
    thick = max(1, round(size / 10))
    for digit in page.digits:
        box = _box_with_margin(digit, scale, 2 * thick)
        colour = _UNSURE if digit.prediction.unsure else _SURE
        draw.rectangle(box, outline=colour, width=thick)
    for digit in page.digits:  # over all boxes, so that none hides a label
        _draw_label(draw, digit, _box_with_margin(digit, scale, 2 * thick), font)
    return canvas


def _box_with_margin(
    digit: PageDigit, scale: float, margin: float
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a digit's box with a margin, in scaled pixels."""
    left, top, width, height = (scale * side for side in digit.box)
    return left - margin, top - margin, left + width + margin, top + height + margin


def _draw_label(
    draw: ImageDraw.ImageDraw,
    digit: PageDigit,
    box: tuple[float, float, float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write the answer above a box, or below it if there is no room above."""
    left, top, right, bottom = draw.textbbox((0, 0), digit.text, font=font)
    width, height = right - left + 8, bottom - top + 6
    x = (box[0] + box[2] - width) / 2
    y = box[1] - height if box[1] >= height else box[3]
    colour = _UNSURE if digit.prediction.unsure else _SURE
    draw.rounded_rectangle((x, y, x + width, y + height), 3, fill=colour)
    draw.text((x + 4 - left, y + 3 - top), digit.text, fill="white", font=font)


def draw_review(image: Image.Image, page: Page, digit: PageDigit) -> Image.Image:
    """Return a digit as it stands on the page, beside what the network saw of it.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
        digit: One of the page's digits.
    """
    scale = image.width / page.size[0]
    left, top, right, bottom = _box_with_margin(digit, scale, 0.35 * scale * max(digit.box[2:]))
    side = max(right - left, bottom - top)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    crop = image.crop((round(x), round(y), round(x + side), round(y + side)))
    canvas = Image.new("RGB", (2 * _REVIEW_SIDE + 8, _REVIEW_SIDE), "white")
    canvas.paste(crop.resize((_REVIEW_SIDE, _REVIEW_SIDE), Image.Resampling.BICUBIC), (0, 0))
    seen = Image.fromarray(digit.image)
    seen = seen.resize((_REVIEW_SIDE, _REVIEW_SIDE), Image.Resampling.NEAREST)
    canvas.paste(seen.convert("RGB"), (_REVIEW_SIDE + 8, 0))
    return canvas


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
