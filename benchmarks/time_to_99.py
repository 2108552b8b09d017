"""Seconds to 99 % accuracy on MNIST's clean test digits, against Keras' own example.

Every seed is a new process that runs the goal's recipe: loading, choosing the number of threads,
training with validation, and one evaluation on the test digits. ``keras_convnet.py`` runs after
every few seeds on the same cores; its evaluations on test digits are not counted.

    .benchmarks-venv/bin/python benchmarks/time_to_99.py         # needs MNIST: inkfast data fetch
    .benchmarks-venv/bin/python benchmarks/time_to_99.py 99.5
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

# goal in percent: recipe, seeds, and the number of seeds between two runs of Keras
GOALS = {
    "99": ("recipes/time-to-99.toml", 10, 4),
    "99.5": ("recipes/time-to-99.5.toml", 5, 2),
}


def main(goal: str) -> None:
    """Alternate both; record accuracy, training time and whole-process time."""
    recipe, seeds, every = GOALS[goal]
    share = float(goal) / 100
    ours, theirs = [], []
    for seed in range(seeds):
        ours.append(inkfast(recipe, seed))
        if seed % every == 0:
            theirs.append(keras(seed, share))
    times = ("training_seconds", "process_seconds")
    mine, other = (
        {key: spread([run[key] for run in runs]) for key in (*times, "accuracy")}
        | {f"seeds_at_{goal}": sum(run["accuracy"] >= share for run in runs)}
        for runs in (ours, theirs)
    )
    other |= {key: spread([run[key] for run in theirs]) for key in ("epochs", "best")}
    record(f"time_to_{goal}", "python benchmarks/time_to_99.py" + f" {goal}" * (goal != "99"), {
        "recipe": recipe, **mine, "keras": other | {"version": theirs[0]["keras"]},
        "ratio": {key: other[key]["median"] / mine[key]["median"] for key in times},
    })  # fmt: skip


def inkfast(recipe: str, seed: int) -> dict[str, Any]:
    """Train once in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["compare", str(ROOT / recipe), "--seed", str(seed), "--out", f"{folder}/run"]
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


def keras(seed: int, goal: float) -> dict[str, Any]:
    """Train Keras' example once in a new process."""
    program = str(ROOT / "benchmarks" / "keras_convnet.py")
    words = [sys.executable, program, str(seed), str(goal)]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(found.splitlines()[-1])
    return result


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "99")
