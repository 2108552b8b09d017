"""Ruled and squared paper: lines that cross a picture are taken out, strokes that cross them stay.

As staff lines are taken out of scores: of each line those pixels go where no stroke goes through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_MANY = 3  # parallel lines are ruling even where they end inside the picture, over _LONG of it
_LONG = 0.6
_VISIBLE = 0.4  # of its length in which a line is not hidden by strokes
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
    runs = ndimage.grey_opening(thin.view(np.uint8), size=(1, run)).astype(bool)
    joined = ndimage.maximum_filter(runs.view(np.uint8), size=(3, 3 * run))
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    labels *= runs
    found = np.zeros_like(mask)
    lines = []
    for one, box in enumerate(ndimage.find_objects(labels, count), start=1):
        pixels = labels[box] == one
        length = pixels.shape[1]
        if length > max(_SHORTEST, _LONG * width) and pixels.any(axis=0).mean() > _VISIBLE:
            lines.append((box, pixels, length > width - 2 * run))
    if len(lines) < _MANY:
        lines = [line for line in lines if line[2]]
    if len(lines) < fewest:
        return found
    for box, pixels, _ in lines:
        rows = slice(max(0, box[0].start - 2), box[0].stop + 2)
        place = rows, box[1]
        around = np.pad(pixels, ((box[0].start - rows.start, 2), (0, 0)))[: rows.stop - rows.start]
        around = around[: found[place].shape[0]]
        near = ndimage.maximum_filter(around.view(np.uint8), size=(3, 2 * run + 1)).astype(bool)
        thickness = float(np.median(across[box][pixels]))
        found[place] |= near & mask[place] & (across[place] <= 1.6 * thickness + 1)
    return found


def _thickness(mask: Mask) -> NDArray[np.int64]:
    """Return for each pixel how many pixels of ink stand over each other there."""
    from scipy import ndimage

    upright = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])
    labels, _ = ndimage.label(mask, upright)
    lengths = np.bincount(labels.ravel())
    lengths[0] = 0
    return np.asarray(lengths[labels])
