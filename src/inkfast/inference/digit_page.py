"""Read a page digit by digit, with a reader of single digits.

Ink is found and split into candidates, which are read; those that touch are split, their quality is
checked, and they are put in lines and numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from inkfast.core.errors import NoInkError
from inkfast.imaging.boxes import Box, enclosing_box
from inkfast.imaging.ink import find_ink
from inkfast.imaging.opening import GreyImage, LoadedImage, shrink
from inkfast.imaging.segmentation import DigitCandidate, split_page
from inkfast.imaging.sheet import isolate_sheet
from inkfast.inference.digit_groups import combine_digits
from inkfast.inference.page_result import Page, PageNumber, PixelBox
from inkfast.inference.quality import CUT_OFF, check_quality
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.touching_digits import ReadCandidate, read_candidates, split_touching_digits

# Chosen by trial on drawn pages; none was fitted to labelled images.
_LONGEST = 1600  # pixels of the longer side to which a page is scaled down
_MIN_SHARED = 0.35  # share of the lower digit's height that neighbours in a line have in common
_MAX_GAP = 0.9  # times the usual height of a line's digits: a wider gap separates two numbers


def read_digit_page(
    image: LoadedImage, reader: Reader, options: ReadOptions = NOTHING_KNOWN
) -> Page:
    """Find the numbers of an image and read them.

    If anything is unsure, the image is read again with its desk painted over, and the better of
    both readings is kept.

    Args:
        image: Image of any size; see `inkfast.inference.page.open_page`.
        reader: Reader of single digits.
        options: What is known about the numbers beforehand.

    Returns:
        The numbers line by line; none if nothing stands out from the paper.

    Raises:
        InkfastError: If this reader cannot honour an option.
    """
    grey = shrink(image.grey, _LONGEST, _LONGEST // 3)
    digits, marks = _read_digits(grey, reader)
    if not digits or any(one.prediction.unsure for one in digits):
        sheet = isolate_sheet(grey)
        if sheet is not None:
            again = _read_digits(sheet, reader)
            digits, marks = max((digits, marks), again, key=lambda found: _reading_score(found[0]))
    scale = image.size[0] / grey.shape[1]
    left_out = tuple(_pixel_box(box, scale) for box in marks)
    return replace(_arrange(digits, image.size, scale, options), marks=left_out)


def _read_digits(grey: GreyImage, reader: Reader) -> tuple[list[ReadCandidate], list[Box]]:
    """Return the digits of an image in no order, and the boxes of marks that are none."""
    try:
        candidates, marks = split_page(find_ink(grey))
    except NoInkError:
        return [], []
    digits = split_touching_digits(read_candidates(candidates, reader), reader)
    checked = [replace(one, prediction=_check(one.candidate, one.prediction)) for one in digits]
    return checked, marks


def _check(candidate: DigitCandidate, prediction: Prediction) -> Prediction:
    """Return the prediction; unsure if the page may end within the digit."""
    if candidate.cut_off:
        return replace(prediction, unsure=CUT_OFF)
    return check_quality(candidate.height, candidate.width, cut_off=False).apply(prediction)


def _reading_score(digits: list[ReadCandidate]) -> int:
    """Return the number of sure digits; if fewer than half are sure, sure minus unsure ones.

    A desk's grain gives a few sure answers among many unsure ones; of what is written in a shadow,
    most is sure.
    """
    unsure = sum(bool(one.prediction.unsure) for one in digits)
    sure = len(digits) - unsure
    return sure if sure >= unsure else sure - unsure


def _arrange(
    digits: list[ReadCandidate], size: tuple[int, int], scale: float, options: ReadOptions
) -> Page:
    """Put digits in lines and numbers, boxes in pixels of the upright image."""
    boxes = [one.candidate.box for one in digits]
    numbers: list[PageNumber] = []
    for line, members in enumerate(group_lines(boxes), start=1):
        for group in group_numbers(members, boxes, options.per_line):
            reading, image = combine_digits([digits[at] for at in group])
            box = _pixel_box(enclosing_box([boxes[at] for at in group]), scale)
            number = len(numbers) + 1
            numbers.append(PageNumber(box, line, number, options.check(reading), image))
    return Page(size, tuple(numbers), scale=scale)


def _pixel_box(box: Box, scale: float) -> PixelBox:
    """Return a box at work as left, top, width and height in pixels of the upright image."""
    top, left, bottom, right = (round(scale * side) for side in box)
    return left, top, right - left, bottom - top


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


def group_numbers(
    line: Sequence[int], boxes: Sequence[Box], per_line: int | None = None
) -> list[list[int]]:
    """Group a line's boxes into numbers.

    Args:
        line: Indices of the line's boxes, from left to right; at least one.
        boxes: All boxes of the page.
        per_line: Count of numbers in the line, which its widest gaps separate; None separates
            numbers at every wide gap.
    """
    usual = float(np.median([boxes[i][2] - boxes[i][0] for i in line]))
    gaps = np.array([boxes[index][1] - boxes[before][3] for before, index in pairwise(line)])
    cuts = np.flatnonzero(gaps > _MAX_GAP * usual)
    if per_line is not None:
        cuts = np.sort(np.argsort(-gaps, kind="stable")[: per_line - 1])
    return [list(part) for part in np.split(np.asarray(line, int), cuts + 1)]


def _shared_height(one: Box, other: Box) -> float:
    """Return the share of the lower box's height that both have in common; negative for none."""
    common = min(one[2], other[2]) - max(one[0], other[0])
    return common / min(one[2] - one[0], other[2] - other[0])
