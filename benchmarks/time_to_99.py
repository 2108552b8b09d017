"""Seconds of training until a network reads 99 % of MNIST's clean test digits, from a cold process.

Every seed is a fresh process that runs ``recipes/time-to-99.toml``: loading, choosing the number of
threads, two epochs, validation, and one look at the test digits.

    .venv/bin/python benchmarks/time_to_99.py          # needs MNIST: inkfast data fetch
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import record, spread

SEEDS = 10
RECIPE = Path(__file__).parents[1] / "recipes" / "time-to-99.toml"


def main() -> None:
    """Train once for each seed and record accuracy, training time and whole-process time."""
    accuracy, training, process = [], [], []
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            words = ["compare", str(RECIPE), "--seed", str(seed), "--out", f"{folder}/run"]
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", "from inkfast.cli import main; main()", *words],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            process.append(time.perf_counter() - start)
            row = json.loads(Path(folder, "run", "leaderboard.json").read_text())["rows"][0]
        accuracy.append(row["accuracy"])
        training.append(row["train_seconds"])
    record(
        "time_to_99",
        "python benchmarks/time_to_99.py",
        {
            "recipe": "recipes/time-to-99.toml",
            "seeds_at_99": sum(value >= 0.99 for value in accuracy),
            "accuracy": spread(accuracy),
            "training_seconds": spread(training),
            "process_seconds": spread(process),
        },
    )


if __name__ == "__main__":
    main()
