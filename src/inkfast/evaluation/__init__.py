"""Evaluating probabilities: scores, calibration, risk guarantees, robustness and significance."""

from __future__ import annotations

from inkfast.evaluation.calibration import Reliability, reliability
from inkfast.evaluation.difference import (
    Comparison,
    FoldComparison,
    all_tests,
    compare_folds,
    compare_models,
    deciding_p,
)
from inkfast.evaluation.scores import Scores, score

__all__ = [
    "Comparison",
    "FoldComparison",
    "Reliability",
    "Scores",
    "all_tests",
    "compare_folds",
    "compare_models",
    "deciding_p",
    "reliability",
    "score",
]  # fmt: skip
