"""Figures and self-contained HTML pages."""

from __future__ import annotations

from inkfast.report.comparison import write_comparison_report
from inkfast.report.cross_validation import write_validation_report
from inkfast.report.exploration import write_exploration_report
from inkfast.report.tuning import write_tuning_report

__all__ = [
    "write_comparison_report",
    "write_exploration_report",
    "write_tuning_report",
    "write_validation_report",
]
