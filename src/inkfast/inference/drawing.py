"""Draw what is unsure beside what the network saw of it, for review by a person."""

from __future__ import annotations

from PIL import Image, ImageOps

from inkfast.core.digits import Images
from inkfast.inference.overlay import turn_upright
from inkfast.inference.page_result import Page, PageNumber

_REVIEW_SIZE = (1600, 168)  # largest size of each half of a review image, of a number on a page
_INPUT_REVIEW_SIDE = 280  # pixels a side of each half of a review image, of an image of one digit


def _box_with_margin(
    number: PageNumber, scale: float, margin: float
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a number's box with a margin, in scaled pixels."""
    left, top, width, height = (scale * side for side in number.box)
    return left - margin, top - margin, left + width + margin, top + height + margin


def draw_review(image: Image.Image, page: Page, number: PageNumber) -> Image.Image:
    """Return a number as it stands on the page, above what the network saw of it.

    Args:
        image: The image that was read, mode RGB, of any size.
        page: What was read on it.
        number: One of the page's numbers.
    """
    upright = turn_upright(image, page.turned)
    scale = upright.width / page.size[0]
    box = _box_with_margin(number, scale, 0.35 * scale * number.box[3])
    crop = upright.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))
    seen = Image.fromarray(number.image).convert("RGB")
    halves = [
        ImageOps.contain(crop, _REVIEW_SIZE, Image.Resampling.BICUBIC),
        ImageOps.contain(seen, _REVIEW_SIZE, Image.Resampling.NEAREST),
    ]
    width, height = (max(one.size[axis] for one in halves) for axis in (0, 1))
    canvas = Image.new("RGB", (width, 2 * height + 8), "white")
    for top, half in zip((0, height + 8), halves, strict=True):
        canvas.paste(half, ((width - half.width) // 2, top))
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
