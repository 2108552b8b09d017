"""Figures and self-contained HTML pages."""

from __future__ import annotations

from inkfast.report.comparison import write
from inkfast.report.cross_validation import write as write_folds
from inkfast.report.exploration import write as write_exploration
from inkfast.report.tuning import write as write_tuning

__all__ = ["write", "write_exploration", "write_folds", "write_tuning"]
