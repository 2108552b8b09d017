"""Stratified splits and folds of digits; identical copies of an image stay on one side."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, Digits, Indices, Labels
from inkfast.core.errors import InkfastError


def stratified_split(labels: Labels, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Cut `fraction` of the rows off, with the same share of each class.

    Each class has at least one row on either side, even if its share rounds to none.

    Returns:
        Indices of the rows kept and of the rows cut off, both ascending.

    Raises:
        InkfastError: If a class has too few rows to appear on both sides.
    """
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels, minlength=CLASSES)
    present = counts[counts > 0]
    cut_off = ceil(len(labels) * fraction)
    if present.min() < 2 or not len(present) <= cut_off <= len(labels) - len(present):
        rare = int(np.flatnonzero(counts == present.min())[0])
        raise InkfastError(
            f"too few digits to cut off {fraction:.0%} with every class on both sides: class "
            f"{rare} has {present.min()}, all have {len(labels)}. Give more digits, or change "
            "`test_fraction` (testing), `validation` (choosing the epoch) or `calibration`."
        )
    rows = np.arange(len(labels))
    kept, cut = train_test_split(rows, test_size=cut_off, stratify=labels, random_state=seed)
    is_cut = np.isin(rows, cut)
    is_cut[_lacking(cut, kept, labels)] = True
    is_cut[_lacking(kept, cut, labels)] = False
    return np.flatnonzero(~is_cut), np.flatnonzero(is_cut)


def _lacking(rows: Indices, others: Indices, labels: Labels) -> Indices:
    """Return one row of `others` for each class that is missing among `rows`."""
    classes, first = np.unique(labels[others], return_index=True)
    return others[first[~np.isin(classes, labels[rows])]]


def stratified_group_split(
    labels: Labels, groups: Indices, fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Cut `fraction` of the distinct images off, all copies of an image together.

    Without copies, the result is that of `stratified_split`.

    Args:
        labels: Labels ``(n,)``; an image with several labels counts under the first.
        groups: ``(n,)``, see `Digits.groups`.
        fraction: Share of the distinct images to cut off.
        seed: Seed of the choice.

    Raises:
        InkfastError: If a class has too few distinct images to appear on both sides.
    """
    _, first, own = np.unique(groups, return_index=True, return_inverse=True)
    try:
        _, cut = stratified_split(labels[first], fraction, seed)
    except InkfastError as error:
        if len(first) == len(labels):
            raise
        raise InkfastError(f"{error} Copies of an image were counted once.") from None
    chosen = np.isin(own, cut)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def stratified_group_kfold(
    digits: Digits, folds: int, repeats: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    """Yield stratified folds, repeat by repeat, with all copies of an image in one fold.

    Args:
        digits: Labelled digits; an image with several labels counts under the first.
        folds: Number of folds; each class needs as many distinct images, see
            `unique_image_counts`.
        repeats: Number of times that folds are drawn.
        seed: Seed of the choice.

    Yields:
        Indices of the rows outside the fold and of those in it, both ascending.
    """
    from sklearn.model_selection import RepeatedStratifiedKFold

    _, first, own = np.unique(digits.groups, return_index=True, return_inverse=True)
    labels = digits.known_labels[first]
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    for _, cut in splitter.split(labels, labels):
        chosen = np.isin(own, cut)
        yield np.flatnonzero(~chosen), np.flatnonzero(chosen)


def unique_image_counts(digits: Digits) -> NDArray[np.int64]:
    """Return the number of distinct images of each class, int64 ``(10,)``."""
    first = np.unique(digits.groups)
    return np.bincount(digits.known_labels[first], minlength=CLASSES)
