"""Split the ink of a page into candidates that may be one digit each.

Connected pieces of ink are measured against the usual height of a digit: crumbs are dropped,
broken strokes are grouped, and groups that cannot be a digit (dashes, dirt, things at the image's
edge) are left out. Digits that touch stay one candidate; see `inkfast.inference.touching_digits`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.boxes import Box, Mask, bounding_box, is_cut_off, zero_pad
from inkfast.imaging.ink import Ink, rescale_ink
from inkfast.imaging.normalization import FAINT_INK, keep_soft_edges

# Every value here and in `_group_pieces` was chosen by trial on pages that a program drew and on
# photographs of them. None was fitted to labelled images.
_MARGIN = 3  # pixels of paper around a candidate, for the soft edges of its strokes
_MAX_PIECES = 1000  # pieces of ink that are looked at, the largest first; bounds the time
_MIN_PIECE = 0.2  # times the usual height: smaller pieces are dots and dirt
_MIN_HEIGHT_PIXELS = 6  # pixels; digits from 9 pixels high are tested to be read
_MIN_HEIGHT = 0.35  # times the usual height
_MAX_WIDTH = 3.5  # times a candidate's height: a wider one is a dash or an underline
_MIN_STRENGTH = 0.45  # times the mean ink of the largest candidate: crossings of ruled lines
_MIN_INSIDE = 0.2  # share of all ink; with less away from the edge, pieces at the edge are kept
_HUGE = 3.0  # times the usual height: larger things at the edge are a table, a hand or a shadow

Boxes = NDArray[np.int64]  # (n, 4): top, left, bottom, right; the last two exclusive


@dataclass(frozen=True)
class DigitCandidate:
    """A part of the page's ink that may be one digit.

    Attributes:
        box: Top, left, bottom and right of the ink on the page, in pixels at work.
        ink: This candidate's ink alone, with `_MARGIN` pixels of paper around the box.
        cut_off: Whether the ink may continue beyond the image's edge.
    """

    box: Box
    ink: Ink
    cut_off: bool = False

    @property
    def height(self) -> int:
        """Height of the ink in pixels at work."""
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        """Width of the ink in pixels at work."""
        return self.box[3] - self.box[1]

    def keep(self, mask: Mask) -> DigitCandidate:
        """Return the candidate reduced to the ink under `mask`, which has the shape of `ink`."""
        corner = self.box[0] - _MARGIN, self.box[1] - _MARGIN
        return _make_candidate(Ink(self.ink.amount, mask), corner, cut_off=self.cut_off)


def find_candidates(ink: Ink) -> list[DigitCandidate]:
    """Return the candidates on a page, see `split_page`."""
    return split_page(ink)[0]


def split_page(ink: Ink) -> tuple[list[DigitCandidate], list[Box]]:
    """Return the candidates on a page, in no particular order, and what was left out.

    Args:
        ink: Ink of the whole page, with at least one inked pixel.

    Returns:
        The candidates, and boxes of marks as large as digits whose shape is no digit's, such as
        dashes and underlines.
    """
    from scipy import ndimage

    labels, count = ndimage.label(ink.mask, np.ones((3, 3)))
    boxes = np.array(
        [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)], np.int64
    ).reshape(-1, 4)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    longer = np.maximum(heights, widths)
    inside: Mask = np.all((boxes[:, :2] > 0) & (boxes[:, 2:] < ink.mask.shape), axis=1)
    if areas[inside].sum() < _MIN_INSIDE * areas.sum():
        inside = np.ones_like(inside)  # the writing itself reaches the edge
    usual = _usual_height(heights[inside], areas[inside])
    large = np.flatnonzero((longer >= _MIN_PIECE * usual) & (inside | (longer <= _HUGE * usual)))
    large = np.sort(large[np.argsort(-areas[large], kind="stable")[:_MAX_PIECES]])
    bridged, _ = ndimage.label(ink.mask | (ink.amount > FAINT_INK), np.ones((3, 3)))
    bridge_of = np.zeros(count + 1, np.int64)
    bridge_of[labels[ink.mask]] = bridged[ink.mask]  # one value for all pixels of a piece
    group = _group_pieces(boxes[large], usual, bridge_of[1 + large])
    group_of = np.full(count + 1, -1)
    group_of[1 + large] = group
    wholes = np.array([_enclosing_box(boxes[large[group == g]]) for g in range(group.max() + 1)])
    written = group_of[labels] >= 0
    strength = np.asarray(
        ndimage.mean(ink.amount[written], group_of[labels[written]], np.arange(len(wholes)))
    )
    kept, left_out = _plausible_groups(wholes, strength, usual, ink.mask.shape)
    candidates = [_crop_group(ink, labels, group_of, one, wholes[one]) for one in kept]
    return candidates, [_enclosing_box(wholes[[one]]) for one in left_out]


def _usual_height(heights: NDArray[np.int64], areas: NDArray[np.int64]) -> float:
    """Return the median height of the pieces, weighted by their areas."""
    order = np.argsort(heights)
    return float(heights[order[np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)]])


def _group_pieces(boxes: Boxes, usual: float, bridges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group the pieces of broken digits.

    Args:
        boxes: Boxes ``(n, 4)`` of the pieces.
        usual: Usual height of a digit, in pixels.
        bridges: ``(n,)``, the same number for pieces that faint ink joins.

    Returns:
        Number of its group for each piece, ``(n,)``, from 0.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    # every pair of pieces at once: (n, n), symmetric unless the rule says which piece is which
    top, left, bottom, right = (side[:, None] for side in boxes.T)
    height, width = bottom - top, right - left
    apart_x = np.maximum(left, left.T) - np.minimum(right, right.T)  # pixels between the two;
    apart_y = np.maximum(top, top.T) - np.minimum(bottom, bottom.T)  # negative: their overlap
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


def _enclosing_box(boxes: Boxes) -> Box:
    """Return the smallest box around several boxes ``(n, 4)``."""
    (top, left), (bottom, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)


def _plausible_groups(
    boxes: Boxes, strength: NDArray[np.floating], usual: float, shape: tuple[int, ...]
) -> tuple[list[int], list[int]]:
    """Return the numbers of the groups that may be a digit, and of those that are large marks.

    Args:
        boxes: Boxes ``(n, 4)`` of the groups.
        strength: Mean amount of ink of each group, ``(n,)``.
        usual: Usual height of a digit, in pixels.
        shape: Height and width of the page, in pixels.
    """
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    least = max(_MIN_HEIGHT_PIXELS, _MIN_HEIGHT * usual)
    digits = (heights >= least) & (widths < _MAX_WIDTH * heights)
    marks = ~digits & (np.maximum(heights, widths) >= least)
    strong = strength > _MIN_STRENGTH * strength[np.argmax(heights * widths * digits)]
    outside = np.array([is_cut_off(box, shape) for box in boxes])
    kept = strong & ~(outside & (np.maximum(heights, widths) > _HUGE * usual))
    return list(np.flatnonzero(digits & kept)), list(np.flatnonzero(marks & kept))


def _crop_group(
    ink: Ink, labels: NDArray[np.int32], group_of: NDArray[np.int64], group: int, box: Boxes
) -> DigitCandidate:
    """Return one group's ink as a candidate.

    Args:
        ink: Ink of the page.
        labels: Label of the piece at each pixel, ``(h, w)``; 0 for paper.
        group_of: Group of each label, ``(labels + 1,)``; -1 for none.
        group: Number of the group.
        box: Box ``(4,)`` of the group.
    """
    top, left, bottom, right = box
    window = (
        slice(max(0, top - _MARGIN), bottom + _MARGIN),
        slice(max(0, left - _MARGIN), right + _MARGIN),
    )
    mask = group_of[labels[window]] == group
    corner = window[0].start, window[1].start
    cut_off = is_cut_off(box, ink.mask.shape)
    return _make_candidate(Ink(ink.amount[window], mask), corner, cut_off=cut_off)


def _make_candidate(ink: Ink, corner: tuple[int, int], *, cut_off: bool) -> DigitCandidate:
    """Return the ink under a mask, soft edges included, as a candidate.

    Args:
        ink: Ink ``(h, w)`` of a window of the page; the mask holds the candidate alone.
        corner: Top and left of that window on the page.
        cut_off: See `DigitCandidate`.
    """
    top, left, bottom, right = bounding_box(ink.mask)
    mask = zero_pad(ink.mask[top:bottom, left:right], _MARGIN)
    wide = zero_pad(ink.amount, _MARGIN)[top : bottom + 2 * _MARGIN, left : right + 2 * _MARGIN]
    y, x = corner
    return DigitCandidate(
        (y + top, x + left, y + bottom, x + right),
        rescale_ink(keep_soft_edges(wide, mask), mask),
        cut_off,
    )
