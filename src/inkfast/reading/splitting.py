"""Digits that touch, cut apart where ink is thinnest."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from inkfast.data.ink import stroke_width
from inkfast.data.paper import shrunk
from inkfast.data.pictures import Grey
from inkfast.reading.parts import Part

_PLACES = np.linspace(0.2, 0.8, 11)  # of the width, where cuts go through the middle of the height
_SLANTS = (0.0, 0.35)  # columns to the right for each row up, as writing leans
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
    rows = np.linspace(0, amount.shape[0] - 1, part.ink.mask.shape[0])
    columns = np.arange(part.ink.mask.shape[1])
    found: dict[tuple[int, ...], tuple[Part, Part]] = {}
    for place, slant in product(_PLACES, _SLANTS):
        seam = _seam(amount, place, slant)
        crossed = amount[np.arange(len(seam)), seam]
        times = np.count_nonzero(np.diff(crossed > _INK, prepend=0, append=0)) // 2
        if times > places or crossed.sum() > places * _THICKEST * stroke:
            continue
        line = scale * (np.interp(rows, np.arange(len(seam)), seam) + 0.5)
        left = columns < line[:, None]
        first, second = _half(part, left), _half(part, ~left)
        if first and second and min(first.height, second.height) >= _LOWEST * part.height:
            found[first.box + second.box] = first, second
    return list(found.values())


def _seam(amount: Grey, place: float, slant: float) -> NDArray[np.int64]:
    """Return the column at which each row is cut: the way down that meets the least ink."""
    height, width = amount.shape
    middle = place * (width - 1) + slant * (height / 2 - np.arange(height))
    middle, reach = np.clip(middle, 0, width - 1), max(2.0, _REACH * height)
    aside = np.abs(np.arange(width) - middle[:, None])
    ink = np.where(aside <= reach, amount + 0.02 * aside / reach + 0.01, np.inf)
    cost = np.empty_like(ink)
    cost[0] = ink[0]
    for row in range(1, height):
        above = np.pad(cost[row - 1], 1, constant_values=np.inf)
        cost[row] = ink[row] + np.minimum(above[1:-1], 0.02 + np.minimum(above[:-2], above[2:]))
    seam = np.empty(height, np.int64)
    seam[-1] = int(np.argmin(cost[-1]))
    for row in range(height - 2, -1, -1):
        low = max(0, seam[row + 1] - 1)
        seam[row] = low + int(np.argmin(cost[row, low : seam[row + 1] + 2]))
    return seam


def _half(part: Part, side: NDArray[np.bool_]) -> Part | None:
    """Return the ink on one side of a cut, without crumbs; None if there is nothing else."""
    from scipy import ndimage

    labels, _ = ndimage.label(part.ink.mask & side, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())[1:]
    kept = 1 + np.flatnonzero(areas >= _CRUMB * areas.sum())
    return part.keep(np.isin(labels, kept)) if len(kept) else None
