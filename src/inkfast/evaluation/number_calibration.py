"""Calibration of a number reader: its temperature, and the confidence from which it answers.

Both are fitted on strips whose texts are known and that neither trained nor chose the network, as
it is read without an expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.evaluation.calibration import MAX_TEMPERATURE
from inkfast.evaluation.selective import RiskGuarantee, fit_answer_threshold
from inkfast.inference.decoding import decode_views

_TINY = 1e-9  # chance that an answer of confidence 1 is wrong, which keeps logarithms finite


@dataclass(frozen=True)
class CalibrationStrips:
    """Strips whose texts are known.

    Attributes:
        log_probs: Log-probabilities of a network for each view of each strip, see `decode_views`.
        texts: Text that is written on each.
        digits_only: Whether other characters are left out; the texts then consist of digits.
    """

    log_probs: Sequence[Sequence[NDArray[np.float32]]]
    texts: Sequence[str]
    digits_only: bool = False

    def __post_init__(self) -> None:
        if len(self.log_probs) != len(self.texts) or not self.texts:
            raise InkfastError(
                "calibration strips must be as many as their texts, at least one, got "
                f"{len(self.log_probs)} strips and {len(self.texts)} texts."
            )

    def answers(self, temperature: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the confidence of each answer at a temperature, and whether it is wrong."""
        readings = [
            decode_views(views, digits_only=self.digits_only, temperature=temperature)
            for views in self.log_probs
        ]
        confidence = np.array([reading.confidence for reading in readings])
        pairs = zip(readings, self.texts, strict=True)
        return confidence, np.array([reading.text != text for reading, text in pairs])


def fit_number_temperature(strips: CalibrationStrips) -> float:
    """Return the temperature at which the confidences best predict which answers are right.

    The mean negative log-likelihood is that of right and wrong answers under their confidence. The
    log-probabilities of frames are divided by the temperature. Where every answer is right, the
    likelihood has no maximum, and the temperature is 1.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, section 4.2, for frames.
    """
    from scipy.optimize import minimize_scalar

    if not strips.answers(1.0)[1].any():
        return 1.0

    def loss(log_temperature: float) -> float:
        confidence, wrong = strips.answers(float(np.exp(log_temperature)))
        chance = np.where(wrong, 1 - confidence, confidence)
        return -float(np.log(chance.clip(_TINY)).mean())

    bounds = np.log(1 / MAX_TEMPERATURE), np.log(MAX_TEMPERATURE)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x))


def fit_number_threshold(
    strips: CalibrationStrips, temperature: float, max_error: float
) -> RiskGuarantee:
    """Return the lowest confidence above which at most a share of `max_error` numbers is wrong.

    It holds with a confidence of 95 % for strips drawn as these were, read at the same temperature
    and without an expectation: see `inkfast.evaluation.selective.fit_threshold`.

    Args:
        strips: Strips that did not fit the temperature, if the guarantee is to hold strictly.
        temperature: Temperature of the reader.
        max_error: Bound on the share of wrong numbers among the answered, in (0, 1).
    """
    return fit_answer_threshold(*strips.answers(temperature), max_error)
