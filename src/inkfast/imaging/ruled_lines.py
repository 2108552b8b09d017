"""Remove the lines of ruled and squared paper, and keep the strokes that cross them.

As staff lines are removed from scores: along each line, only those pixels are removed where the ink
is no thicker than the line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.boxes import Mask

# Chosen by trial on ruled and squared pages that a program drew.
_MANY = 3  # parallel lines: so many are ruling even if they are shorter than the image
_LONG = 0.6  # share of the image's width that each of so many lines covers
_MIN_LENGTH = 40  # pixels; in smaller images strokes are as long as lines
_MAX_THICKNESS = 0.015  # share of the image's longer side that a line may be thick, or
_MAX_THICKNESS_PIXELS = 4  # so many pixels, whichever is more


def remove_ruled_lines(mask: Mask) -> Mask:
    """Return the ink ``(h, w)`` without horizontal or vertical lines, which may be tilted a little.

    A single horizontal line is removed if it crosses the image. Vertical lines are removed if
    there are at least three, since a single one may be the digit 1.
    """
    level = _find_ruled_lines(mask, fewest=1)
    upright = _find_ruled_lines(mask.T, fewest=_MANY).T
    return mask & ~level & ~upright


def _find_ruled_lines(mask: Mask, fewest: int) -> Mask:
    """Return the pixels of horizontal lines, if there are at least `fewest`.

    Fewer than `_MANY` lines must each go from edge to edge.
    """
    from scipy import ndimage

    width = mask.shape[1]
    thickness = _vertical_run_lengths(mask)
    thin = mask & (thickness <= max(_MAX_THICKNESS_PIXELS, _MAX_THICKNESS * max(mask.shape)))
    run = max(8, width // 60)
    runs = ndimage.grey_opening(thin.view(np.uint8), size=(1, run)).view(bool)
    joined = ndimage.maximum_filter(runs.view(np.uint8), size=(3, 3 * run))
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels * runs, count)
    lengths = np.array([box[1].stop - box[1].start for box in boxes])
    begins = np.array([box[1].start for box in boxes])
    whole = lengths > max(_MIN_LENGTH, width - 2 * run)
    lines = whole
    if (lengths > max(_MIN_LENGTH, _LONG * width)).sum() >= _MANY:
        # a number may stand between the parts of a line
        to_edge = (begins < run) | (begins + lengths > width - run)
        lines = (lengths > max(_MIN_LENGTH, _LONG * width)) | (to_edge & (lengths > 3 * run))
    found = np.zeros_like(mask)
    if lines.sum() >= fewest:
        for one in np.flatnonzero(lines):
            rows, columns = np.nonzero((labels[boxes[one]] == one + 1) & runs[boxes[one]])
            rows, columns = rows + boxes[one][0].start, columns + boxes[one][1].start
            usual = float(np.median(thickness[rows, columns]))
            _mark_line(found, rows, columns, usual, bent=bool(whole[one]))
        found &= mask & (thickness <= 1.6 * np.median(thickness[found & runs]) + 1)
    return found


def _mark_line(
    found: Mask,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    thickness: float,
    *,
    bent: bool,
) -> None:
    """Mark a line from edge to edge, fitted to the pixels found of it.

    Args:
        found: Mask ``(h, w)`` in which the line is set.
        rows: Rows ``(n,)`` of the line's known pixels.
        columns: Columns ``(n,)`` of these pixels.
        thickness: Thickness of the line, in pixels.
        bent: Whether to fit a parabola instead of a straight line.
    """
    line = np.polynomial.Polynomial.fit(columns, rows, 2 if bent else 1)
    all_columns = np.arange(found.shape[1])
    middle = line(all_columns)
    reach = thickness / 2 + 1.5
    for step in np.arange(-np.ceil(reach), np.ceil(reach) + 1):
        row = np.rint(middle + step).astype(np.int64)
        inside = (row >= 0) & (row < len(found)) & (np.abs(row - middle) <= reach)
        found[row[inside], all_columns[inside]] = True


def _vertical_run_lengths(mask: Mask) -> NDArray[np.int64]:
    """Return for each inked pixel the length of the vertical run of ink it lies in; else 0."""
    from scipy import ndimage

    upright = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])
    labels, _ = ndimage.label(mask, upright)
    lengths = np.bincount(labels.ravel())
    lengths[0] = 0
    return np.asarray(lengths[labels])
