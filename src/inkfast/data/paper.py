"""Ink apart from its paper: a picture of one digit, photographed or drawn, as MNIST's scans were.

Light that changes over the page, grey or ruled paper, specks and the pen's width are taken out;
what is left goes into MNIST's frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.data.digits import Images
from inkfast.data.framing import BOX, frame
from inkfast.errors import InkfastError

Grey = NDArray[np.floating]  # (h, w), brightness in [0, 1]
Mask = NDArray[np.bool_]

_WORK = 160  # pixels of the longer side of a picture at work; a digit needs no more
_LEAST_CONTRAST = 0.04  # of black to white, by which ink must differ from its paper
_LEAST_SURE = 6.0  # times the paper's own noise, by which it must differ as well
_STROKE = (2.3, 4.2)  # widths in pixels of 28x28 between which nine in ten of MNIST's digits lie


class NoInkError(InkfastError):
    """A picture shows nothing that stands out from its paper."""


@dataclass(frozen=True)
class Ink:
    """What was written, apart from what it was written on.

    Attributes:
        amount: ``(h, w)`` in [0, 1], 0 on paper.
        mask: Where there is ink.
    """

    amount: Grey
    mask: Mask


def normalise(picture: Grey) -> Images:
    """Return the digit that a picture shows as MNIST would: uint8 ``(28, 28)``, bright on black.

    Args:
        picture: ``(h, w)`` in [0, 1], of one digit in whatever colours, on whatever paper.

    Raises:
        NoInkError: If there is nothing on it.
    """
    return frame(_evened(main_part(find_ink(shrunk(picture.astype(np.float32), _WORK)))))


def shrunk(picture: Grey, longest: int) -> Grey:
    """Return the picture with its longer side no longer than this, areas averaged."""
    height, width = picture.shape
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def find_ink(picture: Grey) -> Ink:
    """Tell ink from paper: the paper's brightness is followed from place to place.

    Raises:
        NoInkError: If nothing stands out.
    """
    from scipy import ndimage

    sign = _polarity(picture)
    bright = sign * picture
    reach = max(6.0, max(picture.shape) / 6)  # pixels over which light may change
    edge = 2 if max(picture.shape) > 50 else 1  # pixels by which a stroke's soft edge reaches out
    paper = np.ones(picture.shape, bool)
    usual = float(np.median(bright))
    even = float((bright == usual).mean()) > 0.5  # drawn by a program: there is no light to follow
    for _ in range(3):
        if even:
            above = bright - np.float32(usual)
        else:
            weight = ndimage.gaussian_filter(paper.astype(np.float32), reach)
            usual = float(np.median(bright[paper]))  # where no paper is near
            lit = ndimage.gaussian_filter(bright * paper, reach)
            above = bright - (lit + 1e-3 * usual) / (weight + 1e-3)
        threshold = _otsu(above)
        marked = above > threshold
        if even or not marked.any() or marked.all():
            break
        # the paper is far from any stroke, so that soft edges do not count as paper
        paper = ~ndimage.binary_dilation(above > threshold / 2, iterations=edge)
        if paper.sum() < 0.05 * paper.size:
            break
    rest = above[paper & ~marked]
    noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) if rest.size else 0.0
    contrast = float(above[marked].mean()) if marked.any() else 0.0
    if contrast < max(_LEAST_CONTRAST, _LEAST_SURE * noise):
        raise NoInkError(
            "there is no ink to be seen: expected a digit that stands out from its paper"
        )
    full = float(np.percentile(above[marked], 75))
    floor = min(2 * noise, threshold / 2)
    amount = np.clip((above - floor) / (full - floor), 0, 1).astype(np.float32)
    return Ink(amount, marked)


def main_part(ink: Ink) -> Ink:
    """Return the ink of the digit alone, without specks and lines that run off the page."""
    from scipy import ndimage

    labels, count = ndimage.label(ink.mask, np.ones((3, 3)))
    mask = ink.mask
    if count > 1:
        sizes = ndimage.sum_labels(ink.mask, labels, np.arange(1, count + 1))
        main = int(np.argmax(sizes * _centrality(labels, count)))
        large = sizes >= 0.06 * sizes[main]
        whole = [not _cut_off(box, mask.shape) for box in ndimage.find_objects(labels)]
        kept = np.flatnonzero((large & whole) | (np.arange(count) == main))
        mask = np.isin(labels, kept + 1)
    # soft edges belong to their stroke
    around = ndimage.binary_dilation(mask, iterations=2)
    return Ink(np.where(around, ink.amount, 0).astype(np.float32), mask)


def _polarity(picture: Grey) -> int:
    """Return 1 for bright ink on dark, -1 for dark ink on bright: ink is what there is less of."""
    away = picture - np.median(picture)
    return 1 if float((away * away * away).sum()) > 0 else -1  # ** is ten times as slow


def _otsu(values: Grey) -> float:
    """Return the threshold that parts values best. Source: Otsu (1979)."""
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    low, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * low / total - mass) ** 2 / (low * (total - low))
    # a cut with everything on one side parts nothing
    return float(edges[1 + int(np.argmax(np.nan_to_num(between[:-1], nan=-1.0)))])


def _centrality(labels: NDArray[np.int32], count: int) -> Grey:
    """Return for each part how near the middle of the picture it lies, from 1 down to 0."""
    from scipy import ndimage

    places = np.array(ndimage.center_of_mass(labels > 0, labels, np.arange(1, count + 1)))
    shape = np.array(labels.shape)
    away = (places - (shape - 1) / 2) / (shape / 2)
    near: Grey = np.exp(-2 * (away**2).sum(axis=1)).astype(np.float32)
    return near


def _cut_off(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether a part touches the picture's edge, as ruled lines and neighbours do."""
    return any(side.start == 0 or side.stop == end for side, end in zip(box, shape, strict=True))


def _evened(ink: Ink) -> Grey:
    """Return the ink with strokes thickened or thinned that would be none of MNIST's."""
    from scipy import ndimage

    rows, columns = np.nonzero(ink.mask)
    scale = BOX / (1 + max(np.ptp(rows), np.ptp(columns)))
    # inside a bar of w pixels the distance to the nearest pixel outside is (w + 2) / 4 on average
    digit = ink.mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    inside = ndimage.distance_transform_edt(np.pad(digit, 1))
    width = max(1.0, 4 * float(inside.sum() / ink.mask.sum()) - 2)
    radius = (float(np.clip(width * scale, *_STROKE)) / scale - width) / 2
    if abs(radius) < 0.35:
        return ink.amount
    y, x = np.ogrid[-6:7, -6:7]
    ball = np.hypot(y, x) <= min(abs(radius) + 0.5, 6)
    change = ndimage.grey_dilation if radius > 0 else ndimage.grey_erosion
    changed: Grey = change(np.pad(ink.amount, 6), footprint=ball)
    return changed if changed.max() > 0.5 else ink.amount
