"""Bring an image of one digit, photographed or drawn, to MNIST's 28x28.

Paper and light are removed, and what belongs to neighbours; `inkfast.imaging.centering` then scales
and centres the ink. Blur, grain, rules and the width of strokes are left to the network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import NoInkError
from inkfast.imaging.boxes import Mask
from inkfast.imaging.centering import center_digit, to_bright_ink
from inkfast.imaging.opening import GreyImage, shrink

# What each value contributes is measured by benchmarks/normalization.py.
DIGIT_PIXELS = 128  # longer side to which an image of one digit is scaled down
FAINT_INK = 0.2  # amount of ink (a stroke's middle is 1) that still joins two pieces
_SOFT_PIXELS = 2  # pixels around a stroke that its soft edges take
_WINDOW = 0.75  # side of the window with paper, as a share of the image's shorter side
_MIN_CONTRAST = 0.06  # contrast, white on black is 1, below which there is no ink
_MIN_NOISE_RATIO = 6.0  # standard deviations of the paper's grain by which ink differs from it
_DARKEST_PAPER = 0.15  # brightness, white is 1: darker paper counts as this bright
_LIGHT_SAMPLES = 64  # pixels a side of the sample on which the fall of light is fitted
_FULL_INK = 0.001  # share of the pixels, the strongest, that count as full ink
_PAPER, _STROKE = 0.15, 0.85  # shares of full ink below which there is none and above which all
_EDGE = 0.35  # share of full ink at which a stroke ends
_AT_EDGE = 0.2  # weight of a piece at the image's edge when the main piece is chosen
_MIN_PIECE = 0.06  # share of the main piece's area: smaller pieces are specks


def preprocess(grey: GreyImage) -> Images:
    """Return the digit of an image as networks see it.

    An image of 28x28 is taken as it is, noise included, and inverted if it is dark on light. Any
    other image is normalised.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1].

    Returns:
        uint8 ``(28, 28)``, bright ink on black.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    if grey.shape == (SIDE, SIDE):
        return np.asarray(np.rint(255 * to_bright_ink(grey)), np.uint8)
    return center_digit(isolate_digit(grey))


def whole_image(grey: GreyImage) -> Images:
    """Return a whole image, paper included, in a square of 28x28.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1].

    Returns:
        uint8 ``(28, 28)``, bright ink on dark, from 0 to 255.
    """
    bright = to_bright_ink(shrink(grey.astype(np.float32), DIGIT_PIXELS))
    bright = (bright - bright.min()) / max(float(np.ptp(bright)), 1e-6)
    height, width = bright.shape
    side = max(height, width)
    square = np.full((side, side), np.median(bright), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = bright
    scaling = Image.Resampling.BOX if side > SIDE else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(square).resize((SIDE, SIDE), scaling))
    return np.asarray(np.rint(255 * small.clip(0, 1)), np.uint8)


def isolate_digit(grey: GreyImage) -> GreyImage:
    """Return the ink of the digit on an image of one digit, scaled down to `DIGIT_PIXELS`.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1], any colours, any paper.

    Returns:
        Amount of ink ``(h, w)``, from 0 on paper to 1 in the middle of a stroke.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    small = shrink(grey.astype(np.float32), DIGIT_PIXELS)
    if _is_blank_paper(small):
        raise NoInkError
    contrast = _contrast_with_paper(small)
    strongest = contrast.size - max(1, round(_FULL_INK * contrast.size))
    full = float(np.partition(contrast, strongest, axis=None)[strongest])
    if full < _MIN_CONTRAST:
        raise NoInkError
    amount = np.clip((contrast / full - _PAPER) / (_STROKE - _PAPER), 0, 1)
    return _remove_neighbours(amount, contrast > _EDGE * full)


def _is_blank_paper(grey: GreyImage) -> bool:
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


def _contrast_with_paper(grey: GreyImage) -> GreyImage:
    """Return by how much each pixel ``(h, w)`` stands out from its paper; 0 on most of the paper.

    There is less ink than paper, above all at the border, so differences from the median are skewed
    towards ink. The paper under a stroke is as bright as around it, in a window of three quarters
    of the image.
    """
    from scipy import ndimage

    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    repeated = np.tile(border, max(1, grey.size // (2 * border.size)))  # a third of the sample
    away = grey - np.median(np.concatenate([grey.ravel(), repeated]))
    bright = away if (away**3).mean() > 0 else -away
    window = max(3, round(_WINDOW * min(grey.shape)))
    contrast: GreyImage = bright - ndimage.grey_opening(bright, size=(window, window))
    return (contrast - np.median(contrast)).clip(0)


def _remove_neighbours(amount: GreyImage, mask: Mask) -> GreyImage:
    """Return the ink of the digit alone: without specks and without what leaves the image.

    Args:
        amount: Amount of ink ``(h, w)``.
        mask: ``(h, w)``, True inside strokes.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    at_edge = np.array([_touches_edge(box, mask.shape) for box in boxes])
    sizes = ndimage.sum_labels(mask, labels, np.arange(1, count + 1))
    nearness = _closeness_to_center(labels, count) * np.where(at_edge, _AT_EDGE, 1)
    main = int(np.argmax(sizes * nearness))
    apart = np.array([not _is_above_or_below(box, boxes[main]) for box in boxes])
    removed = (sizes < _MIN_PIECE * sizes[main]) | (at_edge & apart)
    removed[main] = False
    return keep_soft_edges(amount, mask & ~np.isin(labels, np.flatnonzero(removed) + 1))


def _closeness_to_center(labels: NDArray[np.int32], count: int) -> GreyImage:
    """Return how close each piece ``(count,)`` lies to the image's centre; 1 at the centre."""
    from scipy import ndimage

    places = np.array(ndimage.center_of_mass(labels > 0, labels, np.arange(1, count + 1)))
    shape = np.array(labels.shape)
    away = (places - (shape - 1) / 2) / (shape / 2)
    near: GreyImage = np.exp(-2 * (away**2).sum(axis=1)).astype(np.float32)
    return near


def _touches_edge(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether a piece touches the image's edge, as neighbours and rules do."""
    return any(side.start == 0 or side.stop == end for side, end in zip(box, shape, strict=True))


def _is_above_or_below(box: tuple[slice, slice], main: tuple[slice, slice]) -> bool:
    """Return whether most of a piece's columns are the main piece's, as the bar of a 5's are."""
    columns, own = box[1], main[1]
    shared = min(columns.stop, own.stop) - max(columns.start, own.start)
    return bool(shared > (columns.stop - columns.start) / 2)


def keep_soft_edges(amount: GreyImage, mask: Mask) -> GreyImage:
    """Return the ink ``(h, w)`` under a mask and `_SOFT_PIXELS` around it; 0 elsewhere."""
    for _ in range(_SOFT_PIXELS):  # as ndimage.binary_dilation, with less overhead
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return amount * mask
