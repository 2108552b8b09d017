"""`read_page`: a picture of one digit or many -> digits in reading order, each with its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import NoInkError
from inkfast.imaging.ink import find_ink
from inkfast.imaging.normalization import normalize
from inkfast.imaging.opening import GreyImage, LoadedImage, open_image, shrunk
from inkfast.imaging.reading_order import in_lines, in_numbers
from inkfast.imaging.segmentation import Part, find_parts
from inkfast.imaging.sheet import without_desk
from inkfast.imaging.touching_digits import cuts
from inkfast.inference.quality import check_quality
from inkfast.inference.reader import Prediction, Reader

LONGEST = 1600  # pixels of a picture's longer side at work; larger ones are opened at this size,
SHORTEST = LONGEST // 3  # but a strip keeps such a shorter side, in as many pixels as a square has
_LEGIBLE = 12  # pixels at work: digits that are lower may not be found
_ROUNDS = 3  # of cutting: each may double the digits of a part
_WIDE = 0.95  # times as wide as high: may be two digits even where the reader is sure
_NARROW = 0.68  # may be two digits where the reader is unsure
_MANY = 1.6  # times as wide as high: more than one digit for sure
_SUREST = 0.95  # confidence that halves need at least
_HOPELESS = 0.3  # confidence below which a whole is no digit: it is cut through more ink,
_SURE = 0.85  # and its halves need this
_MOST_CUT = 300  # digits of a page; of more no one asks, they are texture
_MOST_TRIED = 80  # parts of a page that are cut to see, the least sure first: it takes time


@dataclass(frozen=True)
class PageDigit:
    """A digit on a page.

    Attributes:
        box: Left, top, width and height in pixels of the upright picture.
        line: Of the page, from 0.
        number: Of the page, from 0: digits that stand together share it.
        prediction: What was read.
        image: What the network saw: uint8 ``(28, 28)``, ink bright.
    """

    box: tuple[int, int, int, int]
    line: int
    number: int
    prediction: Prediction
    image: Images

    @property
    def text(self) -> str:
        """The digit; ``?`` where the reader is unsure."""
        return "?" if self.prediction.unsure else str(self.prediction.digit)


@dataclass(frozen=True)
class Page:
    """What stands on a picture.

    Attributes:
        size: Width and height of the upright picture in pixels.
        digits: In reading order.
        scale: Pixels of that picture for each pixel of what was looked at.
    """

    size: tuple[int, int]
    digits: tuple[PageDigit, ...]
    scale: float = 1.0

    @property
    def too_small(self) -> str:
        """What to say where digits may be lost since the picture was made smaller, else ""."""
        lowest = math.ceil(_LEGIBLE * self.scale)
        heights = [digit.box[3] for digit in self.digits]
        if self.scale <= 1 or (heights and np.median(heights) >= lowest):
            return ""
        return (
            f"it was made {self.scale:.2g} times smaller to be read, and digits of less than "
            f"{lowest} pixels may be lost. Cut it into parts."
        )

    @property
    def lines(self) -> list[list[str]]:
        """The numbers of each line, a number as its digits; ``?`` stands for an unsure one."""
        lines: list[dict[int, str]] = []
        for digit in self.digits:
            if digit.line == len(lines):
                lines.append({})
            lines[-1][digit.number] = lines[-1].get(digit.number, "") + digit.text
        return [list(line.values()) for line in lines]

    @property
    def numbers(self) -> list[str]:
        """All numbers in reading order."""
        return [number for line in self.lines for number in line]


@dataclass(frozen=True)
class _ReadPart:
    """A part with what the network saw of it and answered."""

    part: Part
    image: Images
    prediction: Prediction


def open_page(source: Path | bytes) -> LoadedImage:
    """Open a picture of any size at the size at which `read_page` looks at it.

    Raises:
        InkfastError: See `inkfast.imaging.opening.open_image`.
    """
    return open_image(source, LONGEST, shortest=SHORTEST)


def read_page(picture: LoadedImage, reader: Reader) -> Page:
    """Find a picture's digits and read them.

    Args:
        picture: Of any size; see `open_page`.
        reader: Answers.

    Returns:
        The digits line by line; none where nothing stands out from the paper.
    """
    grey = shrunk(picture.grey, LONGEST, SHORTEST)
    found = _found(grey, reader)
    if not found or any(one.prediction.unsure for one in found):
        sheet = without_desk(grey)
        if sheet is not None:
            found = max(found, _found(sheet, reader), key=_worth)
    boxes = [one.part.box for one in found]
    scale = picture.size[0] / grey.shape[1]
    digits = []
    number = -1
    for line, places in enumerate(in_lines(boxes)):
        for together in in_numbers(places, boxes):
            number += 1
            digits += [_digit(found[place], line, number, scale) for place in together]
    return Page(picture.size, tuple(digits), scale)


def _found(grey: GreyImage, reader: Reader) -> list[_ReadPart]:
    """Return what is written, in no order; nothing where nothing stands out from the paper."""
    try:
        parts = find_parts(find_ink(grey))
    except NoInkError:
        return []
    return [_doubted(one) for one in _apart(_read(parts, reader), reader)]


def _doubted(one: _ReadPart) -> _ReadPart:
    return replace(
        one, prediction=check_quality(one.part.ink, cut_off=one.part.cut_off).of(one.prediction)
    )


def _worth(found: list[_ReadPart]) -> int:
    """Return how many answers are sure; where fewer than half are, less than nothing.

    A desk's grain gives a few sure answers among many unsure ones; of what was written in a
    shadow most is sure.
    """
    unsure = sum(bool(one.prediction.unsure) for one in found)
    sure = len(found) - unsure
    return sure if sure >= unsure else sure - unsure


def _read(parts: list[Part], reader: Reader) -> list[_ReadPart]:
    """Read parts in one call of the reader."""
    images = [normalize(part.ink) for part in parts]
    answers = reader.predict(np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8))
    return [_ReadPart(*one) for one in zip(parts, images, answers, strict=True)]


def _apart(found: list[_ReadPart], reader: Reader) -> list[_ReadPart]:
    """Cut digits that touch, wherever the reader is surer of the parts than of the whole."""
    if len(found) > _MOST_CUT:
        return found
    settled, left = [], _MOST_TRIED
    for _ in range(_ROUNDS):
        wide = sorted(filter(_may_be_two, found), key=lambda one: one.prediction.confidence)
        asked = wide[:left]
        settled += [one for one in found if not _may_be_two(one)] + wide[left:]
        found, left = [], left - len(asked)
        for one, pairs in zip(asked, _pairs(asked, reader), strict=True):
            pair = _best(one, pairs)
            (found if pair else settled).extend(pair or (one,))
    return settled + found


def _pairs(asked: list[_ReadPart], reader: Reader) -> list[list[tuple[_ReadPart, _ReadPart]]]:
    """Return the halves of each part's cuts, read in one call."""
    ways = [_cuts(one) for one in asked]
    halves = iter(_read([half for cuts in ways for cut in cuts for half in cut], reader))
    return [[(next(halves), next(halves)) for _ in cuts] for cuts in ways]


