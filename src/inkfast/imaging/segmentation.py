"""Ink of a page into parts that may be one digit each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.boxes import Box, bounds, padded
from inkfast.imaging.ink import Ink, Mask, strengthened
from inkfast.imaging.normalization import FAINT, with_soft_edges

_MARGIN = 3  # pixels around a part, for the soft edges of its strokes
_MOST = 1000  # pieces of ink that are looked at, the largest first
_CRUMB = 0.2  # of the usual height: smaller pieces are dots and dirt
_LOWEST = 6  # pixels that a digit is high at least; 9 can be read
_SMALLEST = 0.35  # of the usual height that a digit has at least
_FLATTEST = 3.5  # times as wide as high: a dash or an underline
_FAINTEST = 0.45  # of the largest one's ink: crossings of ruled lines
_MOST_INSIDE = 0.2  # of all ink: with less inside the picture, what reaches its edge is no frame
_HUGE = 3.0  # times the usual height: at the picture's edge no digit but a table, a hand, a shadow

Boxes = NDArray[np.int64]  # (n, 4): top, left, bottom, right; the last two exclusive


@dataclass(frozen=True)
class Part:
    """What may be one digit.

    Attributes:
        box: Top, left, bottom and right of its ink on the page.
        ink: Its ink alone, with `_MARGIN` pixels of paper around the box.
        cut_off: Whether it goes on beyond the picture's edge.
    """

    box: Box
    ink: Ink
    cut_off: bool = False

    @property
    def height(self) -> int:
        """Pixels of the page."""
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        """Pixels of the page."""
        return self.box[3] - self.box[1]

    def keep(self, mask: Mask) -> Part:
        """Return the part with only the ink in `mask`, which is as large as its ink's."""
        corner = self.box[0] - _MARGIN, self.box[1] - _MARGIN
        return _part(Ink(self.ink.amount, mask), corner, cut_off=self.cut_off)


def find_parts(ink: Ink) -> list[Part]:
    """Return what may be digits, without dirt, dashes and what reaches in from outside."""
    from scipy import ndimage

    labels, count = ndimage.label(ink.mask, np.ones((3, 3)))
    boxes = np.array(
        [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)], np.int64
    ).reshape(-1, 4)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    longer = np.maximum(heights, widths)
    inside: Mask = np.all((boxes[:, :2] > 0) & (boxes[:, 2:] < ink.mask.shape), axis=1)
    if areas[inside].sum() < _MOST_INSIDE * areas.sum():
        inside = np.ones_like(inside)  # what reaches the edge is what was written
    usual = _usual_height(heights[inside], areas[inside])
    large = np.flatnonzero((longer >= _CRUMB * usual) & (inside | (longer <= _HUGE * usual)))
    large = np.sort(large[np.argsort(-areas[large], kind="stable")[:_MOST]])
    bridged, _ = ndimage.label(ink.mask | (ink.amount > FAINT), np.ones((3, 3)))
    bridges = ndimage.maximum(bridged, labels, 1 + large)
    group = _joined(boxes[large], usual, np.asarray(bridges, np.int64))
    group_of = np.full(count + 1, -1)
    group_of[1 + large] = group
    wholes = np.array([_around(boxes[large[group == one]]) for one in range(group.max() + 1)])
    written = group_of[labels] >= 0
    strength = np.asarray(
        ndimage.mean(ink.amount[written], group_of[labels[written]], np.arange(len(wholes)))
    )
    kept = _possible(wholes, strength, usual, ink.mask.shape)
    return [_cropped(ink, labels, group_of, one, wholes[one]) for one in kept]


def _usual_height(heights: NDArray[np.int64], areas: NDArray[np.int64]) -> float:
    """Return the height of the piece in which the middle of all ink lies, pieces by height."""
    order = np.argsort(heights)
    return float(heights[order[np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)]])


