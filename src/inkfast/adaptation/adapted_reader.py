"""`AdaptedReader`: what is known about an adapted network, as sentences and as metadata."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from inkfast.adaptation.adaptation import Adaptation
from inkfast.inference.drift import CONFIDENCES, summarize_confidences
from inkfast.inference.onnx_classifier import GUARANTEES, PREDICTION_SETS

ADAPTED = "adapted"  # key in the metadata of an adapted file
_OUTDATED = ("sha256", "max_error", "max_error_asked", PREDICTION_SETS)


@dataclass(frozen=True, eq=False)
class AdaptedReader:
    """An adapted network in a file.

    Attributes:
        path: The file.
        based_on: Name of the network that it was adapted from.
        what: ``digit`` or ``number``.
        n: Number of corrections that were used.
        adaptation: How it was adapted, and what is known about it.
    """

    path: Path
    based_on: str
    what: str
    n: int
    adaptation: Adaptation

    @property
    def sentences(self) -> list[str]:
        """What was done, what it gains and what is guaranteed, for people."""
        check = self.adaptation.check
        gain, low, high = check.gain()
        return [
            f"{self.path}: {self.based_on}, adapted to {self.n} corrected {self.what}s",
            f"by cross-validation, {check.after.sum()} of {len(check.after)} are wrong, "
            f"{check.before.sum()} before: {100 * gain:.1f} points fewer (95 % interval "
            f"{100 * low:.1f} to {100 * high:.1f})",
            describe_test(self.what, self.adaptation),
        ]


def adapted_metadata(
    adapted: AdaptedReader, before: dict[str, Any], fingerprint: str
) -> dict[str, Any]:
    """Return the metadata of an adapted file: that of the first one, and what has changed.

    Args:
        adapted: What is known about it.
        before: Metadata of the file that it was adapted from.
        fingerprint: SHA-256 of that file.
    """
    result, guarantee = adapted.adaptation, adapted.adaptation.guarantee
    tested = not isnan(guarantee.max_error)
    rows, scale = "calibration_digits", 1.0
    if adapted.what == "number":  # whose reader divides by the temperature
        rows, scale = "calibration_strips", before.get("temperature", 1.0)
    kept = {key: value for key, value in before.items() if key not in _OUTDATED}
    changed = {
        "temperature": scale * result.temperature,
        rows: guarantee.n,
        "strict": True,
        "threshold": guarantee.threshold,
        GUARANTEES: [[guarantee.max_error, guarantee.threshold]] if tested else [],
        CONFIDENCES: summarize_confidences(result.confidence),
        ADAPTED: {
            "from": fingerprint,
            "name": adapted.based_on,
            "corrections": adapted.n,
            "held_back": guarantee.n,
            "strength": result.check.strength,
            "cross_validated": _check(adapted),
            "guarantee": describe_test(adapted.what, result),
        },
    }
    return kept | changed | ({"max_error": guarantee.max_error} if tested else {})


def _check(adapted: AdaptedReader) -> dict[str, Any]:
    check = adapted.adaptation.check
    gain, low, high = check.gain()
    return {
        "n": len(check.after),
        "wrong_before": int(check.before.sum()),
        "wrong_after": int(check.after.sum()),
        "gain": gain,
        "gain_ci95": [low, high],
    }


def describe_test(what: str, adaptation: Adaptation) -> str:
    """Return what the corrections held back guarantee, as a sentence without a full stop."""
    guarantee = adaptation.guarantee
    answered = round(guarantee.coverage * guarantee.n)
    errors = round(guarantee.error * answered) if answered else 0
    tested = f"{errors} wrong of {answered} answered of {guarantee.n} {what}s held back"
    sentence = f"answers from a confidence of {guarantee.threshold:.3f}"
    if isnan(guarantee.max_error):
        return f"{sentence}; no share of errors can be guaranteed ({tested})"
    return (
        f"{sentence}, for at most {100 * guarantee.max_error:.1f} % of answers wrong on {what}s "
        f"like these, with 95 % confidence ({tested})"
    )
