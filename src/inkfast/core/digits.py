"""`Digits`: the data set type of inkfast, images with or without labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import sha256

SIDE = 28
CLASSES = 10
# Below this confidence a digit is more likely wrong than right, so no threshold is ever lower.
MIN_CONFIDENCE = 0.5

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]  # of classes, 0 to 9
Indices = NDArray[np.int64]  # numbers of rows, from 0


@dataclass(frozen=True)
class Digits:
    """Images of digits with or without labels.

    Attributes:
        images: Images, uint8 ``(n, 28, 28)``, bright ink on dark as in MNIST.
        labels: Labels, int64 ``(n,)`` from 0 to 9, or None if there are none.
        name: Origin of the digits, e.g. ``"mnist train"``.
        writers: Number of each row's writer, int64 ``(n,)``, or None if they are not known. Splits
            keep the rows of a writer on one side.
    """

    images: Images
    labels: Labels | None
    name: str
    writers: Indices | None = None

    def __post_init__(self) -> None:
        _check_array("images", self.images, self.name)
        shape = self.images.shape
        if self.images.dtype != np.uint8 or len(shape) != 3 or shape[1:] != (SIDE, SIDE):
            raise InkfastError(
                f"{self.name}: images must be uint8 of shape (n, 28, 28), "
                f"got {self.images.dtype} of shape {shape}."
            )
        if not len(self.images):
            raise InkfastError(f"{self.name}: expected at least one image, got none.")
        if self.labels is not None:
            check_labels(self.labels, len(self.images), self.name)
        if self.writers is not None:
            self._check_writers()

    def _check_writers(self) -> None:
        _check_array("writers", self.writers, self.name)
        found = np.asarray(self.writers)
        if found.dtype != np.int64 or found.shape != (len(self.images),):
            raise InkfastError(
                f"{self.name}: writers must be int64 of shape ({len(self.images)},), "
                f"got {found.dtype} of {found.shape}."
            )

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of images and labels; name and writers do not count."""
        images = np.ascontiguousarray(self.images).data.cast("B")
        labels = b"" if self.labels is None else self.labels.astype("<i8").tobytes()
        return sha256(images, labels)

    @cached_property
    def groups(self) -> Indices:
        """Group of each row, int64 ``(n,)``: rows with equal images have the same number.

        Where writers are known, so have the rows of a writer. The number is the index of the first
        of these rows. Splits keep a group on one side.
        """
        # images are compared by digests of 16 bytes, which take a fraction of their memory
        first: dict[bytes, int] = {}
        digests = (blake2b(image.tobytes(), digest_size=16).digest() for image in self.images)
        groups = np.array([first.setdefault(digest, row) for row, digest in enumerate(digests)])
        return groups if self.writers is None else _joined(groups, self.writers)

    @property
    def known_labels(self) -> Labels:
        """Labels, int64 ``(n,)``.

        Raises:
            InkfastError: If there are none.
        """
        if self.labels is None:
            raise InkfastError(
                f"{self.name} has no labels: expected labelled digits to train or to measure on."
            )
        return self.labels

    def class_counts(self) -> list[int]:
        """Return the number of rows of each of the ten classes."""
        counts: list[int] = np.bincount(self.known_labels, minlength=CLASSES).tolist()
        return counts

    def pick(self, rows: Indices, name: str) -> Digits:
        """Return the digits of the given rows."""
        labels = None if self.labels is None else self.labels[rows]
        writers = None if self.writers is None else self.writers[rows]
        return Digits(self.images[rows], labels, name, writers)

    def followed_by(self, others: Digits, name: str) -> Digits:
        """Return the rows of both, all labelled; writers are kept if both parts know them."""
        known = self.writers is not None and others.writers is not None
        return Digits(
            np.concatenate([self.images, others.images]),
            np.concatenate([self.known_labels, others.known_labels]),
            name,
            np.concatenate([self.writers, others.writers]) if known else None,
        )


def _joined(groups: Indices, writers: Indices) -> Indices:
    """Return the first row of each row's group, where rows of one writer are in one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, by_writer = np.unique(writers, return_inverse=True)
    n = len(groups)
    # one node for each row, which stands for its group, and one for each writer
    edges = coo_array((np.ones(n), (groups, n + by_writer)), shape=(2 * n, 2 * n))
    _, parts = connected_components(edges, directed=False)
    _, first, own = np.unique(parts[groups], return_index=True, return_inverse=True)
    return np.asarray(first[own])


def _check_array(what: str, value: object, where: str) -> None:
    if not isinstance(value, np.ndarray):
        raise InkfastError(f"{where}: {what} must be a NumPy array, got {short_repr(value)}.")


def check_labels(labels: Labels, n: int, where: str) -> None:
    """Raise unless `labels` are `n` whole numbers from 0 to 9."""
    _check_array("labels", labels, where)
    if labels.dtype != np.int64 or labels.shape != (n,):
        raise InkfastError(
            f"{where}: labels must be int64 of shape ({n},), got {labels.dtype} of {labels.shape}."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if len(wrong):
        raise InkfastError(
            f"{where}: labels must be 0 to 9, got {labels[wrong[0]]} in row {wrong[0] + 1}."
        )


@dataclass(frozen=True)
class Source:
    """Digits that a data source gives.

    Attributes:
        train: Training digits; validation rows are cut from them.
        test: Test digits, or None if the source has none; an experiment then cuts a stratified
            test set from `train`.
        name: Name of the source, e.g. ``"mnist"``.
        notice: Warning that users must see, or "".
    """

    train: Digits
    test: Digits | None
    name: str
    notice: str = field(default="")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Digits of a source with a description of its image files.

    Attributes:
        source: Digits that could be read.
        files: File of each row, by part ("train", "test"); empty if images have no own files.
        sizes: Number of images per size (width, height) in pixels.
        unreadable: One message per image that could not be read; it begins with the path.
    """

    source: Source
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
