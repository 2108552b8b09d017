"""Seconds until a network reads 99 % of MNIST's clean test digits, against Keras' own example.

Every seed is a fresh process that runs ``recipes/time-to-99.toml``: loading, choosing the number of
threads, two epochs, validation, and one look at the test digits. After every fourth of them
``keras_convnet.py`` takes its turn on the same cores, its test epochs not counted.

    .benchmarks-venv/bin/python benchmarks/time_to_99.py     # needs MNIST: inkfast data fetch
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measured import ROOT, record, spread

SEEDS, EVERY = 10, 4
RECIPE = ROOT / "recipes" / "time-to-99.toml"


def main() -> None:
    """Take turns; record accuracy, training time and whole-process time of both."""
    ours, theirs = [], []
    for seed in range(SEEDS):
        ours.append(inkfast(seed))
        if seed % EVERY == 0:
            theirs.append(keras(seed))
    times = ("training_seconds", "process_seconds")
    mine, other = ({key: spread([run[key] for run in runs]) for key in (*times, "accuracy")}
                   for runs in (ours, theirs))  # fmt: skip
    record(
        "time_to_99",
        "python benchmarks/time_to_99.py",
        {
            "recipe": "recipes/time-to-99.toml",
            "seeds_at_99": sum(run["accuracy"] >= 0.99 for run in ours),
            **mine,
            "keras": other
            | {
                "epochs": spread([run["epochs"] for run in theirs]),
                "version": theirs[0]["keras"],
                "seeds_at_99": sum(run["accuracy"] >= 0.99 for run in theirs),
            },
            "ratio": {key: other[key]["median"] / mine[key]["median"] for key in times},
        },
    )


def inkfast(seed: int) -> dict[str, Any]:
    """Train once in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["compare", str(RECIPE), "--seed", str(seed), "--out", f"{folder}/run"]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from inkfast.cli import main; main()", *words],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        row = json.loads(Path(folder, "run", "leaderboard.json").read_text())["rows"][0]
    return {
        "accuracy": row["accuracy"],
        "training_seconds": row["train_seconds"],
        "process_seconds": seconds,
    }


def keras(seed: int) -> dict[str, Any]:
    """Train Keras' example once in a fresh process."""
    words = [sys.executable, str(ROOT / "benchmarks" / "keras_convnet.py"), str(seed)]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(found.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
