"""Split digits that touch: cuts are proposed where ink is thinnest and judged by the reader.

A cut is kept only if the reader is surer of both halves than of the whole. `propose_cuts` looks at
ink alone; `split_touching_digits` asks the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.imaging.boxes import Box, Mask, bounding_box
from inkfast.imaging.ink import stroke_width
from inkfast.imaging.normalization import normalize
from inkfast.imaging.opening import GreyImage, shrink
from inkfast.imaging.segmentation import DigitCandidate
from inkfast.inference.reader import Prediction, Reader

# Every value below was chosen by trial on digits that a program pushed together on drawn pages.
# None was fitted to labelled photographs.
_MAX_ROUNDS = 3  # rounds of cutting; each may double the digits of a candidate
_WIDE = 0.95  # width over height from which a candidate may be two digits though it is sure,
_WIDE_IF_UNSURE = 0.68  # or though it is unsure
_VERY_WIDE = 1.6  # width over height from which a candidate is more than one digit for certain
_MIN_HALF_CONFIDENCE = 0.95  # confidence that both halves need at least
_HOPELESS = 0.3  # confidence below which the whole is not one digit: cuts may cross more ink,
_MIN_HALF_CONFIDENCE_IF_HOPELESS = 0.85  # and the halves need this confidence
_MAX_DIGITS = 300  # a page with more candidates is taken for texture, and not cut
_MAX_TRIED = 80  # candidates of a page that are cut, the least sure first; bounds the time
# share of the width at which cuts pass the middle of the height, and their slant: columns to the
# right for each row up, as writing leans
_CUT_LINES = np.array([*product(np.linspace(0.2, 0.8, 11), (0.0, 0.35))])
_REACH = 0.1  # share of the height by which a cut may leave its line
_WORK_PIXELS = 48  # longer side of the image on which cuts are sought
_CROSSED_INK = 0.3  # amount of ink (a stroke's middle is 1) from which a cut crosses a stroke
_MAX_CROSSED = 1.6  # stroke widths of ink that a cut may cross at each touching place
_CRUMB = 0.12  # share of a half's ink: smaller pieces belong to the other half
_MIN_HALF_HEIGHT = 0.65  # share of the whole's height that both halves have


@dataclass(frozen=True)
class ReadCandidate:
    """A candidate with the image the network saw of it and the reader's prediction.

    Attributes:
        candidate: Where it is on the page, and its ink.
        image: uint8 ``(28, 28)``, bright ink on black.
        prediction: What the reader says of the image.
    """

    candidate: DigitCandidate
    image: Images
    prediction: Prediction

    @property
    def may_be_two(self) -> bool:
        """Whether it is wide for one digit; the surer the reader, the wider it has to be."""
        wide = _WIDE_IF_UNSURE if self.prediction.unsure else _WIDE
        return self.candidate.width / self.candidate.height >= wide

    @property
    def is_very_wide(self) -> bool:
        """Whether it is too wide for a single digit."""
        return self.candidate.width >= _VERY_WIDE * self.candidate.height

    @property
    def is_hopeless(self) -> bool:
        """Whether the reader is so unsure that it cannot be a single digit."""
        return self.prediction.confidence < _HOPELESS


Cut: TypeAlias = tuple[DigitCandidate, DigitCandidate]  # the left half and the right
ReadCut: TypeAlias = tuple[ReadCandidate, ReadCandidate]


def read_candidates(candidates: list[DigitCandidate], reader: Reader) -> list[ReadCandidate]:
    """Normalise candidates and read them in one call of the reader."""
    images = [normalize(one.ink) for one in candidates]
    stacked = np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)
    predictions = reader.predict(stacked)
    return [ReadCandidate(*one) for one in zip(candidates, images, predictions, strict=True)]


def split_touching_digits(found: list[ReadCandidate], reader: Reader) -> list[ReadCandidate]:
    """Split candidates wherever the reader is surer of the halves than of the whole.

    Args:
        found: Candidates of a page.
        reader: Reader that judges the halves; called at most three times.

    Returns:
        The candidates and, in place of those that were split, their halves; in no particular
        order.
    """
    if len(found) > _MAX_DIGITS:
        return found
    settled, left = [], _MAX_TRIED
    for _ in range(_MAX_ROUNDS):
        wide = sorted(
            (one for one in found if one.may_be_two), key=lambda one: one.prediction.confidence
        )
        tried = wide[:left]
        settled += [one for one in found if not one.may_be_two] + wide[left:]
        found, left = [], left - len(tried)
        for one, cuts in zip(tried, _read_cuts(tried, reader), strict=True):
            halves = _best_cut(one, cuts)
            (found if halves else settled).extend(halves or (one,))
    return settled + found


def _read_cuts(tried: list[ReadCandidate], reader: Reader) -> list[list[ReadCut]]:
    """Return the cuts of each candidate, all their halves read in one call."""
    proposed = [propose_cuts(one.candidate, _max_crossings(one)) for one in tried]
    halves = iter(
        read_candidates([half for cuts in proposed for cut in cuts for half in cut], reader)
    )
    return [[(next(halves), next(halves)) for _ in cuts] for cuts in proposed]


def _max_crossings(one: ReadCandidate) -> int:
    """Return how many strokes a cut may cross: fewer, the surer the reader is of the whole."""
    return 4 if one.is_hopeless else 2 if one.prediction.unsure else 1


def _best_cut(one: ReadCandidate, cuts: list[ReadCut]) -> ReadCut | None:
    """Return the surest cut into two single digits, or else into halves to be cut again.

    None if the reader is surer of the whole.
    """
    needed = (
        _MIN_HALF_CONFIDENCE_IF_HOPELESS
        if one.is_hopeless
        else max(one.prediction.confidence, _MIN_HALF_CONFIDENCE)
    )
    sure = [cut for cut in cuts if _cut_confidence(cut) > needed]
    return max(
        sure,
        key=lambda cut: (not any(half.is_very_wide for half in cut), _cut_confidence(cut)),
        default=None,
    )


def _cut_confidence(cut: ReadCut) -> float:
    """Return the lower confidence of both halves; a very wide half is cut again and not counted."""
    return min((half.prediction.confidence for half in cut if not half.is_very_wide), default=0.0)


def propose_cuts(candidate: DigitCandidate, max_crossings: int) -> list[Cut]:
    """Return the ways to cut a candidate into a left and a right digit; none if no cut is likely.

    Args:
        candidate: Candidate that may be two digits.
        max_crossings: Largest number of strokes that a cut may cross; cutting a loop crosses two.
    """
    ink = candidate.ink
    amount = shrink(ink.amount, _WORK_PIXELS)
    scale = ink.mask.shape[1] / amount.shape[1]
    stroke = max(1.0, stroke_width(ink.mask) / scale)
    rows = np.arange(amount.shape[0])
    seams = np.unique(_find_seams(amount), axis=0)
    crossed = amount[rows, seams]
    inked = np.pad(crossed > _CROSSED_INK, ((0, 0), (1, 0)))
    crossings = np.count_nonzero(inked[:, 1:] & ~inked[:, :-1], axis=1)
    likely = (crossings <= max_crossings) & (
        crossed.sum(axis=1) <= max_crossings * _MAX_CROSSED * stroke
    )
    fine = np.linspace(0, rows[-1], ink.mask.shape[0])
    columns = np.arange(ink.mask.shape[1])
    found: dict[tuple[Box, ...], list[Mask]] = {}  # one cut for each pair of boxes
    for seam in seams[likely]:
        left = columns < scale * (np.interp(fine, rows, seam)[:, None] + 0.5)
        halves = [ink.mask & left, ink.mask & ~left]
        if not _are_tall_enough(halves, candidate):
            continue  # before crumbs are sought, which takes longer
        halves = [_remove_crumbs(half) for half in halves]
        if _are_tall_enough(halves, candidate):
            found[tuple(map(bounding_box, halves))] = halves
    return [(candidate.keep(first), candidate.keep(second)) for first, second in found.values()]


def _find_seams(amount: GreyImage) -> NDArray[np.int64]:
    """Return the seam of least ink along each of `_CUT_LINES`, by dynamic programming.

    Args:
        amount: Amount of ink ``(h, w)``.

    Returns:
        Column at which each row is cut, ``(lines, h)``.
    """
    height, width = amount.shape
    place, slant = _CUT_LINES.T[..., None]
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


def _are_tall_enough(halves: list[Mask], whole: DigitCandidate) -> bool:
    """Return whether each half is nearly as tall as the whole."""
    boxes = map(bounding_box, halves)
    return all(bottom - top >= _MIN_HALF_HEIGHT * whole.height for top, _, bottom, _ in boxes)


def _remove_crumbs(half: Mask) -> Mask:
    """Return a half without the small pieces that belong to the other half."""
    from scipy import ndimage

    labels, _ = ndimage.label(half, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    areas[0] = 0  # paper
    large = (areas > 0) & (areas >= _CRUMB * areas.sum())
    return np.asarray(large[labels])
