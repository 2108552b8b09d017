"""Train our own recipes over several seeds, evaluate them under noise, and record the figures.

Run: .venv/bin/python benchmarks/recipes.py         # needs MNIST: inkfast data fetch

It takes hours on two cores and resumes after an interruption; `--collect` records what is finished.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measured import ROOT, record
from sources import SEEDS, seeds_of

RUNS = Path("runs")
# recipe: the corruption suites that it is evaluated under as well
RECIPES: dict[str, tuple[str, ...]] = {
    "flagship": ("mnist-c",),
    "generic": ("mnist-c",),
    "tiny": (),
    "dense-best": (),
    "n-mnist-awgn": (),
    "n-mnist-motion-blur": (),
    "n-mnist-contrast-awgn": (),
}
DIGITS = {"flagship": "runs/reader-digits.npz"}  # other digits than MNIST's; see `make reader`
# networks of the source projects, for comparison under the same suites
PUBLISHED = RUNS / "sources" / "kaggle-tuned"
LEFT_OUT = ("inkfast cnn", "inkfast dense")  # of that run: the figure shows the published models


def main() -> None:
    """Run or resume every recipe and evaluate it."""
    for name, suites in RECIPES.items():
        digits = DIGITS.get(name, "mnist")
        words = ["compare", f"recipes/{name}.toml", "--data", digits, "--seeds", str(SEEDS)]
        inkfast(*words, "--executor", "local:2", "--out", str(RUNS / name), "--resume")
        for suite in suites:
            judge(RUNS / name, suite)
    if (PUBLISHED / "leaderboard.json").is_file():
        judge(PUBLISHED, "mnist-c")
    collect()


def judge(run: Path, suite: str) -> None:
    """Evaluate a run under a suite, unless its present weights have been."""
    if figures_of(run, suite):
        return
    folder = str(judged(run, suite).parent)
    inkfast("robustness", str(run), "--suite", suite, "--out", folder, "--overwrite")


def figures_of(run: Path, suite: str) -> dict[str, Any]:
    """Return the scores of a run under a suite, {} if there are none of its present weights."""
    from inkfast.experiments.robustness import run_weights

    path = judged(run, suite)
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found if found.get("weights") == run_weights(run) else {}


def judged(run: Path, suite: str) -> Path:
    """Return the path of the scores of a run under a suite."""
    return RUNS / f"robustness-{run.name}-{suite}" / "robustness.json"


def inkfast(*words: str) -> None:
    """Run a command; a failure ends this program."""
    subprocess.run(
        [sys.executable, "-c", "from inkfast.cli import main; main()", *words], check=True
    )


def collect() -> None:
    """Record every finished recipe, and every suite that was evaluated."""
    done = [name for name in RECIPES if (RUNS / name / "report.html").is_file()]
    suites = [
        found | {"run": run.name}
        for run in (*(RUNS / name for name in done), PUBLISHED)
        if (found := figures_of(run, "mnist-c"))
    ]
    record("recipes", "python benchmarks/recipes.py", {
        "recipes": [figures(name) for name in done],
        "not_measured": [name for name in RECIPES if name not in done],
        "suites": suites,
    })  # fmt: skip
    draw(suites)


def figures(name: str) -> dict[str, Any]:
    """Return one recipe's rows: accuracy over seeds, parameters, seconds of a fit."""
    board = json.loads((RUNS / name / "leaderboard.json").read_text())
    return {
        "recipe": name, "noise": board["noise"], "n_test": board["n_test"],
        "machine": board["machine"],
        "rows": [seeds_of(row) | {"parameters": row["n_parameters"]} for row in board["rows"]],
    }  # fmt: skip


def draw(results: list[dict[str, Any]]) -> None:
    """Draw all models under MNIST-C into one figure."""
    from inkfast.report import robustness_figure

    if not results:
        return
    together = results[0] | {
        key: [
            model_spec
            for one in results
            for model_spec in one[key]
            if model_spec["model"] not in LEFT_OUT
        ]
        for key in ("models", "rows")
    }
    robustness_figure.write_robustness_figure(together, ROOT / "docs" / "robustness.png")


if __name__ == "__main__":
    collect() if "--collect" in sys.argv else main()
