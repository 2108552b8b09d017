"""Analysis of digits before training: statistics here, figures in `report`."""

from __future__ import annotations

from inkfast.exploration.exploration import EXPLORATION, Exploration, explore_digits
from inkfast.exploration.findings import Finding, findings

__all__ = ["EXPLORATION", "Exploration", "Finding", "explore_digits", "findings"]
