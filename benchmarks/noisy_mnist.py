"""The quickstart comparison with its defaults on noisy-mnist, over several seeds.

Run: .venv/bin/python benchmarks/noisy_mnist.py         # needs MNIST: inkfast data fetch
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from measured import record, spread

SEEDS = 3
# Test accuracies of the two source projects on their own copy of noisy-mnist.
PUBLISHED = {"cnn": "91.3 to 96.7 %", "mlp": "82.1 to 86.5 %"}
RUN = Path("runs") / "benchmark-noisy-mnist"


def main() -> None:
    """Run or resume the comparison, and record its figures."""
    words = [
        "compare", "recipes/quickstart.toml", "--data", "mnist", "--seeds", str(SEEDS), "--out",
        str(RUN), "--resume",
    ]  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", "from inkfast.cli import main; main()", *words], check=True
    )
    board = json.loads((RUN / "leaderboard.json").read_text())
    seconds = [[run["train_seconds"] for run in row["runs"]] for row in board["rows"]]
    record(
        "noisy_mnist",
        "inkfast compare recipes/quickstart.toml --data mnist --seeds 3",
        {
            "headline": board["headline"],
            "n_test": board["n_test"],
            "models": [
                {
                    "model": row["model"],
                    "published": PUBLISHED[row["model"]],
                    "accuracy": spread([run["accuracy"] for run in row["runs"]]),
                    "training_seconds": spread([run["train_seconds"] for run in row["runs"]]),
                }
                for row in board["rows"]
            ],
            "training_seconds_together": spread([sum(pair) for pair in zip(*seconds, strict=True)]),
        },
    )


if __name__ == "__main__":
    main()
