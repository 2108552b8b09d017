"""Where independent work runs: in this process, in local processes or on a Ray cluster.

The result of a job depends on the job alone, never on where it ran; `stacked` alone rounds
differently.
"""

from __future__ import annotations

from inkfast.execution.base import ATTEMPTS, Executor
from inkfast.execution.cores import available_cores
from inkfast.execution.job import Callback, Job, Observer, Outcome, SteppedRun, quiet
from inkfast.execution.parse import EXECUTORS, parse_executor
from inkfast.execution.serial import SerialExecutor

SERIAL = SerialExecutor()

__all__ = [
    "ATTEMPTS",
    "EXECUTORS",
    "SERIAL",
    "Callback",
    "Executor",
    "Job",
    "Observer",
    "Outcome",
    "SerialExecutor",
    "SteppedRun",
    "available_cores",
    "parse_executor",
    "quiet",
]
