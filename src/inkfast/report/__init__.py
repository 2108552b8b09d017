"""Figures and self-contained HTML pages."""

from __future__ import annotations

from inkfast.report.comparison import write_report
from inkfast.report.cross_validation import write_folds
from inkfast.report.exploration import write_exploration
from inkfast.report.tuning import write_tuning

__all__ = ["write_exploration", "write_folds", "write_report", "write_tuning"]
