"""Separate ink from paper, on an image of one digit or of a whole page.

A pixel is ink if it is darker than the paper around it by a share of the paper's brightness;
shadows change both alike. The paper's brightness under a stroke is taken from a window wider than
the stroke: first as wide as any stroke could be, then a few times the width of the strokes found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import NoInkError
from inkfast.imaging.boxes import Mask
from inkfast.imaging.opening import GreyImage, shrink
from inkfast.imaging.ruled_lines import remove_ruled_lines

# Every value below was chosen by trial on pages that a program drew (in shadow, on ruled paper, on
# a desk) and on photographs of single digits. None was fitted to labelled images.
_MIN_CONTRAST = 0.06  # share of the paper's brightness by which ink differs from it
_MIN_NOISE_RATIO = 6.0  # standard deviations of the paper's grain by which ink differs from it
_MIN_PEAK = 0.6  # share of Otsu's threshold that a stroke's peak reaches: the rest is lines, stains
_STROKE_EDGE = 0.35  # share of a stroke's peak contrast at which the stroke ends
_THICK = 1.5  # times the usual stroke width: thicker ink at the image's edge is a shadow or a table
_MIN_INSIDE = 0.2  # share of all ink; with less away from the edge, the ink at the edge is kept
_MIN_UNIFORM = 0.6  # share of a drawn image's ink that is as strong as its strongest
_COARSE_PIXELS = 400  # longer side of the image on which the window is chosen
_MIN_WINDOW = 9  # pixels
_MIN_HIDING = 0.2  # median contrast below which what was found cannot hide fainter ink
# A window a third as wide is taken if it finds at most _MAX_INK_LEFT of the ink (the rest was a
# desk or a shadow) with at least _MIN_CONTRAST_LEFT of the contrast, and if strokes are at most
# _MAX_STROKE of the window wide.
_MAX_INK_LEFT = 0.6
_MIN_CONTRAST_LEFT = 0.65
_MAX_STROKE = 0.3
_MAX_DARK_BESIDE = 0.35  # share of the pixels beside ink that may be as dark as ink
_LIGHT_STEP = 1.05  # ratio of smoothed paper to paper: above it, a shadow or a sheet ends here
_DARKEST_PAPER = 0.15  # brightness, white is 1: darker paper counts as this bright
_LIGHT_SAMPLES = 64  # pixels a side of the sample on which the fall of light is fitted


@dataclass(frozen=True)
class Ink:
    """The ink of an image, without its paper.

    Attributes:
        amount: ``(h, w)``, from 0 on paper to 1 in the middle of a stroke.
        mask: ``(h, w)``, True where there is ink.
    """

    amount: GreyImage
    mask: Mask


def find_ink(grey: GreyImage) -> Ink:
    """Find the ink of an image.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1]; ink may be darker or brighter than its paper.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    drawn = _find_drawn_ink(grey)
    if drawn is not None:
        return drawn
    if is_blank_paper(grey):
        raise NoInkError
    contrast, mask = _find_in_window(grey, 1)
    divisor = _choose_window_divisor(grey, contrast, mask)
    if divisor > 1:
        contrast, mask = _find_in_window(grey, divisor)
    narrow = max(7, round(6 * stroke_width(mask)))
    if narrow < 0.7 * _window_size(grey, divisor):
        contrast, mask = _find_strokes(_make_ink_dark(grey, divisor), narrow)
    if not mask.any():
        raise NoInkError
    return rescale_ink(contrast, mask)


def _find_drawn_ink(grey: GreyImage) -> Ink | None:
    """Return the ink of an image drawn by a program, in a tenth of the time; None for others.

    At least half of such an image has one and the same value: there is no light and no grain.
    """
    # the middle of a sample: where that is not the paper, too much differs from it below
    paper = float(np.median(grey[::3, ::3]))
    # rounded, so that an inverted image gives the same ink to the bit
    contrast = np.abs(grey - np.float32(paper)).round(4)
    strong = contrast > _STROKE_EDGE * contrast.max()
    inked = np.count_nonzero(contrast > _MIN_CONTRAST)
    if inked == 0 or np.count_nonzero(contrast) > contrast.size / 2:
        return None
    if np.count_nonzero(strong) < _MIN_UNIFORM * inked:
        return None  # ink of several strengths, or hardly more than soft edges
    return rescale_ink(contrast, strong)


