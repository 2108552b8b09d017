"""`HeldBack`: a classifier's answers on rows that did not train it, from which it is calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Labels
from inkfast.training import FitSpec, TrainedModel
from inkfast.training.validation import calibration_digits, validation_digits


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Answers on rows that did not train a model, under the noise of its training.

    Attributes:
        validation: Probabilities of the rows that chose the epoch, float64 ``(n, 10)``.
        validation_labels: Their classes, int64 ``(n,)``.
        calibration: Probabilities of the rows that neither trained nor chose anything, float64
            ``(m, 10)``; no rows unless the recipe sets some aside.
        calibration_labels: Their classes, int64 ``(m,)``.
    """

    validation: NDArray[np.float64]
    validation_labels: Labels
    calibration: NDArray[np.float64]
    calibration_labels: Labels

    @classmethod
    def of(cls, trained: TrainedModel, fit_spec: FitSpec) -> HeldBack:
        """Ask a model about the rows that its fit held back."""
        rows = validation_digits(fit_spec)
        found = trained.probabilities(rows), rows.known_labels
        if not fit_spec.recipe.calibration:
            return cls(*found, np.zeros((0, found[0].shape[1])), np.zeros(0, np.int64))
        rest = calibration_digits(fit_spec)
        return cls(*found, trained.probabilities(rest), rest.known_labels)
