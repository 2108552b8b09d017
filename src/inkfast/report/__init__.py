"""Figures and one self-contained HTML page."""

from __future__ import annotations

from inkfast.report.page import write

__all__ = ["write"]