def _joined(boxes: Boxes, usual: float, bridges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the digit that each piece belongs to: broken strokes come together.

    Args:
        boxes: Of the pieces.
        usual: Height of a digit.
        bridges: The same number for pieces that faint ink joins.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    top, left, bottom, right = (side[:, None] for side in boxes.T)
    height, width = bottom - top, right - left
    apart_x = np.maximum(left, left.T) - np.minimum(right, right.T)  # negative: by how much they
    apart_y = np.maximum(top, top.T) - np.minimum(bottom, bottom.T)  # stand over each other
    over = -apart_x / np.minimum(width, width.T)
    beside = -apart_y / np.minimum(height, height.T)
    tall, short = np.maximum(height, height.T), np.minimum(height, height.T)
    interlocked = (over > 0.5) & (beside > 0.5)
    stacked = (over > 0.4) & (apart_y < 0.25 * tall) & (short < 0.6 * np.maximum(tall, usual))
    foot = (width > 2.5 * height) & (top > bottom.T)  # a line below, or an underline
    flat = (width > 1.2 * height) & (height < 0.4 * usual)  # the bar of a five
    high = (top + bottom) / 2 < (top.T + 0.4 * height.T)
    bar = flat & high & (apart_x < 0.15 * tall) & (apart_y < 0.1 * tall)
    together = np.maximum(bottom, bottom.T) - np.minimum(top, top.T)
    bridged = (bridges[:, None] == bridges) & (over > 0.3) & (together < 1.9 * usual)
    whole = together < 1.5 * np.maximum(tall, usual)
    links = bridged | (interlocked | stacked | bar | bar.T) & whole & ~(foot | foot.T)
    _, group = connected_components(csr_array(links), directed=False)
    return np.asarray(group, np.int64)


def _around(boxes: Boxes) -> Box:
    (top, left), (bottom, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)


def _possible(
    boxes: Boxes, strength: NDArray[np.floating], usual: float, shape: tuple[int, ...]
) -> list[int]:
    """Return which groups are neither dirt nor dashes nor things at the edge."""
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    digits = (heights >= max(_LOWEST, _SMALLEST * usual)) & (widths < _FLATTEST * heights)
    digits &= strength > _FAINTEST * strength[np.argmax(heights * widths * digits)]
    outside = np.array([beyond(box, shape) for box in boxes])
    digits &= ~(outside & (np.maximum(heights, widths) > _HUGE * usual))
    return list(np.flatnonzero(digits))


def beyond(box: Sequence[int] | NDArray[np.int64], shape: tuple[int, ...]) -> bool:
    """Return whether ink touches the edge; a picture cut to its digit cuts nothing off."""
    top, left, bottom, right = box
    touches = top == 0, left == 0, bottom == shape[0], right == shape[1]
    fills = (touches[0] and touches[2]) or (touches[1] and touches[3])
    return any(touches) and not fills


def _cropped(
    ink: Ink, labels: NDArray[np.int32], group_of: NDArray[np.int64], one: int, box: Boxes
) -> Part:
    """Return one group's ink."""
    top, left, bottom, right = box
    place = (
        slice(max(0, top - _MARGIN), bottom + _MARGIN),
        slice(max(0, left - _MARGIN), right + _MARGIN),
    )
    mask = group_of[labels[place]] == one
    corner = place[0].start, place[1].start
    return _part(Ink(ink.amount[place], mask), corner, cut_off=beyond(box, ink.mask.shape))


def _part(ink: Ink, corner: tuple[int, int], *, cut_off: bool) -> Part:
    """Return the ink under a mask as a part, soft edges included."""
    top, left, bottom, right = bounds(ink.mask)
    mask = padded(ink.mask[top:bottom, left:right], _MARGIN)
    wide = padded(ink.amount, _MARGIN)[top : bottom + 2 * _MARGIN, left : right + 2 * _MARGIN]
    y, x = corner
    return Part(
        (y + top, x + left, y + bottom, x + right),
        strengthened(with_soft_edges(wide, mask), mask),
        cut_off,
    )
