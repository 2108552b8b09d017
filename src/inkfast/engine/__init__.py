"""Where independent fits run: here one by one, in local processes, or on a Ray cluster.

A fit's numbers depend on its task and its thread count alone, never on where it ran.
"""

from __future__ import annotations

from inkfast.engine.jobs import QUIET, Job, Observer, Result
from inkfast.engine.where import HERE, Engine, parse

__all__ = ["HERE", "QUIET", "Engine", "Job", "Observer", "Result", "parse"]
