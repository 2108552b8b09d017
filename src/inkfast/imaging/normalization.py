"""Ink apart from its paper: a picture of one digit, photographed or drawn, as MNIST's scans were.

Light that changes over the page, grey or ruled paper, specks and the pen's width are taken out;
what is left goes into MNIST's frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.imaging.boxes import bounds, padded
from inkfast.imaging.centering import BOX, center_digit, ink_of
from inkfast.imaging.ink import Ink, Mask, find_ink
from inkfast.imaging.opening import GreyImage, shrunk

WORK = 128  # pixels of the longer side of a picture at work; a digit needs no more
_FINE = 4 * BOX  # pixels of the longer side of a digit at work
_SOFT = 2  # pixels around a stroke that are its soft edges
FAINT = 0.2  # of a stroke's middle: what still joins two parts
_STROKE = (2.3, 4.2)  # widths in pixels of 28x28 between which nine in ten of MNIST's digits lie


def preprocess(grey: GreyImage) -> Images:
    """Return the one digit of a picture as networks see it: uint8 ``(28, 28)``, bright on black.

    A picture of 28x28 is taken as it is, noise and all, turned over if it is dark on light; any
    other is normalised.

    Args:
        grey: ``(h, w)`` in [0, 1].

    Raises:
        NoInkError: If there is nothing on it.
    """
    if grey.shape == (SIDE, SIDE):
        return np.asarray(np.rint(255 * ink_of(grey)), np.uint8)
    return normalise(grey)


def normalise(picture: GreyImage) -> Images:
    """Return the digit that a picture shows as MNIST would: uint8 ``(28, 28)``, bright on black.

    Args:
        picture: ``(h, w)`` in [0, 1], of one digit in whatever colours, on whatever paper.

    Raises:
        NoInkError: If there is nothing on it.
    """
    return normalize(isolate_digit(picture))


def isolate_digit(picture: GreyImage) -> Ink:
    """Return the ink of the one digit of a picture, see `normalise`, at `WORK` pixels at most."""
    return main_part(find_ink(shrunk(picture.astype(np.float32), WORK)))


def normalize(ink: Ink) -> Images:
    """Return one digit's ink in MNIST's frame and stroke width: uint8 ``(28, 28)``."""
    top, left, bottom, right = bounds(ink.mask)
    place = (
        slice(max(0, top - _SOFT), bottom + _SOFT),
        slice(max(0, left - _SOFT), right + _SOFT),
    )
    ink = Ink(ink.amount[place], ink.mask[place])
    if max(ink.mask.shape) > _FINE:
        covered = shrunk(ink.mask.astype(np.float32), _FINE)
        # half of the most, since no pixel may be covered by half where strokes are thin
        ink = Ink(shrunk(ink.amount, _FINE), covered > covered.max() / 2)
    return center_digit(_evened(ink))


def main_part(ink: Ink) -> Ink:
    """Return the ink of the digit alone, without specks and lines that run off the page."""
    from scipy import ndimage

    # what faint ink joins is one part
    labels, count = ndimage.label(ink.mask | (ink.amount > FAINT), np.ones((3, 3)))
    mask = ink.mask
    if count > 1:
        sizes = ndimage.sum_labels(ink.mask, labels, np.arange(1, count + 1))
        main = int(np.argmax(sizes * _centrality(labels, count)))
        large = sizes >= 0.06 * sizes[main]
        whole = [not _cut_off(box, mask.shape) for box in ndimage.find_objects(labels)]
        kept = np.flatnonzero((large & whole) | (np.arange(count) == main))
        mask = mask & np.isin(labels, kept + 1)
    return Ink(with_soft_edges(ink.amount, mask), mask)


def with_soft_edges(amount: GreyImage, mask: Mask) -> GreyImage:
    """Return the ink under a mask and around it, as far as a stroke's edge is soft."""
    for _ in range(_SOFT):  # as ndimage.binary_dilation, with less overhead
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return amount * mask


def _centrality(labels: NDArray[np.int32], count: int) -> GreyImage:
    """Return for each part how near the middle of the picture it lies, from 1 down to 0."""
    from scipy import ndimage

    places = np.array(ndimage.center_of_mass(labels > 0, labels, np.arange(1, count + 1)))
    shape = np.array(labels.shape)
    away = (places - (shape - 1) / 2) / (shape / 2)
    near: GreyImage = np.exp(-2 * (away**2).sum(axis=1)).astype(np.float32)
    return near


def _cut_off(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether a part touches the picture's edge, as ruled lines and neighbours do."""
    return any(side.start == 0 or side.stop == end for side, end in zip(box, shape, strict=True))


def _evened(ink: Ink) -> GreyImage:
    """Return the ink with strokes thickened or thinned that would be none of MNIST's."""
    from scipy import ndimage

    top, left, bottom, right = bounds(ink.mask)
    scale = BOX / max(bottom - top, right - left)
    # inside a bar of w pixels the distance to the nearest pixel outside is (w + 2) / 4 on average
    inside = ndimage.distance_transform_edt(padded(ink.mask[top:bottom, left:right], 1))
    width = max(1.0, 4 * float(inside.sum() / ink.mask.sum()) - 2)
    radius = (float(np.clip(width * scale, *_STROKE)) / scale - width) / 2
    if abs(radius) < 0.35:
        return ink.amount
    y, x = np.ogrid[-6:7, -6:7]
    ball = np.hypot(y, x) <= min(abs(radius) + 0.5, 6)
    change = ndimage.grey_dilation if radius > 0 else ndimage.grey_erosion
    changed: GreyImage = change(padded(ink.amount, 6), footprint=ball)
    return changed if changed.max() > 0.5 else ink.amount