def is_blank_paper(grey: GreyImage) -> bool:
    """Return whether a smooth fall of light (a quadratic surface) explains the whole image."""
    step = max(1, max(grey.shape) // _LIGHT_SAMPLES)
    # 1, y, y^2 times 1, x, x^2, fitted to a sample
    y, x = (np.vander(np.linspace(-1, 1, length), 3) for length in grey.shape)
    light = np.linalg.pinv(y[::step]) @ grey[::step, ::step] @ np.linalg.pinv(x[::step]).T
    # the median difference of neighbours is 0.95 standard deviations of normal grain
    grain = float(np.median(np.abs(np.diff(grey[::step], axis=1)))) if len(x) > 1 else 0.0

    def is_even(step: int) -> bool:
        paper = y[::step] @ light @ x[::step].T
        least = _MIN_CONTRAST * np.maximum(paper, _DARKEST_PAPER)
        away = np.abs(grey[::step, ::step] - paper)
        return bool((away <= np.maximum(least, _MIN_NOISE_RATIO * grain / 0.95)).all())

    return is_even(step) and is_even(1)


def rescale_ink(amount: GreyImage, mask: Mask) -> Ink:
    """Return the ink with its amount scaled so that the middle of its strokes is 1."""
    strengths = amount[mask]
    quarter = len(strengths) // 4
    full = float(np.partition(strengths, -quarter - 1)[-quarter - 1])
    return Ink(np.clip(amount / full, 0, 1).astype(np.float32), mask)


def _otsu_threshold(values: GreyImage) -> float:
    """Return the threshold with the largest variance between two classes.

    Source: Otsu (1979), A Threshold Selection Method from Gray-Level Histograms.
    """
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    low, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * low / total - mass) ** 2 / (low * (total - low))
    return float(edges[1 + int(np.argmax(np.nan_to_num(between[:-1], nan=-1.0)))])


def stroke_width(mask: Mask) -> float:
    """Return the usual width of strokes in pixels: the median over the inked area."""
    widths, areas, _ = _measure_pieces(mask)
    if not len(areas):
        return 1.0
    order = np.argsort(widths)
    half = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    return float(widths[order[half]])


