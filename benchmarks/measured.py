"""What all benchmarks share: hardware beside every figure, median and spread, JSON on disk."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    """Print the figures with the machine they belong to, and write ``results/NAME.json``."""
    content = {"command": command, "machine": hardware.describe(), **figures}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
