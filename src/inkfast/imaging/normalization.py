"""Bring an image of one digit, photographed or drawn, to MNIST's 28x28.

Light, paper, ruled lines and specks are removed, and the width of strokes is brought into MNIST's
range; `inkfast.imaging.centering` then scales and centres the ink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.imaging.boxes import Mask, bounding_box, zero_pad
from inkfast.imaging.centering import BOX, center_digit, to_bright_ink
from inkfast.imaging.ink import Ink, find_ink
from inkfast.imaging.opening import GreyImage, shrink

# Chosen by eye where no source is given.
DIGIT_PIXELS = 128  # longer side to which an image of one digit is scaled down
_FINE_PIXELS = 4 * BOX  # longer side of a digit's ink when its strokes are measured
_SOFT_PIXELS = 2  # pixels around a stroke that its soft edges take
FAINT_INK = 0.2  # amount of ink (a stroke's middle is 1) that still joins two pieces
_MIN_PIECE = 0.06  # share of the main piece's ink: smaller pieces are specks
_STROKE_WIDTHS = (2.3, 4.2)  # pixels at 28x28; measured: nine in ten of MNIST's digits lie between
_MIN_CHANGE = 0.35  # pixels by which each side of a stroke must be off to be changed


def preprocess(grey: GreyImage) -> Images:
    """Return the digit of an image as networks see it.

    An image of 28x28 is taken as it is, noise included, and inverted if it is dark on light. Any
    other image is normalised.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1].

    Returns:
        uint8 ``(28, 28)``, bright ink on black.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    if grey.shape == (SIDE, SIDE):
        return np.asarray(np.rint(255 * to_bright_ink(grey)), np.uint8)
    return normalize(isolate_digit(grey))


def isolate_digit(grey: GreyImage) -> Ink:
    """Return the ink of the digit on an image of one digit, scaled down to `DIGIT_PIXELS`.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1], any colours, any paper.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    return keep_main_digit(find_ink(shrink(grey.astype(np.float32), DIGIT_PIXELS)))


def normalize(ink: Ink) -> Images:
    """Return one digit's ink in MNIST's frame and stroke width: uint8 ``(28, 28)``."""
    top, left, bottom, right = bounding_box(ink.mask)
    window = (
        slice(max(0, top - _SOFT_PIXELS), bottom + _SOFT_PIXELS),
        slice(max(0, left - _SOFT_PIXELS), right + _SOFT_PIXELS),
    )
    ink = Ink(ink.amount[window], ink.mask[window])
    if max(ink.mask.shape) > _FINE_PIXELS:
        covered = shrink(ink.mask.astype(np.float32), _FINE_PIXELS)
        # half of the largest share, since thin strokes may cover no pixel by half
        ink = Ink(shrink(ink.amount, _FINE_PIXELS), covered > covered.max() / 2)
    return center_digit(_normalize_stroke_width(ink))


def keep_main_digit(ink: Ink) -> Ink:
    """Return the ink of the digit alone, without specks and lines that leave the image."""
    from scipy import ndimage

    # pieces joined by faint ink count as one
    labels, count = ndimage.label(ink.mask | (ink.amount > FAINT_INK), np.ones((3, 3)))
    mask = ink.mask
    if count > 1:
        sizes = ndimage.sum_labels(ink.mask, labels, np.arange(1, count + 1))
        main = int(np.argmax(sizes * _closeness_to_center(labels, count)))
        large = sizes >= _MIN_PIECE * sizes[main]
        whole = [not _touches_edge(box, mask.shape) for box in ndimage.find_objects(labels)]
        kept = np.flatnonzero((large & whole) | (np.arange(count) == main))
        mask = mask & np.isin(labels, kept + 1)
    return Ink(keep_soft_edges(ink.amount, mask), mask)


def keep_soft_edges(amount: GreyImage, mask: Mask) -> GreyImage:
    """Return the ink ``(h, w)`` under a mask and `_SOFT_PIXELS` around it; 0 elsewhere."""
    for _ in range(_SOFT_PIXELS):  # as ndimage.binary_dilation, with less overhead
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return amount * mask


def _closeness_to_center(labels: NDArray[np.int32], count: int) -> GreyImage:
    """Return how close each piece ``(count,)`` lies to the image's centre; 1 at the centre."""
    from scipy import ndimage

    places = np.array(ndimage.center_of_mass(labels > 0, labels, np.arange(1, count + 1)))
    shape = np.array(labels.shape)
    away = (places - (shape - 1) / 2) / (shape / 2)
    near: GreyImage = np.exp(-2 * (away**2).sum(axis=1)).astype(np.float32)
    return near


def _touches_edge(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether a piece touches the image's edge, as ruled lines and neighbours do."""
    return any(side.start == 0 or side.stop == end for side, end in zip(box, shape, strict=True))


def _normalize_stroke_width(ink: Ink) -> GreyImage:
    """Return the ink with its strokes thickened or thinned to lie within MNIST's range."""
    from scipy import ndimage

    top, left, bottom, right = bounding_box(ink.mask)
    scale = BOX / max(bottom - top, right - left)
    # inside a bar of w pixels the distance to the nearest pixel outside is (w + 2) / 4 on average
    inside = ndimage.distance_transform_edt(zero_pad(ink.mask[top:bottom, left:right], 1))
    width = max(1.0, 4 * float(inside.sum() / ink.mask.sum()) - 2)
    radius = (float(np.clip(width * scale, *_STROKE_WIDTHS)) / scale - width) / 2
    if abs(radius) < _MIN_CHANGE:
        return ink.amount
    y, x = np.ogrid[-6:7, -6:7]
    ball = np.hypot(y, x) <= min(abs(radius) + 0.5, 6)
    change = ndimage.grey_dilation if radius > 0 else ndimage.grey_erosion
    changed: GreyImage = change(zero_pad(ink.amount, 6), footprint=ball)
    return changed if changed.max() > 0.5 else ink.amount
