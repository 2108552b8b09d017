"""Cross-validation of an adaptation: how strongly to hold on to the shipped weights, and the gain.

Every corrected answer is judged by a layer that was fitted without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkfast.adaptation.last_layer import Floats, LastLayer
from inkfast.core.digits import Indices

FoldLayers: TypeAlias = list[tuple[Indices, LastLayer]]  # rows, and a layer fitted without them
FOLDS = 5
# How strongly the shipped answers and weights are held, see `corrected_digits`.
STRENGTHS = (0.3, 1.0, 3.0)


class Corrected(Protocol):
    """Corrected answers, on which a last layer is refitted and judged.

    Attributes:
        shipped: Layer to begin with.
    """

    shipped: LastLayer

    def __len__(self) -> int: ...

    def fit(self, rows: Indices, strength: float) -> LastLayer:
        """Return a layer fitted on some corrections."""
        ...

    def losses(self, layer: LastLayer, rows: Indices) -> Floats:
        """Return the negative log-likelihood of each correction under a layer."""
        ...

    def answers(
        self, layer: LastLayer, rows: Indices, temperature: float, threshold: float
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the confidence of each answer, and whether it is wrong.

        Args:
            layer: The last layer.
            rows: Corrections.
            temperature: Number that logits are divided by.
            threshold: Confidence from which a reader answers, by which it chooses among views.
        """
        ...


@dataclass(frozen=True, eq=False)
class AdaptationCheck:
    """Corrections, judged by a layer that was fitted without them.

    Attributes:
        strength: The strength with the least loss, of `STRENGTHS`.
        parts: Rows of each fold, and the layer fitted on the other folds.
        before: Errors of the shipped layer on each row, bool ``(n,)``.
        after: Errors of adapted layers, likewise.
        loss_before: Mean loss of the shipped layer.
        loss_after: Mean loss of adapted layers.
    """

    strength: float
    parts: FoldLayers
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    loss_before: float
    loss_after: float

    @property
    def is_worse(self) -> bool:
        """Whether adapted layers make more errors, or as many with a larger loss."""
        before, after = int(self.before.sum()), int(self.after.sum())
        return after > before or (after == before and self.loss_after > self.loss_before)

    def gain(self) -> tuple[float, float, float]:
        """Return by how much the share of errors falls, and the interval's low and high end."""
        return paired_gain(self.before, self.after)


def cross_validate_adaptation(corrected: Corrected, rows: Indices) -> AdaptationCheck:
    """Cross-validate the refitting of a last layer on some corrections.

    The strength that judges a fold is the one with the least loss on the other folds, so that no
    correction takes part in choosing what it is judged by.
    """
    folds = np.array_split(rows, FOLDS)
    fits = [
        [corrected.fit(np.setdiff1d(rows, fold), strength) for fold in folds]
        for strength in STRENGTHS
    ]
    losses = np.array([
        [corrected.losses(layer, fold).sum() for layer, fold in zip(row, folds, strict=True)]
        for row in fits
    ])  # fmt: skip
    others = losses.sum(axis=1, keepdims=True) - losses
    parts = [(fold, fits[int(others[:, k].argmin())][k]) for k, fold in enumerate(folds)]
    after = [corrected.losses(layer, fold) for fold, layer in parts]
    return AdaptationCheck(
        STRENGTHS[int(losses.sum(axis=1).argmin())],
        parts,
        corrected.answers(corrected.shipped, np.concatenate(folds), 1.0, 1.0)[1],
        np.concatenate([corrected.answers(one, fold, 1.0, 1.0)[1] for fold, one in parts]),
        float(corrected.losses(corrected.shipped, rows).mean()),
        float(np.concatenate(after).mean()),
    )


def paired_gain(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return by how much a share of errors falls, with its interval of 95 %.

    Args:
        before: Whether each answer was wrong, bool ``(n,)``.
        after: Whether the same answers are wrong after a change.

    Source: Agresti and Min (2005), Simple improved confidence intervals for comparing matched
    proportions, Statistics in Medicine 24.
    """
    fixed, broken = float((before & ~after).sum()), float((after & ~before).sum())
    n = len(before) + 2
    b, c = fixed + 0.5, broken + 0.5
    centre = (b - c) / n
    half = 1.959964 * np.sqrt(b + c - (b - c) ** 2 / n) / n
    return (fixed - broken) / len(before), float(centre - half), float(centre + half)
