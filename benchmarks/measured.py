"""Shared by all benchmarks: summary statistics, and results as JSON with their machine."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inkfast.core.io import write_json
from inkfast.training import hardware

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Return n, minimum, median, mean and maximum."""
    return {
        "n": len(values),
        "min": min(values),
        "median": statistics.median(values),
        "mean": statistics.fmean(values),
        "max": max(values),
    }


def record(name: str, command: str, figures: dict[str, Any]) -> None:
    """Print the figures with the machine they were measured on, and write ``results/NAME.json``."""
    content = {"command": command, "machine": hardware.describe_machine(), **figures}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    write_json(path, content)
    sys.stdout.write(path.read_text(encoding="utf-8"))


def load_recorded(name: str) -> dict[str, Any]:
    """Return what an earlier call recorded, {} if there was none."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found
