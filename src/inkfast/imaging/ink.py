"""Ink apart from its paper, on a single digit or a whole page.

What is darker than the paper around it, by a share of the paper's brightness, is ink: shadows
change both alike. The paper's brightness under a stroke is that of a window wider than the stroke,
first as wide as any stroke could be, then as the strokes that were found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import NoInkError
from inkfast.imaging.opening import GreyImage, shrunk
from inkfast.imaging.ruled_lines import without_lines

Mask = NDArray[np.bool_]

_LEAST_CONTRAST = 0.06  # of the paper's brightness, by which ink must differ from it
_LEAST_SURE = 6.0  # times the paper's own noise, by which it must differ as well
_FAINTEST = 0.6  # of what parts ink from lines, stains and soft edges: fainter is no stroke
_EDGE = 0.35  # of a stroke's own strength: where it ends
_THICK = 1.5  # times the usual width of strokes
_MOST_INSIDE = 0.2  # of all ink: with less inside the picture, the ink at its edge is the digit
_ALIKE = 0.6  # of drawn ink that is as strong as the strongest
_COARSE = 400  # pixels of the longer side where the window is chosen
_LEAST_WINDOW = 9  # pixels
_STRONG = 0.2  # of the paper's brightness: what stands out less hides no ink
_LESS = 0.6  # of a picture's ink: with as little left, the rest was no ink if
_AS_STRONG = 0.65  # of its contrast is left, and
_RESOLVED = 0.3  # of the window is as wide as strokes are
_BESIDE = 0.35  # of what lies beside ink that may be as dark as it is
_STEP = 1.05  # times: where evened paper is brighter, light or the sheet ends
_DARKEST_PAPER = 0.15  # of white
_SAMPLES = 64  # pixels a side that tell how light falls on the paper


@dataclass(frozen=True)
class Ink:
    """What was written, apart from what it was written on.

    Attributes:
        amount: ``(h, w)``, 0 on paper and 1 where there is as much as in a stroke's middle.
        mask: Where there is ink.
    """

    amount: GreyImage
    mask: Mask


def find_ink(picture: GreyImage) -> Ink:
    """Tell ink from paper.

    Args:
        picture: ``(h, w)`` in [0, 1].

    Raises:
        NoInkError: If nothing stands out.
    """
    drawn = _on_even_paper(picture)
    if drawn is not None:
        return drawn
    if _is_bare(picture):
        raise NoInkError
    contrast, mask = _within(picture, 1)
    parts = _parts(picture, contrast, mask)
    if parts > 1:
        contrast, mask = _within(picture, parts)
    narrow = max(7, round(6 * stroke_width(mask)))
    if narrow < 0.7 * _window(picture, parts):
        contrast, mask = _strokes(_with_dark_ink(picture, parts), narrow)
    if not mask.any():
        raise NoInkError
    return strengthened(contrast, mask)


def _on_even_paper(picture: GreyImage) -> Ink | None:
    """Return the ink of a picture that a program drew, in a tenth of the time; None of others.

    Half of its pixels are one and the same: there is no light to follow, and no grain.
    """
    # the middle of a sample: where that is not the paper, too much differs from it below
    paper = float(np.median(picture[::3, ::3]))
    # rounded, so that a picture turned over gives the same ink to the bit
    contrast = np.abs(picture - np.float32(paper)).round(4)
    strong = contrast > _EDGE * contrast.max()
    inked = np.count_nonzero(contrast > _LEAST_CONTRAST)
    if inked == 0 or np.count_nonzero(contrast) > contrast.size / 2:
        return None
    if np.count_nonzero(strong) < _ALIKE * inked:
        return None  # ink of several strengths, or hardly more than soft edges
    return strengthened(contrast, strong)


def _is_bare(picture: GreyImage) -> bool:
    """Return whether light that falls off evenly explains all: its dark end is no ink."""
    step = max(1, max(picture.shape) // _SAMPLES)
    # 1, y, y^2 times 1, x, x^2, fitted to a sample
    y, x = (np.vander(np.linspace(-1, 1, length), 3) for length in picture.shape)
    light = np.linalg.pinv(y[::step]) @ picture[::step, ::step] @ np.linalg.pinv(x[::step]).T
    # the median difference of neighbours is 0.95 deviations of the grain
    grain = float(np.median(np.abs(np.diff(picture[::step], axis=1)))) if len(x) > 1 else 0.0

    def even(step: int) -> bool:
        paper = y[::step] @ light @ x[::step].T
        least = _LEAST_CONTRAST * np.maximum(paper, _DARKEST_PAPER)
        away = np.abs(picture[::step, ::step] - paper)
        return bool((away <= np.maximum(least, _LEAST_SURE * grain / 0.95)).all())

    return even(step) and even(1)


def strengthened(amount: GreyImage, mask: Mask) -> Ink:
    """Return the ink with its own strokes' middle as 1."""
    strengths = amount[mask]
    quarter = len(strengths) // 4
    full = float(np.partition(strengths, -quarter - 1)[-quarter - 1])
    return Ink(np.clip(amount / full, 0, 1).astype(np.float32), mask)


def _otsu(values: GreyImage) -> float:
    """Return the threshold that parts values best. Source: Otsu (1979)."""
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    low, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * low / total - mass) ** 2 / (low * (total - low))
    return float(edges[1 + int(np.argmax(np.nan_to_num(between[:-1], nan=-1.0)))])


