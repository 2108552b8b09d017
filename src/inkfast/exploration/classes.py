"""Class counts, brightness and mean images of the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Digits, Indices, Labels

Floats = NDArray[np.float64]

# The imbalance ratios at which the KEEL repository sorts its data sets (Alcalá-Fdez et al. 2011).
SLIGHT, HEAVY = 1.5, 9.0


@dataclass(frozen=True, kw_only=True)
class ImbalanceStats:
    """Imbalance of the classes of the training digits.

    Attributes:
        ratio: Size of the largest class divided by that of the smallest class that has any digits.
        largest: The class with most digits.
        smallest: The class with fewest, of those that have any.
        missing: Classes without a digit.
    """

    ratio: float
    largest: int
    smallest: int
    missing: tuple[int, ...]

    @classmethod
    def of(cls, counts: list[int]) -> ImbalanceStats:
        """Measure ten class counts."""
        present = [digit for digit in range(CLASSES) if counts[digit]]
        largest = max(present, key=lambda digit: counts[digit])
        smallest = min(present, key=lambda digit: counts[digit])
        missing = tuple(digit for digit in range(CLASSES) if not counts[digit])
        ratio = counts[largest] / counts[smallest]
        return cls(ratio=ratio, largest=largest, smallest=smallest, missing=missing)

    @property
    def even(self) -> bool:
        """Whether nothing needs to be done."""
        return self.ratio <= SLIGHT and not self.missing

    def verdict(self) -> str:
        """Return how imbalanced the classes are and what to do about it."""
        if len(self.missing) == CLASSES - 1:
            return f"All digits are {self.largest}s: there is nothing to classify."
        size = (
            f"the largest class ({self.largest}) has {self.ratio:.2f} times as many digits as the "
            f"smallest ({self.smallest})"
        )
        if self.ratio < 1.005:  # it would read 1.00 times
            size = "all have nearly as many digits" if self.ratio > 1 else "all have as many digits"
        if self.ratio <= SLIGHT:
            text = f"Classes are even: {size}. Nothing needs to be done."
        elif self.ratio <= HEAVY:
            text = (
                f"Classes are uneven: {size}. Look at the recall of each class beside accuracy; "
                "--balance over or --set class_weights=balanced may help the small classes."
            )
        else:
            text = (
                f"Classes are very uneven: {size}. Accuracy says little about the small classes: "
                "compare macro F1, and train with --balance smote, --balance over or --set "
                "class_weights=balanced."
            )
        if self.missing:
            names = ", ".join(map(str, self.missing))
            text += f" No digit is labelled {names}: a model cannot learn what it never sees."
        return text


@dataclass(frozen=True, kw_only=True)
class PixelStats:
    """Pixel statistics by class; a set without labels is one class.

    Attributes:
        histograms: int64 ``(classes, 256)``, how many pixels have which value.
        mean_images: float64 ``(classes, 28, 28)`` in [0, 1]; NaN for a class without digits.
        brightness: float64 ``(n,)``, the mean of each image's pixels in [0, 1].
        labels: Of the n images, or None.
    """

    histograms: NDArray[np.int64]
    mean_images: Floats
    brightness: Floats
    labels: Labels | None

    @classmethod
    def of(cls, digits: Digits) -> PixelStats:
        """Count and average the pixels of a set."""
        groups = [digits.images[rows] for rows in rows_by_class(digits.labels, len(digits))]
        return cls(
            histograms=np.stack([np.bincount(group.ravel(), minlength=256) for group in groups]),
            mean_images=np.stack([_mean_image(group) for group in groups]),
            brightness=digits.images.mean(axis=(1, 2)) / 255,
            labels=digits.labels,
        )

    @property
    def histogram(self) -> NDArray[np.int64]:
        """How many pixels of the whole set have which value, ``(256,)``."""
        return np.asarray(self.histograms.sum(axis=0))

    def moments(self) -> list[tuple[float, float]]:
        """Return mean and standard deviation of each class's pixels, on [0, 1]."""
        return [_moments(histogram) for histogram in self.histograms]

    def whole(self) -> tuple[float, float]:
        """Return mean and standard deviation of all pixels, on [0, 1]."""
        return _moments(self.histogram)

    def brightness_by_class(self) -> list[Floats]:
        """Return the brightness of each class's images."""
        rows = rows_by_class(self.labels, len(self.brightness))
        return [self.brightness[chosen] for chosen in rows]


def rows_by_class(labels: Labels | None, n: int) -> list[Indices]:
    """Return the rows of each of the ten classes; without labels, all rows as one group."""
    if labels is None:
        return [np.arange(n)]
    return [np.flatnonzero(labels == digit) for digit in range(CLASSES)]


def _mean_image(images: NDArray[np.uint8]) -> Floats:
    if not len(images):
        return np.full((SIDE, SIDE), np.nan)
    return np.asarray(images.sum(axis=0, dtype=np.int64) / (255 * len(images)))


def _moments(histogram: NDArray[np.int64]) -> tuple[float, float]:
    n = histogram.sum()
    if not n:
        return float("nan"), float("nan")
    values = np.arange(256) / 255
    mean = float(histogram @ values / n)
    return mean, float(np.sqrt(histogram @ (values - mean) ** 2 / n))
