"""Principal components, clusters, and the shift between training and test digits."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Digits, Images, Indices, Labels
from inkfast.core.pixels import to_unit
from inkfast.exploration.classes import Floats

MAX_COMPONENTS = 50  # components that are kept
MAX_ROWS = 20_000  # rows that components are fitted on
MAX_CLUSTERED = 10_000  # rows that are clustered


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components of pixels on [0, 1].

    Attributes:
        n: Rows they were fitted on.
        explained: Share of the variance of every component, the largest first.
        mean: The mean image, float32 ``(784,)``.
        axes: float32 ``(k, 784)`` of length 1, at most `AXES`.
        spread: Standard deviation along each of the axes.
    """

    n: int
    explained: Floats
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    spread: Floats

    def project(self, images: Images) -> NDArray[np.float32]:
        """Return the coordinates of images, float32 ``(n, k)``."""
        return np.asarray((_unit_rows(images) - self.mean) @ self.axes.T)

    def needed(self, share: float) -> int:
        """Return how many components hold a share of the variance."""
        return int(np.searchsorted(np.cumsum(self.explained), share - 1e-6) + 1)

    def shift(self, train: Images, other: Images) -> float:
        """Return how far the means lie apart: the most along any axis, in standard deviations."""
        gap = (_mean_unit_row(other) - _mean_unit_row(train)) @ self.axes.T
        return float(np.max(np.abs(gap) / np.maximum(self.spread, 1e-9)))


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """k-means on the leading components, one cluster for each class there is.

    Attributes:
        n: Rows that were clustered.
        centres: float64 ``(k, 28, 28)`` in [0, 1], the centre of each cluster as an image.
        sizes: Rows of each cluster.
        table: int64 ``(k, 10)``, rows of each cluster and class; None without labels.
        adjusted_rand: 1 for clusters that are the classes, about 0 for chance (Hubert and Arabie
            1985); None without labels or with a single class.
    """

    n: int
    centres: Floats
    sizes: list[int]
    table: NDArray[np.int64] | None
    adjusted_rand: float | None

    @property
    def purity(self) -> float | None:
        """Share of rows whose class is the most frequent one of their cluster."""
        if self.table is None or self.adjusted_rand is None:
            return None
        return float(self.table.max(axis=1).sum() / self.n)


def fit_components(digits: Digits, seed: int) -> Components | None:
    """Fit principal components; None where all images are the same."""
    from sklearn.decomposition import PCA

    flat = _unit_rows(digits.images[sample_rows(len(digits), MAX_ROWS, seed)])
    if not flat.std(axis=0).any():
        return None
    fitted = PCA(svd_solver="covariance_eigh").fit(flat)
    kept = int(min(MAX_COMPONENTS, (fitted.explained_variance_ratio_ > 1e-9).sum()))
    return Components(
        n=len(flat),
        explained=fitted.explained_variance_ratio_.astype(np.float64),
        mean=fitted.mean_,
        axes=fitted.components_[:kept],
        spread=np.sqrt(fitted.explained_variance_[:kept].astype(np.float64)),
    )


def fit_clusters(digits: Digits, axes: Components, seed: int) -> Clusters | None:
    """Cluster the digits; None where there are fewer than two different ones."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = sample_rows(len(digits), MAX_CLUSTERED, seed)
    places = axes.project(digits.images[rows])
    labels = None if digits.labels is None else digits.labels[rows]
    wanted = CLASSES if labels is None else max(2, len(np.unique(labels)))
    wanted = min(wanted, len(np.unique(places.round(3), axis=0)))
    if wanted < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # copies may leave a cluster empty
        fitted = KMeans(wanted, n_init=3, random_state=seed % 2**32).fit(places)
    order = _cluster_order(fitted.labels_, labels, wanted)
    given = np.argsort(order)[fitted.labels_]
    centres = fitted.cluster_centers_[order] @ axes.axes + axes.mean
    return Clusters(
        n=len(rows),
        centres=np.clip(centres, 0, 1).reshape(-1, SIDE, SIDE).astype(np.float64),
        sizes=np.bincount(given, minlength=wanted).tolist(),
        table=None if labels is None else _contingency_table(given, labels, wanted),
        adjusted_rand=None if labels is None else _adjusted_rand(given, labels),
    )


def sample_rows(n: int, most: int, seed: int) -> Indices:
    """Return at most `most` of `n` rows, ascending, drawn without replacement."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _contingency_table(given: Labels, labels: Labels, wanted: int) -> Labels:
    """Return rows of each cluster and class, ``(wanted, 10)``."""
    table = np.zeros((wanted, CLASSES), np.int64)
    np.add.at(table, (given, labels), 1)
    return table


def _adjusted_rand(given: Labels, labels: Labels) -> float | None:
    from sklearn.metrics import adjusted_rand_score

    if len(np.unique(labels)) < 2:  # undefined for one class
        return None
    return float(adjusted_rand_score(labels, given))


def _cluster_order(
    given: NDArray[np.int64], labels: Labels | None, wanted: int
) -> NDArray[np.int64]:
    """Return the clusters by their most frequent class, or by size where there are no labels."""
    if labels is None:
        return np.argsort(-np.bincount(given, minlength=wanted), kind="stable")
    table = _contingency_table(given, labels, wanted)
    return np.lexsort((-table.max(axis=1), table.argmax(axis=1)))


def _mean_unit_row(images: Images) -> Floats:
    """Return the mean image ``(784,)`` on [0, 1]."""
    total = images.reshape(len(images), -1).sum(axis=0, dtype=np.int64)
    return np.asarray(total / (255 * len(images)))


def _unit_rows(images: Images) -> NDArray[np.float32]:
    return to_unit(images.reshape(len(images), -1))
