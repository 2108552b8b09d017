"""Speed of a cross-validation with stacked folds, against one fold after another.

Five folds of `cnn` with its own recipe on MNIST's clean training digits, with ``--executor serial``
and ``--executor stacked:5`` in alternating turns, on the GPU if there is one. A turn is timed from
the digits in memory to the last scores.

    python benchmarks/folds_stacked.py                       # needs MNIST: inkfast data fetch
    python benchmarks/folds_stacked.py --images 2000 --epochs 1 --turns 1    # quick, not recorded
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measured import record, spread

from inkfast import execution
from inkfast.core.digits import Source
from inkfast.data import mnist
from inkfast.experiments.config import from_settings
from inkfast.experiments.cross_validation import run_cross_validation
from inkfast.training import hardware

FOLDS, TURNS = 5, 3
EXECUTORS = {"one_by_one": "serial", "stacked": f"stacked:{FOLDS}"}


def main() -> None:
    """Alternate both executors; record seconds, accuracies and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--images", type=int, default=0, help="Number of training digits; 0 for all."
    )
    parser.add_argument("--epochs", type=int, default=0, help="Epochs; 0 for the recipe's.")
    parser.add_argument("--turns", type=int, default=TURNS)
    args = parser.parse_args()
    whole = mnist.load_mnist().train
    chosen = np.arange(args.images or len(whole))
    source = Source(whole.pick(chosen, "MNIST, training digits"), None, "mnist")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in EXECUTORS}
    for _ in range(args.turns):
        for name, where in EXECUTORS.items():
            runs[name].append(turn(source, where, args.epochs))
    seconds = {name: [run["seconds"] for run in turns] for name, turns in runs.items()}
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    figures = {
        "device": hardware.choose_device().type,
        "folds": FOLDS,
        "n": len(source.train),
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "accuracy": {name: turns[-1]["accuracy"] for name, turns in runs.items()},
        "ratio": spread(ratios),
    }
    if args.images or args.epochs:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        record("folds_stacked", "python benchmarks/folds_stacked.py", figures)


def turn(source: Source, where: str, epochs: int) -> dict[str, Any]:
    """Cross-validate once."""
    settings: dict[str, Any] = {"data": "mnist", "models": ["cnn"], "noise": "none",
                                "folds": FOLDS, "threads": 1}  # fmt: skip
    if epochs:
        settings["recipe"] = {"epochs": epochs}
    with tempfile.TemporaryDirectory() as folder:
        start = now()
        found = run_cross_validation(
            from_settings(settings), source, Path(folder), executor=execution.parse_executor(where)
        )
        return {"seconds": now() - start, "accuracy": found.mean("cnn", "accuracy")}


def now() -> float:
    """Return the time after all queued GPU work is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
