"""Digits that touch, cut apart where ink is thinnest."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.boxes import Box, bounds
from inkfast.imaging.ink import Mask, stroke_width
from inkfast.imaging.opening import GreyImage, shrunk
from inkfast.imaging.segmentation import Part

# where cuts are sought: the share of the width at which they go through the middle of the height,
# and by how many columns to the right they go for each row up, as writing leans
_WAYS = np.array([*product(np.linspace(0.2, 0.8, 11), (0.0, 0.35))])
_REACH = 0.1  # of the height, by which a cut strays aside
_WORK = 48  # pixels of the longer side when cuts are sought
_INK = 0.3  # of a stroke's middle, from which a cut goes through ink
_THICKEST = 1.6  # times a stroke's width: what a cut goes through where digits touch
_CRUMB = 0.12  # of a half's ink: smaller pieces belonged to the other half
_LOWEST = 0.65  # of the whole's height that both halves have


def cuts(part: Part, places: int) -> list[tuple[Part, Part]]:
    """Return the ways to cut a part into a left and a right digit; none if none makes sense.

    Args:
        part: What may be two digits.
        places: In how many they may touch at most: a loop is cut in two.
    """
    amount = shrunk(part.ink.amount, _WORK)
    scale = part.ink.mask.shape[1] / amount.shape[1]
    stroke = max(1.0, stroke_width(part.ink.mask) / scale)
    rows = np.arange(amount.shape[0])
    seams = np.unique(_seams(amount), axis=0)
    crossed = amount[rows, seams]
    inked = np.pad(crossed > _INK, ((0, 0), (1, 0)))
    times = np.count_nonzero(inked[:, 1:] & ~inked[:, :-1], axis=1)
    likely = (times <= places) & (crossed.sum(axis=1) <= places * _THICKEST * stroke)
    fine = np.linspace(0, rows[-1], part.ink.mask.shape[0])
    columns = np.arange(part.ink.mask.shape[1])
    found: dict[tuple[Box, ...], list[Mask]] = {}
    for seam in seams[likely]:
        left = columns < scale * (np.interp(fine, rows, seam)[:, None] + 0.5)
        halves = [part.ink.mask & left, part.ink.mask & ~left]
        if not _are_high(halves, part):
            continue  # before crumbs are sought, which takes longer
        halves = [_without_crumbs(half) for half in halves]
        if _are_high(halves, part):
            found[tuple(map(bounds, halves))] = halves
    return [(part.keep(first), part.keep(second)) for first, second in found.values()]


def _seams(amount: GreyImage) -> NDArray[np.int64]:
    """Return for each of `_WAYS` the column at which each row is cut: where it meets least ink."""
    height, width = amount.shape
    place, slant = _WAYS.T[..., None]
    middle = place * (width - 1) + slant * (height / 2 - np.arange(height))
    middle, reach = np.clip(middle, 0, width - 1), max(2.0, _REACH * height)
    aside = np.abs(np.arange(width) - middle[..., None])
    ink = np.where(aside <= reach, amount + 0.02 * aside / reach + 0.01, np.inf)
    cost = np.pad(ink, ((0, 0), (0, 0), (1, 1)), constant_values=np.inf)
    for row in range(1, height):
        above = cost[:, row - 1]
        beside = 0.02 + np.minimum(above[:, :-2], above[:, 2:])
        cost[:, row, 1:-1] += np.minimum(above[:, 1:-1], beside)
    seams = np.empty((len(ink), height), np.int64)
    seams[:, -1] = cost[:, -1, 1:-1].argmin(axis=1)
    for row in range(height - 2, -1, -1):
        near = np.take_along_axis(cost[:, row], seams[:, row + 1, None] + np.arange(3), axis=1)
        seams[:, row] = seams[:, row + 1] - 1 + near.argmin(axis=1)
    return seams


def _are_high(halves: list[Mask], part: Part) -> bool:
    """Return whether each half is about as high as the whole."""
    boxes = map(bounds, halves)
    return all(bottom - top >= _LOWEST * part.height for top, _, bottom, _ in boxes)


def _without_crumbs(half: Mask) -> Mask:
    """Return a half without the pieces that belonged to the other."""
    from scipy import ndimage

    labels, _ = ndimage.label(half, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    areas[0] = 0  # paper
    large = (areas > 0) & (areas >= _CRUMB * areas.sum())
    return np.asarray(large[labels])
