"""Tuning: a search space over model and recipe in, the best recipe out, by Optuna.

Trials are judged on validation rows. The test digits are looked at once, by the best one.
"""

from __future__ import annotations

from inkfast.experiments.tuning.plan import SearchPlan, parse_search_plan
from inkfast.experiments.tuning.search import Search
from inkfast.experiments.tuning.space import Parameter
from inkfast.experiments.tuning.trials import SearchResult, TrialRow

__all__ = ["Parameter", "Search", "SearchPlan", "SearchResult", "TrialRow", "parse_search_plan"]