def _measure_pieces(mask: Mask) -> tuple[GreyImage, NDArray[np.int64], NDArray[np.int32]]:
    """Return stroke width and area of each connected piece, and the pieces' labels ``(h, w)``.

    A piece's stroke width is twice its area divided by the length of its outline.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    outline = mask & ~ndimage.binary_erosion(mask, border_value=1)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    outlines = np.maximum(1, np.bincount(labels[outline], minlength=count + 1)[1:])
    return 2 * areas / outlines, areas, labels


def _remove_thick_edge_pieces(mask: Mask) -> Mask:
    """Return the mask without pieces that touch the image's edge and are too thick for a stroke.

    They are the corner of a shadow or of a table.
    """
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    widths, _, labels = _measure_pieces(mask)
    outside = np.unique(labels[mask & edge]) - 1
    inner = mask & ~np.isin(labels, outside + 1)
    if inner.sum() < _MIN_INSIDE * mask.sum():
        return mask
    thick = outside[widths[outside] > _THICK * stroke_width(inner)]
    return mask & ~np.isin(labels, thick + 1)


def _choose_window_divisor(grey: GreyImage, contrast: GreyImage, mask: Mask) -> int:
    """Return 1, 3, 9, ...: the window is half the shorter side divided by it.

    In a window of half the image, the strongest contrast may be that of a sheet with its desk, or
    of a shadow with the light. A smaller window no longer sees these, and finds less ink; writing
    stands out in it as before.

    Args:
        grey: Brightness ``(h, w)``.
        contrast: The contrast in the window of half the image, see `_find_strokes`.
        mask: The ink found in that window.
    """
    small = shrink(grey, _COARSE_PIXELS)
    chosen = divisor = 1
    share, strength = float(mask.mean()), float(np.median(contrast[mask])) if mask.any() else 0.0
    while strength > _MIN_HIDING and min(small.shape) // (2 * (divisor := 3 * divisor)) >= (
        _MIN_WINDOW
    ):
        contrast, mask = _find_in_window(small, divisor)
        if not mask.any():
            break
        left, still = float(mask.mean()), float(np.median(contrast[mask]))
        narrow = stroke_width(mask) < _MAX_STROKE * _window_size(small, divisor)
        resolved = narrow and _covers_its_strokes(_make_ink_dark(small, divisor), mask)
        if resolved and left < _MAX_INK_LEFT * share and still > _MIN_CONTRAST_LEFT * strength:
            chosen, share, strength = divisor, left, still
    return chosen


def _covers_its_strokes(bright: GreyImage, mask: Mask) -> bool:
    """Return whether the mask covers whole strokes rather than their corners alone.

    In a window narrower than a stroke, the middle of the stroke is taken for paper and only its
    corners are found: pixels beside them are as dark as they are.
    """
    from scipy import ndimage

    edge = ndimage.binary_dilation(mask, iterations=1)
    beside = ndimage.binary_dilation(edge, iterations=2) & ~edge
    return float((bright[beside] <= np.median(bright[mask])).mean()) < _MAX_DARK_BESIDE


def _find_in_window(grey: GreyImage, divisor: int) -> tuple[GreyImage, Mask]:
    """Return contrast and ink, see `_find_strokes`, in a window of half the image by `divisor`."""
    return _find_strokes(_make_ink_dark(grey, divisor), _window_size(grey, divisor))


def _window_size(grey: GreyImage, divisor: int) -> int:
    return max(_MIN_WINDOW, int(min(grey.shape)) // (2 * divisor))


def _make_ink_dark(grey: GreyImage, divisor: int) -> GreyImage:
    """Return the image, inverted if its ink is bright.

    Differences from the local mean are skewed towards ink, since there is less ink than paper.
    """
    from scipy import ndimage

    near = max(15, max(grey.shape) // (2 * divisor))
    away = grey - ndimage.uniform_filter(grey, near)
    return grey if float((away**3).mean()) < 0 else 1 - grey


def _find_strokes(bright: GreyImage, window: int) -> tuple[GreyImage, Mask]:
    """Return the contrast of each pixel with its paper, and the mask of ink.

    Args:
        bright: Brightness ``(h, w)``, ink dark.
        window: Side in pixels of the window that holds paper; larger than a stroke is wide.
    """
    from scipy import ndimage

    contrast, least = _contrast_with_paper(bright, window)
    stands_out = contrast > least
    contrast[stands_out & ~remove_ruled_lines(stands_out)] = 0
    stands_out = contrast > least
    if not stands_out.any():
        return contrast, stands_out
    # a stroke ends at a share of its own peak, which changes with the pen's pressure
    peak = ndimage.maximum_filter(contrast, size=max(3, window // 2))
    faintest = _MIN_PEAK * _otsu_threshold(contrast[stands_out])
    mask = stands_out & (peak > faintest) & (contrast > _STROKE_EDGE * peak)
    return contrast, _remove_thick_edge_pieces(mask)


def _contrast_with_paper(bright: GreyImage, window: int) -> tuple[GreyImage, float]:
    """Return the contrast ``(h, w)`` with the paper, and the least contrast of ink.

    The contrast is the share of its paper's brightness by which a pixel is darker, less the
    paper's own grain.
    """
    from scipy import ndimage

    paper = ndimage.grey_closing(bright, size=(window, window))
    evened = ndimage.uniform_filter(paper, max(3, window // 6))
    # beside the edge of a sheet or a shadow, what is dark is dark paper
    paper = np.where(evened > _LIGHT_STEP * paper, paper, evened)
    contrast = (paper - bright) / np.maximum(paper, _DARKEST_PAPER)
    # Ink lies above the paper's values only, so the lowest quarter is paper alone. Of normal grain
    # with deviation s, the quartile is 0.61 s above the 10th percentile and 0.67 s below the mean.
    lowest, low = (float(value) for value in np.percentile(contrast, (10, 25)))
    noise = 1.65 * (low - lowest)
    usual = low + 0.67 * noise
    contrast = np.clip(contrast - usual - noise, 0, None)
    return contrast, max(_MIN_CONTRAST, _MIN_NOISE_RATIO * noise)
