"""Judging probabilities: scores, calibration, and whether a difference is real."""

from __future__ import annotations

from inkfast.evaluation.calibration import Reliability, reliability
from inkfast.evaluation.difference import Comparison, compare
from inkfast.evaluation.scores import Scores, score, wilson_interval

__all__ = [
    "Comparison",
    "Reliability",
    "Scores",
    "compare",
    "reliability",
    "score",
    "wilson_interval",
]