def stroke_width(mask: Mask) -> float:
    """Return how wide strokes usually are, in pixels: twice their area by their outline."""
    widths, areas, _ = _pieces(mask)
    if not len(areas):
        return 1.0
    order = np.argsort(widths)
    half = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    return float(widths[order[half]])


def _pieces(mask: Mask) -> tuple[GreyImage, NDArray[np.int64], NDArray[np.int32]]:
    """Return each piece's stroke width and area, and the pieces' labels."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    outline = mask & ~ndimage.binary_erosion(mask, border_value=1)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    outlines = np.maximum(1, np.bincount(labels[outline], minlength=count + 1)[1:])
    return 2 * areas / outlines, areas, labels


def _without_corners(mask: Mask) -> Mask:
    """Return the mask without what reaches in from the edge and is too thick to be written.

    A shadow's or a table's corner is as narrow as a stroke may be, but only there.
    """
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    widths, _, labels = _pieces(mask)
    outside = np.unique(labels[mask & edge]) - 1
    inner = mask & ~np.isin(labels, outside + 1)
    if inner.sum() < _MOST_INSIDE * mask.sum():
        return mask
    thick = outside[widths[outside] > _THICK * stroke_width(inner)]
    return mask & ~np.isin(labels, thick + 1)


def _parts(picture: GreyImage, contrast: GreyImage, mask: Mask) -> int:
    """Return by how much the first window is to be smaller than half the picture.

    Within that window what differs most may be a sheet from its desk, or a shadow from light. A
    smaller one no longer sees them; writing stands out in it as before, and there is less of it.

    Args:
        picture: ``(h, w)``.
        contrast: What half the picture shows, as `_strokes` returns it.
        mask: Likewise.
    """
    small = shrunk(picture, _COARSE)
    chosen = parts = 1
    share, strength = float(mask.mean()), float(np.median(contrast[mask])) if mask.any() else 0.0
    while strength > _STRONG and min(small.shape) // (2 * (parts := 3 * parts)) >= _LEAST_WINDOW:
        contrast, mask = _within(small, parts)
        if not mask.any():
            break
        left, still = float(mask.mean()), float(np.median(contrast[mask]))
        narrow = stroke_width(mask) < _RESOLVED * _window(small, parts)
        resolved = narrow and _is_whole(_with_dark_ink(small, parts), mask)
        if resolved and left < _LESS * share and still > _AS_STRONG * strength:
            chosen, share, strength = parts, left, still
    return chosen


def _is_whole(bright: GreyImage, mask: Mask) -> bool:
    """Return whether ink ends where the mask does.

    Within a window that is narrower than a stroke, a stroke's middle is taken for paper, and its
    corners are left: what lies beside them is as dark as they are.
    """
    from scipy import ndimage

    edge = ndimage.binary_dilation(mask, iterations=1)
    beside = ndimage.binary_dilation(edge, iterations=2) & ~edge
    return float((bright[beside] <= np.median(bright[mask])).mean()) < _BESIDE


def _within(picture: GreyImage, parts: int) -> tuple[GreyImage, Mask]:
    """Return what differs from its paper within so small a part of half the picture."""
    return _strokes(_with_dark_ink(picture, parts), _window(picture, parts))


def _window(picture: GreyImage, parts: int) -> int:
    return max(_LEAST_WINDOW, int(min(picture.shape)) // (2 * parts))


def _with_dark_ink(picture: GreyImage, parts: int) -> GreyImage:
    """Return the picture, turned over if its ink is bright: of ink there is less near any place."""
    from scipy import ndimage

    near = max(15, max(picture.shape) // (2 * parts))
    away = picture - ndimage.uniform_filter(picture, near)
    return picture if float((away**3).mean()) < 0 else 1 - picture


def _strokes(bright: GreyImage, window: int) -> tuple[GreyImage, Mask]:
    """Return by what share of its paper's brightness each pixel is darker, and what is ink.

    Args:
        bright: ``(h, w)``, ink dark.
        window: Pixels, more than a stroke is wide.
    """
    from scipy import ndimage

    contrast, least = _contrast(bright, window)
    stands_out = contrast > least
    contrast[stands_out & ~without_lines(stands_out)] = 0
    stands_out = contrast > least
    if not stands_out.any():
        return contrast, stands_out
    # a stroke ends at a share of its own strength, which changes with the pen's pressure
    peak = ndimage.maximum_filter(contrast, size=max(3, window // 2))
    faintest = _FAINTEST * _otsu(contrast[stands_out])
    mask = stands_out & (peak > faintest) & (contrast > _EDGE * peak)
    return contrast, _without_corners(mask)


def _contrast(bright: GreyImage, window: int) -> tuple[GreyImage, float]:
    """Return by what share of its paper's brightness each pixel is darker, and the noise's part."""
    from scipy import ndimage

    paper = ndimage.grey_closing(bright, size=(window, window))
    evened = ndimage.uniform_filter(paper, max(3, window // 6))
    # beside the edge of a sheet or a shadow, what is dark is dark paper
    paper = np.where(evened > _STEP * paper, paper, evened)
    contrast = (paper - bright) / np.maximum(paper, _DARKEST_PAPER)
    # ink lies above the paper's values only, so that the lowest quarter tells of the paper alone
    lowest, low = (float(value) for value in np.percentile(contrast, (10, 25)))
    noise = 1.65 * (low - lowest)
    usual = low + 0.67 * noise
    contrast = np.clip(contrast - usual - noise, 0, None)
    return contrast, max(_LEAST_CONTRAST, _LEAST_SURE * noise)