def _best(
    one: _ReadPart, pairs: list[tuple[_ReadPart, _ReadPart]]
) -> tuple[_ReadPart, _ReadPart] | None:
    """Return the surest pair of complete digits, or of halves; None if the whole is surer."""
    needed = _SURE if _is_hopeless(one) else max(one.prediction.confidence, _SUREST)
    sure = [pair for pair in pairs if _surety(pair) > needed]
    return max(sure, key=lambda pair: (not any(map(_is_many, pair)), _surety(pair)), default=None)


def _may_be_two(one: _ReadPart) -> bool:
    """Return whether it is wide for one digit; the surer it is read, the wider."""
    return one.part.width / one.part.height >= (_NARROW if one.prediction.unsure else _WIDE)


def _cuts(one: _ReadPart) -> list[tuple[Part, Part]]:
    """Return the ways to cut what may be two digits; the surer it is read, the more carefully."""
    return cuts(one.part, places=4 if _is_hopeless(one) else 2 if one.prediction.unsure else 1)


def _is_hopeless(one: _ReadPart) -> bool:
    return one.prediction.confidence < _HOPELESS


def _is_many(one: _ReadPart) -> bool:
    return one.part.width >= _MANY * one.part.height


def _surety(pair: tuple[_ReadPart, _ReadPart]) -> float:
    """Return how surely both halves are digits; a very wide one is two itself."""
    return min((half.prediction.confidence for half in pair if not _is_many(half)), default=0.0)


def _digit(one: _ReadPart, line: int, number: int, scale: float) -> PageDigit:
    top, left, bottom, right = one.part.box
    box = [round(scale * side) for side in (left, top, right - left, bottom - top)]
    return PageDigit((box[0], box[1], box[2], box[3]), line, number, one.prediction, one.image)
