"""`adapt_layer`: refit, calibrate and test a last layer on corrections.

A part of the corrections is held back: it chooses nothing, so that a guarantee can be tested on it.
Everything else is chosen by cross-validation on the other part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inkfast.adaptation.folds import (
    AdaptationCheck,
    Corrected,
    FoldLayers,
    cross_validate_adaptation,
)
from inkfast.adaptation.last_layer import Floats, LastLayer
from inkfast.core.digits import Indices
from inkfast.core.errors import InkfastError, check_number
from inkfast.evaluation.selective import DELTA, THRESHOLDS, RiskGuarantee

MIN_CORRECTIONS = 20
HELD_BACK = 0.2  # share of the corrections on which the guarantee is tested, unless asked for
_LARGEST_BOUND = 0.5  # a guarantee above says nothing


class Calibrated(Corrected, Protocol):
    """Corrected answers by which a temperature can be fitted as well."""

    def temperature(self, parts: FoldLayers) -> float:
        """Return the temperature for answers that were not fitted, by rows and layers."""
        ...


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A last layer refitted on corrections, and what is known about it.

    Attributes:
        layer: The layer.
        temperature: Number that its logits are to be divided by.
        check: Cross-validation on the corrections that were not held back.
        guarantee: What was tested on the corrections held back; its bound is NaN if nothing could
            be guaranteed.
        confidence: Confidence of each correction held back, float64 ``(n,)``.
    """

    layer: LastLayer
    temperature: float
    check: AdaptationCheck
    guarantee: RiskGuarantee
    confidence: Floats


def adapt_layer(
    corrected: Calibrated,
    max_error: float,
    threshold: float,
    rows: Indices | None = None,
    held_back: float = HELD_BACK,
) -> Adaptation:
    """Refit, calibrate and test the last layer of a network.

    Args:
        corrected: Corrections, at least `MIN_CORRECTIONS`.
        max_error: Share of errors among the answers that the threshold aims at, in (0, 1).
        threshold: Confidence from which the network answers now; the new one is not below.
        rows: Corrections that are used; all by default.
        held_back: Share of them on which the guarantee is tested, in (0, 1).

    Raises:
        InkfastError: If there are too few corrections, or the refitted layer is worse than the
            shipped one.
    """
    given = np.arange(len(corrected)) if rows is None else rows
    fitted, tested = split_corrections(given, held_back)
    check = cross_validate_adaptation(corrected, fitted)
    if check.is_worse:
        raise InkfastError(
            f"adapting does not help: by cross-validation, {check.after.sum()} of {len(fitted)} "
            f"answers are wrong with the adapted network and {check.before.sum()} with the one "
            "that it starts from. Nothing was written; correct more of them, or keep that network."
        )
    layer = corrected.fit(fitted, check.strength)
    temperature = corrected.temperature(check.parts)
    lowest = choose_threshold(corrected, check.parts, temperature, max_error, threshold)
    confidence, wrong = corrected.answers(layer, tested, temperature, lowest)
    guarantee = exact_guarantee(wrong[confidence >= lowest], lowest, len(tested))
    return Adaptation(layer, temperature, check, guarantee, confidence)


def split_corrections(rows: Indices, held_back: float = HELD_BACK) -> tuple[Indices, Indices]:
    """Return the rows to fit, in random order, and the rows held back for the guarantee.

    Raises:
        InkfastError: If there are too few.
    """
    check_number("hold_back", held_back, low=0.05, high=0.9)
    if len(rows) < MIN_CORRECTIONS:
        raise InkfastError(
            f"expected at least {MIN_CORRECTIONS} corrected answers with an image, got "
            f"{len(rows)}. "
            "Correct more: inkfast review"
        )
    order = np.random.default_rng(0).permutation(rows)
    count = round(held_back * len(rows))
    return order[count:], order[:count]


def choose_threshold(
    corrected: Corrected, parts: FoldLayers, temperature: float, max_error: float, lowest: float
) -> float:
    """Return the lowest confidence above which few enough answers are wrong.

    If there is none, it is the confidence above which the smallest share of errors can be shown.

    Args:
        corrected: Corrections.
        parts: Rows, and layers that were fitted without them.
        temperature: Number that logits are divided by.
        max_error: Largest share of errors among the answers.
        lowest: Confidence below which it is not chosen.
    """
    candidates = [lowest, *sorted(one for one in THRESHOLDS if one > lowest)]
    bounds = []
    for threshold in candidates:
        found = [corrected.answers(layer, rows, temperature, threshold) for rows, layer in parts]
        confidence, wrong = (np.concatenate(one) for one in zip(*found, strict=True))
        answered = wrong[confidence >= threshold]
        if len(answered) and answered.mean() <= max_error:
            return float(threshold)
        bounds.append(error_bound(len(answered), int(answered.sum())))
    return float(candidates[int(np.argmin(bounds))])


def error_bound(answered: int, errors: int) -> float:
    """Return the largest share of errors that answers allow for, with a confidence of 95 %.

    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits.
    """
    from scipy.stats import beta

    return 1.0 if errors == answered else float(beta.ppf(1 - DELTA, errors + 1, answered - errors))


def exact_guarantee(wrong: NDArray[np.bool_], threshold: float, n: int) -> RiskGuarantee:
    """Return the smallest bound on errors that answers which chose nothing do not contradict.

    It holds with a confidence of 95 % for answers drawn like these. The threshold was fixed before
    they were seen, so one exact binomial test is enough.

    Args:
        wrong: Whether each answer above the threshold is wrong.
        threshold: The threshold.
        n: Number of answers, those below the threshold included.
    """
    answered, errors = len(wrong), int(np.sum(wrong))
    if not answered:
        return RiskGuarantee(float("nan"), threshold, n, 0.0, float("nan"))
    rounded = float(np.ceil(1000 * error_bound(answered, errors)) / 1000)
    kept = rounded if rounded <= _LARGEST_BOUND else float("nan")
    return RiskGuarantee(kept, threshold, n, answered / n, errors / answered)
