"""Tuning: searches a space of models and recipes with Optuna.

Trials are evaluated on validation rows; only the best one is evaluated on the test digits.
"""

from __future__ import annotations

from inkfast.experiments.tuning.plan import SearchPlan, parse_search_plan
from inkfast.experiments.tuning.search import Search
from inkfast.experiments.tuning.space import Parameter
from inkfast.experiments.tuning.trials import SearchResult, TrialRow

__all__ = ["Parameter", "Search", "SearchPlan", "SearchResult", "TrialRow", "parse_search_plan"]
