"""Stratified splits and folds of digits; copies of an image stay on one side.

So do all digits of a writer, where a data source knows who wrote which digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, Digits, Indices, Labels
from inkfast.core.errors import InkfastError

_WRITER_PARTS = 20  # writers are cut off in steps of 5% of the rows


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
    digits: Digits, fraction: float, seed: int, rows: Indices | None = None
) -> tuple[Indices, Indices]:
    """Cut `fraction` of the distinct images off, all copies of an image together.

    Without copies, the result is that of `stratified_split`. Where writers are known, about
    `fraction` of the rows is cut off, all rows of a writer together.

    Args:
        digits: Labelled digits; an image with several labels counts under the first.
        fraction: Share to cut off.
        seed: Seed of the choice.
        rows: Rows to be split, ascending; all if None.

    Returns:
        Rows kept and rows cut off, both ascending.

    Raises:
        InkfastError: If a class has too few distinct images, or writers, to appear on both sides.
    """
    rows = np.arange(len(digits)) if rows is None else rows
    labels, groups = digits.known_labels[rows], digits.groups[rows]
    if digits.writers is not None:
        chosen = _choose_writers(labels, groups, fraction, seed)
        return rows[~chosen], rows[chosen]
    _, first, own = np.unique(groups, return_index=True, return_inverse=True)
    try:
        _, cut = stratified_split(labels[first], fraction, seed)
    except InkfastError as error:
        if len(first) == len(labels):
            raise
        raise InkfastError(f"{error} Copies of an image were counted once.") from None
    chosen = np.isin(own, cut)
    return rows[~chosen], rows[chosen]


def _choose_writers(
    labels: Labels, groups: Indices, fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Return a mask of the rows to cut off: whole groups, about `fraction` of each class."""
    parts = min(_WRITER_PARTS, len(np.unique(groups)))
    rng = np.random.default_rng(seed)
    part = _assign_parts(labels, groups, parts, rng)
    chosen = np.isin(part, rng.permutation(parts)[: round(fraction * parts)])
    if set(labels[chosen]) == set(labels[~chosen]) == set(labels):
        return chosen
    raise InkfastError(
        f"too few writers to cut off {fraction:.0%} of the digits with every class on both sides: "
        f"got {len(np.unique(groups))}, and the rows of a writer stay together. Give more digits, "
        "or change `test_fraction` (testing), `validation` (choosing the epoch) or `calibration`."
    )


def _assign_parts(labels: Labels, groups: Indices, parts: int, rng: np.random.Generator) -> Indices:
    """Return the part of each row: whole groups, about equally much of each class in each part.

    Groups are placed one by one, large ones early, each into the part that has least of the classes
    it consists of. Scikit-learn's `StratifiedGroupKFold` does the same in an order that no seed
    changes.
    """
    _, own = np.unique(groups, return_inverse=True)
    counts = np.zeros((own.max() + 1, CLASSES))
    np.add.at(counts, (own, labels), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((parts, CLASSES))
    placed = np.empty(len(counts), np.int64)
    for group in np.argsort(-counts.sum(axis=1) * rng.uniform(0.5, 1, len(counts))):
        placed[group] = np.lexsort((filled.sum(axis=1), filled @ shares[group]))[0]
        filled[placed[group]] += shares[group]
    return np.asarray(placed[own])


def stratified_group_kfold(
    digits: Digits, folds: int, repeats: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    """Yield stratified folds, repeat by repeat, with all copies of an image in one fold.

    Where writers are known, all rows of a writer are in one fold.

    Args:
        digits: Labelled digits; an image with several labels counts under the first.
        folds: Number of folds; each class needs as many groups, see `count_groups`.
        repeats: Number of times that folds are drawn.
        seed: Seed of the choice.

    Yields:
        Indices of the rows outside the fold and of those in it, both ascending.
    """
    if digits.writers is not None:
        rng = np.random.default_rng(seed)
        for _ in range(repeats):
            part = _assign_parts(digits.known_labels, digits.groups, folds, rng)
            for fold in range(folds):
                yield np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        return
    from sklearn.model_selection import RepeatedStratifiedKFold

    _, first, own = np.unique(digits.groups, return_index=True, return_inverse=True)
    labels = digits.known_labels[first]
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    for _, cut in splitter.split(labels, labels):
        chosen = np.isin(own, cut)
        yield np.flatnonzero(~chosen), np.flatnonzero(chosen)


def count_groups(digits: Digits) -> NDArray[np.int64]:
    """Return how many groups have each class, int64 ``(10,)``: distinct images, or writers.

    An image with several labels counts under the first; a writer counts for each class written.
    """
    labels = digits.known_labels
    if digits.writers is None:
        return np.bincount(labels[np.unique(digits.groups)], minlength=CLASSES)
    pairs = np.unique(np.stack([digits.groups, labels]), axis=1)
    return np.bincount(pairs[1], minlength=CLASSES)


def describe_groups(digits: Digits) -> str:
    """Return what `count_groups` has counted, to follow a count in a message; "" for rows."""
    if digits.writers is not None:
        return " writers, whose rows stay together"
    return "" if len(np.unique(digits.groups)) == len(digits) else ", copies counted once"
