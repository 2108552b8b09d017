"""`Doubt`: what a picture itself tells against reading it, whatever the network says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import NoInkError
from inkfast.imaging.boxes import bounds, padded
from inkfast.imaging.centering import BOX
from inkfast.imaging.ink import Ink
from inkfast.imaging.normalization import isolate_digit, normalize, preprocess
from inkfast.imaging.opening import GreyImage
from inkfast.imaging.segmentation import beyond
from inkfast.inference.reader import Prediction

_TOUCH = "two digits touch"
_CUT_OFF = "cut off at the picture's edge"
_BLURRED = "too blurred"
_TWO = 1.15  # times as wide as high: what no one can read is two digits
# Pixels over which a stroke's edge fades, of a digit 20 pixels in size. Of 965 digits photographed
# by others and read for sure all have less than 1.8; a drawn 8 that is blurred until it is read as
# a 1 for sure has 3.3.
_SOFT = 1.5  # it may be why the network is unsure
_FADED = 2.6  # loops are closed, whatever the network says
_SHARPER = 70  # percent of an outline: the rest may be faint, as where a pen was lifted
_LEAST = 14  # pixels in size of a digit whose edges tell: a thin stroke takes two of them
_STEPS = 40  # of a digit's height: as many pixels inside its outline a stroke's rise is measured


@dataclass(frozen=True)
class QualityCheck:
    """Why an answer to a picture should not be relied on.

    Attributes:
        always: Whatever the network says; "" for no reason.
        unsure: Where it is unsure as well; "" for no reason beyond its own.
    """

    always: str = ""
    unsure: str = ""

    def of(self, answer: Prediction) -> Prediction:
        """Return an answer with the reason that fits best."""
        reason = self.always or (answer.unsure and (self.unsure or answer.unsure))
        return replace(answer, unsure=reason)


def preprocess_checked(grey: GreyImage) -> tuple[Images, QualityCheck]:
    """Return the one digit of a picture as networks see it, and what is to be doubted about it.

    Args:
        grey: ``(h, w)`` in [0, 1]; at 28x28 it is taken as it is, see
            `inkfast.imaging.normalization.preprocess`.

    Returns:
        uint8 ``(28, 28)``, ink bright on dark, and the doubt.

    Raises:
        NoInkError: If there is nothing on it.
    """
    if grey.shape == (SIDE, SIDE):
        if grey.min() == grey.max():
            raise NoInkError
        return preprocess(grey), QualityCheck()
    ink = isolate_digit(grey)
    return normalize(ink), check_quality(ink, cut_off=beyond(bounds(ink.mask), ink.mask.shape))


def check_quality(ink: Ink, *, cut_off: bool) -> QualityCheck:
    """Return what is to be doubted about one digit's ink.

    Args:
        ink: The digit's alone.
        cut_off: Whether it goes on beyond the picture's edge.
    """
    top, left, bottom, right = bounds(ink.mask)
    height, width = bottom - top, right - left
    fade = _fade(ink, max(height, width))
    always = _CUT_OFF if cut_off else _BLURRED if fade > _FADED else ""
    return QualityCheck(
        always, _BLURRED if fade > _SOFT else _TOUCH if width > _TWO * height else ""
    )


def _fade(ink: Ink, size: int) -> float:
    """Return over how many pixels strokes' edges fade, of a digit 20 pixels in size.

    The two pixels that the edge of a sharp stroke takes do not count; digits may be small.
    """
    if size < _LEAST:
        return 0.0
    inside = max(1, round(size / _STEPS))
    amount, mask = padded(ink.amount, inside), padded(ink.mask, inside)
    around = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    y, x = 1 + np.array(np.nonzero(mask[1:-1, 1:-1] & ~around))  # the outline
    rises = [
        amount[y - down * inside, x - right * inside] - amount[y + down, x + right]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    rise = max(1e-3, float(np.percentile(reduce(np.maximum, rises), _SHARPER)))
    return BOX / size * ((inside + 1) / rise - 2)
