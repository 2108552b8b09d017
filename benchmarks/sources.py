"""Replicate the published notebook projects, and run our own recipes on the same data.

Run: make replicate     # needs MNIST: inkfast data fetch

It takes hours on two cores and resumes after an interruption: every recipe is a run under
runs/sources/. Every finished run is recorded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measured import record, spread

SEEDS = 3
RUNS = Path("runs") / "sources"
# recipe: command and flags; one thread per fit unless stated
COMMANDS = {
    "kaggle-tuned": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "smote-mlp": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "pooled-70-15-15": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "noisy-best": ["compare", "--seeds", str(SEEDS), "--threads", "2"],
    "noisy-best-dense": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "noisy-dense-vs-cnn": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "noisy-architectures": ["compare", "--seeds", str(SEEDS), "--executor", "local:2"],
    "noisy-cross-validation": ["validate", "--executor", "local:2"],
    "noisy-folds": ["validate", "--executor", "local:2"],
}


def main() -> None:
    """Run every recipe, going on where an earlier call stopped, and record what there is."""
    for name, (command, *flags) in COMMANDS.items():
        words = [command, f"recipes/{name}.toml", *flags, "--out", str(RUNS / name), "--resume"]
        subprocess.run([sys.executable, "-c", "from inkfast.cli import main; main()", *words],
                       check=True)  # fmt: skip
        collect()


def collect() -> None:
    """Record the figures of every run that has them."""
    done = [name for name in COMMANDS if (RUNS / name / "report.html").is_file()]
    record("sources", "make replicate", {
        "recipes": [figures(name) for name in done],
        "not_measured": [name for name in COMMANDS if name not in done],
    })  # fmt: skip


def figures(name: str) -> dict[str, Any]:
    """Return one recipe's rows: published, measured over seeds or folds, seconds of a fit."""
    from inkfast.experiments.robustness import run_weights

    command, *flags = COMMANDS[name]
    words = " ".join(["inkfast", command, f"recipes/{name}.toml", *flags])
    if command == "validate":
        result = json.loads((RUNS / name / "validation.json").read_text())
        rows = [_folds(row) for row in result["rows"]]
        n_test = result["n"]
    else:
        result = json.loads((RUNS / name / "leaderboard.json").read_text())
        rows = [seeds_of(row) for row in result["rows"]]
        n_test = result["n_test"]
    return {
        "recipe": name, "command": words, "noise": result["noise"], "n_test": n_test,
        "comparisons": result["comparisons"], "machine": result["machine"], "rows": rows,
        "weights": run_weights(RUNS / name),
    }  # fmt: skip


def seeds_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a leaderboard row says of one model over its seeds."""
    runs = row["runs"]
    return {
        "model": row["model"], "published": row["published"], "std": row["accuracy_std"],
        "accuracy": spread([run["accuracy"] for run in runs]),
        "seconds": spread([run["train_seconds"] for run in runs]),
        "averaged": row.get("accuracy_averaged"), "threads": runs[0]["threads"],
    }  # fmt: skip


def _folds(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": row["model"], "published": row["published"], "std": row["accuracy_std"],
        "accuracy": spread(row["accuracies"]), "seconds": spread(row["seconds"]), "threads": 1,
    }  # fmt: skip


if __name__ == "__main__":
    collect() if "--collect" in sys.argv else main()
