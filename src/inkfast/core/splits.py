"""Stratified splits and folds of digits; identical copies of an image stay on one side."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, Digits, Indices, Labels
from inkfast.core.errors import InkfastError


def stratified_split(labels: Labels, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Cut `fraction` of the rows off, the same share of each class.

    A class whose share rounds to no row has one all the same, on either side.

    Returns:
        The row numbers kept and the row numbers cut off, both ascending.

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
    """Return the first of the other rows, shuffled, of each class that the rows lack."""
    classes, first = np.unique(labels[others], return_index=True)
    return others[first[~np.isin(classes, labels[rows])]]


def stratified_group_split(
    labels: Labels, groups: Indices, fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Cut `fraction` of the pictures off as `stratified_split` does, all copies of one together.

    Where no picture is there twice, the rows are those of `stratified_split`.

    Args:
        labels: ``(n,)``; copies with several labels count as the first of them.
        groups: ``(n,)``, see `Digits.pictures`.
        fraction: Share of the pictures that is cut off.
        seed: Decides which.

    Raises:
        InkfastError: If a class has too few pictures to appear on both sides.
    """
    _, first, own = np.unique(groups, return_index=True, return_inverse=True)
    try:
        _, cut = stratified_split(labels[first], fraction, seed)
    except InkfastError as error:
        if len(first) == len(labels):
            raise
        raise InkfastError(f"{error} Copies of a picture were counted once.") from None
    chosen = np.isin(own, cut)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def stratified_group_kfold(
    digits: Digits, folds: int, repeats: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    """Yield stratified folds, repeat by repeat, all copies of a picture in one fold.

    Args:
        digits: Labelled; copies with several labels count as the first of them.
        folds: In each repeat; every class needs as many pictures, see `picture_counts`.
        repeats: How often folds are drawn.
        seed: Decides which.

    Yields:
        The row numbers outside the fold and those in it, both ascending.
    """
    from sklearn.model_selection import RepeatedStratifiedKFold

    _, first, own = np.unique(digits.groups, return_index=True, return_inverse=True)
    labels = digits.known_labels[first]
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    for _, cut in splitter.split(labels, labels):
        chosen = np.isin(own, cut)
        yield np.flatnonzero(~chosen), np.flatnonzero(chosen)


def unique_image_counts(digits: Digits) -> NDArray[np.int64]:
    """Return how many pictures each class has, int64 ``(10,)``; copies are counted once."""
    first = np.unique(digits.groups)
    return np.bincount(digits.known_labels[first], minlength=CLASSES)
