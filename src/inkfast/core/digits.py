"""`Digits`: the one form in which labelled images travel through inkfast."""

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
    """A set of digit images with or without labels.

    Attributes:
        images: uint8 ``(n, 28, 28)``, ink bright on dark as in MNIST.
        labels: int64 ``(n,)`` in 0..9, or None where nobody has labelled them.
        name: Where they come from, e.g. ``"mnist train"``.
    """

    images: Images
    labels: Labels | None
    name: str

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

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over images and labels: the same digits in the same order, nothing else."""
        images = np.ascontiguousarray(self.images).data.cast("B")
        labels = b"" if self.labels is None else self.labels.astype("<i8").tobytes()
        return sha256(images, labels)

    @cached_property
    def groups(self) -> Indices:
        """For each row the first row with the same image, int64 ``(n,)``: copies have one number.

        By a digest of 16 bytes, since a million images would be as much again in memory.
        """
        first: dict[bytes, int] = {}
        digests = (blake2b(image.tobytes(), digest_size=16).digest() for image in self.images)
        return np.array([first.setdefault(digest, row) for row, digest in enumerate(digests)])

    @property
    def known_labels(self) -> Labels:
        """The labels.

        Raises:
            InkfastError: If there are none.
        """
        if self.labels is None:
            raise InkfastError(
                f"{self.name} has no labels: expected labelled digits to train or to measure on."
            )
        return self.labels

    def class_counts(self) -> list[int]:
        """Return how many rows each of the ten classes has."""
        counts: list[int] = np.bincount(self.known_labels, minlength=CLASSES).tolist()
        return counts

    def pick(self, rows: Indices, name: str) -> Digits:
        """Return the given rows as a set of their own."""
        labels = None if self.labels is None else self.labels[rows]
        return Digits(self.images[rows], labels, name)


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
    """What a data source gives: digits to train on, and the test digits where it has its own.

    Attributes:
        train: Rows from which validation is cut.
        test: Rows that are looked at once; None where the source makes no difference, and the
            experiment cuts a stratified test set itself.
        name: The source in a word, e.g. ``"mnist"``.
        notice: What the user must be told loudly, or nothing.
    """

    train: Digits
    test: Digits | None
    name: str
    notice: str = field(default="")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A source, and what its files looked like before they became digits.

    Attributes:
        source: The digits that could be read.
        files: Name of the file of every row, by part ("train", "test"); empty where the digits do
            not lie in files of their own.
        sizes: How many pictures had which size, as (width, height).
        unreadable: What is wrong with each picture that could not be read, its path first.
    """

    source: Source
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
