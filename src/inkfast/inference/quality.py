"""Check an image for faults that make its digit unreliable, whatever the network says.

Blur that closes a loop turns one digit into another, and the network is then sure of the wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from inkfast.imaging.boxes import bounding_box, zero_pad
from inkfast.imaging.centering import BOX
from inkfast.imaging.ink import Ink
from inkfast.inference.reader import Prediction

TOUCHING = "this looks like two touching digits"
CUT_OFF = "the digit is cut off at the edge of the image"
BLURRED = "the digit is too blurred"

_WIDE = 1.15  # width over height from which an unsure digit is called two. Chosen by eye
# The fade of an edge is the distance over which a stroke ends, in pixels of a digit 20 pixels in
# size. Measured: all of 965 photographed digits that were read for sure have less than 1.8; a drawn
# 8 that is blurred until it is surely read as a 1 has 3.3. _REJECT_FADE was chosen between the two.
_UNSURE_FADE = 1.5  # pixels from which blur may be why the network is unsure
_REJECT_FADE = 2.6  # pixels from which loops are closed: rejected whatever the network says
_PERCENTILE = 70  # of the outline's sharpness: the rest may be faint, as where a pen was lifted
_MIN_SIZE = 14  # pixels: a smaller digit is not checked, since a thin stroke has two pixels of edge
_STEPS = 40  # a stroke's rise is measured size/40 pixels inside its outline, at least one pixel


@dataclass(frozen=True)
class QualityCheck:
    """Faults of an image that make a prediction unreliable.

    Attributes:
        reject_reason: Reason to reject any prediction; "" for none.
        unsure_reason: Likely reason if the network is unsure; "" for none.
    """

    reject_reason: str = ""
    unsure_reason: str = ""

    def apply(self, prediction: Prediction) -> Prediction:
        """Return the prediction with the reason that fits best."""
        reason = prediction.unsure and (self.unsure_reason or prediction.unsure)
        return replace(prediction, unsure=self.reject_reason or reason)


def check_quality(ink: Ink, *, cut_off: bool) -> QualityCheck:
    """Check one digit's ink.

    Args:
        ink: Ink of this digit alone.
        cut_off: Whether the digit may continue beyond the image's edge.
    """
    top, left, bottom, right = bounding_box(ink.mask)
    height, width = bottom - top, right - left
    fade = _edge_fade(ink, max(height, width))
    touching = TOUCHING if width > _WIDE * height else ""
    return QualityCheck(
        CUT_OFF if cut_off else BLURRED if fade > _REJECT_FADE else "",
        BLURRED if fade > _UNSURE_FADE else touching,
    )


def _edge_fade(ink: Ink, size: int) -> float:
    """Return over how many pixels strokes' edges fade, for a digit scaled to 20 pixels.

    The two pixels of a sharp stroke's edge are not counted, since the digit may be small.

    Args:
        ink: Ink of one digit.
        size: The longer side of its box, in pixels.
    """
    if size < _MIN_SIZE:
        return 0.0
    inside = max(1, round(size / _STEPS))
    amount, mask = zero_pad(ink.amount, inside), zero_pad(ink.mask, inside)
    around = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    y, x = 1 + np.array(np.nonzero(mask[1:-1, 1:-1] & ~around))  # the outline
    rises = [
        amount[y - down * inside, x - right * inside] - amount[y + down, x + right]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    rise = max(1e-3, float(np.percentile(reduce(np.maximum, rises), _PERCENTILE)))
    return BOX / size * ((inside + 1) / rise - 2)
