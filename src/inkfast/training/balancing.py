"""Balancing the classes of training rows by imbalanced-learn.

It is applied after validation and test rows have been cut off, so that no method can copy or blend
a digit that is evaluated later. New digits come after the given ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from inkfast.core.digits import CLASSES, SIDE, Digits
from inkfast.core.errors import InkfastError

# Chawla et al. (2002) SMOTE; Han et al. (2005) Borderline-SMOTE; He et al. (2008) ADASYN.
METHODS = ("none", "over", "under", "smote", "borderline-smote", "adasyn")
SYNTHETIC = ("smote", "borderline-smote", "adasyn")


def balance(digits: Digits, method: str, neighbours: int, seed: int) -> Digits:
    """Return digits with the same number of rows in every class.

    Args:
        digits: Labelled training rows.
        method: One of `METHODS`: over repeats rows, under drops rows, the others blend rows of a
            class with their neighbours.
        neighbours: Number of nearest neighbours that a digit is blended with.
        seed: Seed of the choice of rows.

    Raises:
        InkfastError: If a class has too few rows for the method.
    """
    if method == "none":
        return digits
    check_balancing(digits, method, neighbours)
    labels = digits.known_labels
    pixels = digits.images.reshape(len(digits), -1)
    if method in SYNTHETIC:
        pixels = pixels.astype(np.float32)
    try:
        rows, new_labels = _sampler(method, neighbours, seed).fit_resample(pixels, labels)
    except (ValueError, RuntimeError) as error:
        raise InkfastError(
            f"balance={method!r} cannot balance these rows: {str(error).splitlines()[0]} "
            "Take balance='smote' or 'over'."
        ) from None
    images = np.clip(np.rint(rows), 0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE)
    return Digits(images, new_labels.astype(np.int64), f"{digits.name}, {method}")


def check_balancing(digits: Digits, method: str, neighbours: int) -> None:
    """Raise if a class has too few rows to be blended, see `balance`."""
    counts = np.bincount(digits.known_labels, minlength=CLASSES)
    short = [c for c in range(CLASSES) if 0 < counts[c] <= neighbours and counts[c] < counts.max()]
    if method in SYNTHETIC and short:
        raise InkfastError(
            f"balance={method!r} blends a digit with one of its {neighbours} neighbours: class "
            f"{short[0]} needs at least {neighbours + 1} rows, got {counts[short[0]]}. Lower "
            "balance_neighbours, or take balance='over'."
        )


def _sampler(method: str, neighbours: int, seed: int) -> Any:
    from imblearn import over_sampling, under_sampling

    makers: dict[str, Callable[[], Any]] = {
        "over": lambda: over_sampling.RandomOverSampler(random_state=seed),
        "under": lambda: under_sampling.RandomUnderSampler(random_state=seed),
        "smote": lambda: over_sampling.SMOTE(k_neighbors=neighbours, random_state=seed),
        "borderline-smote": lambda: over_sampling.BorderlineSMOTE(
            k_neighbors=neighbours, random_state=seed
        ),
        "adasyn": lambda: over_sampling.ADASYN(n_neighbors=neighbours, random_state=seed),
    }
    return makers[method]()
