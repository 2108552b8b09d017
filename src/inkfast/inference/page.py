"""Read a page: an image of one digit or many, to digits in reading order.

`open_page`, then `read_page`: find ink, split it into candidates, read them, split those that
touch, check their quality, and put them in lines and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from inkfast.core.digits import Images
from inkfast.core.errors import NoInkError
from inkfast.imaging.boxes import Box
from inkfast.imaging.ink import find_ink
from inkfast.imaging.opening import GreyImage, LoadedImage, open_image, shrink
from inkfast.imaging.segmentation import find_candidates
from inkfast.imaging.sheet import isolate_sheet
from inkfast.inference.quality import check_quality
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.touching_digits import ReadCandidate, read_candidates, split_touching_digits

# Chosen by trial on drawn pages; none was fitted to labelled images.
PAGE_LONGEST = 1600  # pixels of the longer side to which a page is scaled down, but
PAGE_SHORTEST = PAGE_LONGEST // 3  # a strip keeps such a shorter side, see `shrink`
_LEGIBLE = 12  # pixels at work: lower digits may be missed
_MIN_SHARED = 0.35  # share of the lower digit's height that neighbours in a line have in common
_MAX_GAP = 0.9  # times the usual height of a line's digits: a wider gap separates two numbers


@dataclass(frozen=True)
class PageDigit:
    """A digit on a page.

    Attributes:
        box: Left, top, width and height in pixels of the upright image.
        line: Number of its line on the page, from 0.
        number: Number of its group on the page, from 0: digits close together share it.
        prediction: What the reader says of it.
        image: Image the network saw: uint8 ``(28, 28)``, bright ink on black.
    """

    box: tuple[int, int, int, int]
    line: int
    number: int
    prediction: Prediction
    image: Images

    @property
    def text(self) -> str:
        """The digit; ``?`` if the reader is unsure."""
        return "?" if self.prediction.unsure else str(self.prediction.digit)


@dataclass(frozen=True)
class Page:
    """What was read on an image.

    Attributes:
        size: Width and height of the upright image in pixels.
        digits: Digits in reading order.
        scale: Pixels of the upright image for each pixel at work.
    """

    size: tuple[int, int]
    digits: tuple[PageDigit, ...]
    scale: float = 1.0

    @property
    def too_small(self) -> str:
        """A warning if digits may be missing because the image was scaled down; else ""."""
        lowest = math.ceil(_LEGIBLE * self.scale)
        heights = [digit.box[3] for digit in self.digits]
        if self.scale <= 1 or (heights and np.median(heights) >= lowest):
            return ""
        return (
            f"the image was scaled down {self.scale:.2g} times to be read, so digits lower than "
            f"{lowest} pixels may be missing. Crop it into parts."
        )

    @property
    def lines(self) -> list[list[str]]:
        """The numbers of each line as text; ``?`` stands for an unsure digit."""
        lines: list[dict[int, str]] = []
        for digit in self.digits:
            if digit.line == len(lines):
                lines.append({})
            lines[-1][digit.number] = lines[-1].get(digit.number, "") + digit.text
        return [list(line.values()) for line in lines]

    @property
    def numbers(self) -> list[str]:
        """All numbers in reading order, as text."""
        return [number for line in self.lines for number in line]


def open_page(source: Path | bytes) -> LoadedImage:
    """Open an image of any size at the size at which `read_page` works.

    Raises:
        InkfastError: See `inkfast.imaging.opening.open_image`.
    """
    return open_image(source, PAGE_LONGEST, shortest=PAGE_SHORTEST)


def read_page(image: LoadedImage, reader: Reader) -> Page:
    """Find the digits of an image and read them.

    If anything is unsure, the image is read again with its desk painted over, and the better of
    both readings is kept.

    Args:
        image: Image of any size; see `open_page`.
        reader: Reader of single digits.

    Returns:
        The digits line by line; none if nothing stands out from the paper.
    """
    grey = shrink(image.grey, PAGE_LONGEST, PAGE_SHORTEST)
    digits = _read_digits(grey, reader)
    if not digits or any(one.prediction.unsure for one in digits):
        sheet = isolate_sheet(grey)
        if sheet is not None:
            digits = max(digits, _read_digits(sheet, reader), key=_reading_score)
    return _arrange(digits, image.size, image.size[0] / grey.shape[1])


def _read_digits(grey: GreyImage, reader: Reader) -> list[ReadCandidate]:
    """Return the digits of an image in no order; none if nothing stands out from the paper."""
    try:
        candidates = find_candidates(find_ink(grey))
    except NoInkError:
        return []
    digits = split_touching_digits(read_candidates(candidates, reader), reader)
    checks = [check_quality(one.candidate.ink, cut_off=one.candidate.cut_off) for one in digits]
    return [
        replace(one, prediction=check.apply(one.prediction))
        for one, check in zip(digits, checks, strict=True)
    ]


def _reading_score(digits: list[ReadCandidate]) -> int:
    """Return the number of sure digits; if fewer than half are sure, sure minus unsure ones.

    A desk's grain gives a few sure answers among many unsure ones; of what is written in a shadow,
    most is sure.
    """
    unsure = sum(bool(one.prediction.unsure) for one in digits)
    sure = len(digits) - unsure
    return sure if sure >= unsure else sure - unsure


def _arrange(digits: list[ReadCandidate], size: tuple[int, int], scale: float) -> Page:
    """Put digits in reading order, their boxes in pixels of the upright image."""
    boxes = [one.candidate.box for one in digits]
    arranged: list[PageDigit] = []
    number = -1
    for line, members in enumerate(group_lines(boxes)):
        for group in group_numbers(members, boxes):
            number += 1
            for at in group:
                top, left, bottom, right = boxes[at]
                sides = [round(scale * side) for side in (left, top, right - left, bottom - top)]
                box = sides[0], sides[1], sides[2], sides[3]
                one = digits[at]
                arranged.append(PageDigit(box, line, number, one.prediction, one.image))
    return Page(size, tuple(arranged), scale)


def group_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Group boxes into lines.

    A line may slope: a box is compared with its neighbour, not with the line's beginning.

    Returns:
        Indices of the boxes, line by line from the top, each line from left to right.
    """
    lines: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda i: boxes[i][1]):
        shared = [_shared_height(boxes[line[-1]], boxes[index]) for line in lines]
        best = int(np.argmax(shared)) if shared else -1
        if best >= 0 and shared[best] >= _MIN_SHARED:
            lines[best].append(index)
        else:
            lines.append([index])
    return sorted(lines, key=lambda line: float(np.mean([boxes[i][0] + boxes[i][2] for i in line])))


def group_numbers(line: Sequence[int], boxes: Sequence[Box]) -> list[list[int]]:
    """Group a line's boxes into numbers: boxes without a wide gap between them.

    Args:
        line: Indices of the line's boxes, from left to right; at least one.
        boxes: All boxes of the page.
    """
    usual = float(np.median([boxes[i][2] - boxes[i][0] for i in line]))
    numbers = [[line[0]]]
    for before, index in pairwise(line):
        if boxes[index][1] - boxes[before][3] > _MAX_GAP * usual:
            numbers.append([])
        numbers[-1].append(index)
    return numbers


def _shared_height(one: Box, other: Box) -> float:
    """Return the share of the lower box's height that both have in common; negative for none."""
    common = min(one[2], other[2]) - max(one[0], other[0])
    return common / min(one[2] - one[0], other[2] - other[0])
