"""Ruled and squared paper: lines that cross a picture are taken out, strokes that cross them stay.

As staff lines are taken out of scores: of each line those pixels go where no stroke goes through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

_MANY = 3  # parallel lines are ruling even where they end inside the picture, over _LONG of it
_LONG = 0.6
_SHORTEST = 40  # pixels; in smaller pictures strokes are as long
_THIN = 0.015  # of the picture's longer side that a line may be wide, or so many pixels:
_FEW = 4


def without_lines(mask: Mask) -> Mask:
    """Return the ink ``(h, w)`` without ruled lines, level or upright, tilted by a little."""
    level = _lines(mask, fewest=1)
    upright = _lines(mask.T, fewest=_MANY).T  # one upright line may be a one
    return mask & ~level & ~upright


def _lines(mask: Mask, fewest: int) -> Mask:
    """Return the pixels of level lines; fewer than `_MANY` must go from edge to edge."""
    from scipy import ndimage

    width = mask.shape[1]
    across = _thickness(mask)
    thin = mask & (across <= max(_FEW, _THIN * max(mask.shape)))
    run = max(8, width // 60)
    runs = ndimage.grey_opening(thin.view(np.uint8), size=(1, run)).view(bool)
    joined = ndimage.maximum_filter(runs.view(np.uint8), size=(3, 3 * run))
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels * runs, count)
    lengths = np.array([box[1].stop - box[1].start for box in boxes])
    begins = np.array([box[1].start for box in boxes])
    whole = lengths > max(_SHORTEST, width - 2 * run)
    lines = whole
    if (lengths > max(_SHORTEST, _LONG * width)).sum() >= _MANY:
        # a number may stand between the parts of a line
        to_edge = (begins < run) | (begins + lengths > width - run)
        lines = (lengths > max(_SHORTEST, _LONG * width)) | (to_edge & (lengths > 3 * run))
    found = np.zeros_like(mask)
    if lines.sum() >= fewest:
        for one in np.flatnonzero(lines):
            rows, columns = np.nonzero((labels[boxes[one]] == one + 1) & runs[boxes[one]])
            place = rows + boxes[one][0].start, columns + boxes[one][1].start
            _mark(found, place, float(np.median(across[place])), bent=bool(whole[one]))
        found &= mask & (across <= 1.6 * np.median(across[found & runs]) + 1)
    return found


def _mark(found: Mask, place: tuple[Places, Places], thickness: float, *, bent: bool) -> None:
    """Mark a line all the way across, by the places of a part of it."""
    rows, columns = place
    line = np.polynomial.Polynomial.fit(columns, rows, 2 if bent else 1)
    all_columns = np.arange(found.shape[1])
    middle = line(all_columns)
    reach = thickness / 2 + 1.5
    for step in np.arange(-np.ceil(reach), np.ceil(reach) + 1):
        row = np.rint(middle + step).astype(np.int64)
        inside = (row >= 0) & (row < len(found)) & (np.abs(row - middle) <= reach)
        found[row[inside], all_columns[inside]] = True


def _thickness(mask: Mask) -> NDArray[np.int64]:
    """Return for each pixel how many pixels of ink stand over each other there."""
    from scipy import ndimage

    upright = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])
    labels, _ = ndimage.label(mask, upright)
    lengths = np.bincount(labels.ravel())
    lengths[0] = 0
    return np.asarray(lengths[labels])
