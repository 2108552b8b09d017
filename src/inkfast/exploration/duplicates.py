"""Exact and near copies among digits.

Two images are near copies when their pixels correlate by 0.993 or more, which does not depend on
contrast or brightness. The bound separates: of the 2.4 billion pairs of MNIST's 70,000 digits none
reaches 0.992, while each of 500 digits reaches 0.994 with its copy saved as JPEG of quality 75,
under Gaussian noise of sigma 0.02, or at gamma 1.2. Shifted or rotated copies are not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Images, Indices, Labels

NEAR_CORRELATION = 0.993
MAX_PAIRS = 50_000  # number at which the search stops
_AXES = 24  # dimensions in which pairs are searched before they are compared in full
_SLAB = 2000  # rows that lie side by side on the first axis
_ROWS, _COLUMNS = 512, 2048  # a block of distances that stays in the processor's cache

Matrix = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Copies among the training digits followed by the test digits, as row numbers of the two.

    Attributes:
        n_train: Rows from here on are test digits.
        exact: Groups of rows with identical images.
        near: int64 ``(pairs, 2)``, images that differ but correlate by `ALIKE`, best first; of
            a group of identical images the first row stands for all.
        correlation: float64 ``(pairs,)``.
        complete: Whether the search for `near` was complete; it stops at `MOST_PAIRS`.
    """

    n_train: int
    exact: list[list[int]]
    near: Indices
    correlation: NDArray[np.float64]
    complete: bool

    def across(self, group: list[int]) -> bool:
        """Return whether rows lie on both sides of the line between training and test."""
        return min(group) < self.n_train <= max(group)

    def exact_across(self) -> list[list[int]]:
        """Return the groups of identical images with rows in both parts."""
        return [group for group in self.exact if self.across(group)]

    def near_across(self) -> list[list[int]]:
        """Return the pairs of near copies with a row in each part."""
        return [pair for pair in self.near.tolist() if self.across(pair)]

    def leaked(self) -> int:
        """Return how many test digits have an exact or near copy among the training digits."""
        rows = {row for group in self.exact_across() for row in group if row >= self.n_train}
        return len(rows | {max(pair) for pair in self.near_across()})

    def contradictions(self, labels: Labels) -> list[list[int]]:
        """Return the groups of identical images whose labels differ."""
        return [group for group in self.exact if len(set(labels[group].tolist())) > 1]


def find_duplicates(train: Digits, test: Digits | None) -> Duplicates:
    """Find copies; blank images are left out."""
    images = train.images if test is None else np.concatenate([train.images, test.images])
    rows = np.flatnonzero(~is_blank(images))
    groups: dict[bytes, list[int]] = {}
    for row in rows.tolist():
        groups.setdefault(images[row].tobytes(), []).append(row)
    first = np.array([group[0] for group in groups.values()], np.int64)
    near, correlation, complete = find_near_pairs(images[first])
    best = np.argsort(-correlation, kind="stable")
    return Duplicates(
        n_train=len(train),
        exact=[group for group in groups.values() if len(group) > 1],
        near=np.sort(first[near[best]], axis=1),
        correlation=correlation[best],
        complete=complete,
    )


def is_blank(images: Images) -> NDArray[np.bool_]:
    """Return a mask of the blank images, which have the same value everywhere."""
    flat = images.reshape(len(images), -1)
    return np.asarray((flat == flat[:, :1]).all(axis=1))


def find_near_pairs(
    images: Images, alike: float = NEAR_CORRELATION, most: int = MAX_PAIRS
) -> tuple[Indices, NDArray[np.float64], bool]:
    """Return every pair of images whose pixels correlate by `alike` or more.

    With centred images of length 1, correlation c is distance sqrt(2 - 2c). Distances shrink
    when images are projected, so pairs are searched by a few coordinates, first those near by two
    of them, and no pair is missed (Faloutsos et al. 1994, the lower-bounding lemma).

    Args:
        images: uint8 ``(n, 28, 28)``, none of them constant.
        alike: Bound on the correlation, below 1.
        most: Number of pairs after which the search stops.

    Returns:
        The pairs ``(m, 2)``, their correlations ``(m,)``, and whether the search was complete.
    """
    found, values, total = [np.empty((0, 2), np.int64)], [np.empty(0)], 0
    if len(images) > 1:
        unit_rows = _standardized(images)
        for pairs in _candidate_pairs(
            unit_rows, np.sqrt(2 - 2 * alike) + 1e-3
        ):  # room for rounding
            correlation = _correlation(unit_rows, pairs)
            found.append(pairs[correlation >= alike])
            values.append(correlation[correlation >= alike])
            total += len(found[-1])
            if total > most:
                break
    pairs, correlation = np.concatenate(found), np.concatenate(values)
    return pairs[:most], correlation[:most], total <= most


def _standardized(images: Images) -> Matrix:
    """Return images as float32 ``(n, 784)`` rows of mean 0 and length 1."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    return flat


def _candidate_pairs(unit_rows: Matrix, radius: float) -> Iterator[Indices]:
    """Yield pairs of rows, block by block, that lie within the radius on the leading axes."""
    sample = unit_rows[:: max(1, len(unit_rows) // 3500)]
    sample = sample - sample.mean(axis=0)
    axes = np.linalg.eigh(sample.T @ sample)[1][:, : -_AXES - 1 : -1]
    places = unit_rows @ axes
    half = np.einsum("ij,ij->i", places, places) / 2
    one = np.ones_like(half)
    # the product of these two is minus half the squared distance
    left, right = np.column_stack([places, one, -half]), np.column_stack([places, -half, one])
    for rows, columns in _candidate_blocks(places, radius):
        block = left[rows] @ right[columns].T
        hits = np.flatnonzero(block >= -(radius**2) / 2)
        if len(hits):
            i, j = np.divmod(hits, len(columns))
            pairs = np.column_stack([rows[i], columns[j]])
            if rows[0] == columns[0]:  # a block against itself has every pair twice
                pairs = pairs[i < j]
            yield pairs


def _candidate_blocks(places: Matrix, radius: float) -> Iterator[tuple[Indices, Indices]]:
    """Yield pairs of sets of rows that may be within the radius by the first two axes."""
    order = np.argsort(places[:, 0], kind="stable")
    slabs = np.array_split(order, 1 + len(order) // _SLAB)
    slabs = [slab[np.argsort(places[slab, 1], kind="stable")] for slab in slabs]
    reach = [(places[slab, 0].min(), places[slab, 0].max()) for slab in slabs]
    for number, slab in enumerate(slabs):
        for start in range(0, len(slab), _ROWS):
            rows = slab[start : start + _ROWS]
            low, high = places[rows[[0, -1]], 1] + np.array([-radius, radius], np.float32)
            for other in range(number, len(slabs)):
                if reach[other][0] > reach[number][1] + radius:
                    break
                heights = places[slabs[other], 1]
                # within one slab, rows above have had their turn
                first = start if other == number else np.searchsorted(heights, low)
                last = np.searchsorted(heights, high, side="right")
                for left in range(int(first), int(last), _COLUMNS):
                    yield rows, slabs[other][left : min(left + _COLUMNS, int(last))]


def _correlation(unit_rows: Matrix, pairs: Indices) -> NDArray[np.float64]:
    parts = np.array_split(pairs, 1 + len(pairs) // 5000)
    products = [np.einsum("ij,ij->i", unit_rows[p[:, 0]], unit_rows[p[:, 1]]) for p in parts]
    return np.concatenate(products).astype(np.float64)
