"""Tuning: a search space over model and recipe in, the best recipe out, by Optuna.

Trials are judged on validation rows. The test digits are looked at once, by the best one.
"""

from __future__ import annotations

from inkfast.experiments.tuning.plan import Plan, read_plan
from inkfast.experiments.tuning.search import Search
from inkfast.experiments.tuning.space import Parameter
from inkfast.experiments.tuning.trials import TrialRow, Tuned

__all__ = ["Parameter", "Plan", "Search", "TrialRow", "Tuned", "read_plan"]
