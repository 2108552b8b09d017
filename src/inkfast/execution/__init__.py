"""Where independent fits run: here one by one or together, in local processes, on a Ray cluster.

A fit's numbers depend on its task and its thread count alone, never on where it ran; but for
rounding, where several take their steps together.
"""

from __future__ import annotations

from inkfast.execution.executors import SERIAL, Executor, parse_executor
from inkfast.execution.jobs import QUIET, FitJob, FitOutcome, SweepObserver

__all__ = ["QUIET", "SERIAL", "Executor", "FitJob", "FitOutcome", "SweepObserver", "parse_executor"]
