"""The leaderboard: models in order of accuracy, with intervals, deviations and tests."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.intervals import wilson_interval
from inkfast.core.io import nan_to_none, write_json, write_text
from inkfast.evaluation import (
    Comparison,
    Scores,
    compare_models,
    deciding_p,
    score,
)
from inkfast.experiments.run_folder import LEADERBOARD, LEADERBOARD_CSV
from inkfast.experiments.runner import FitResult, RunResult
from inkfast.models import count_parameters

_METRICS = ("accuracy", "loss", "macro_f1", "ece")


@dataclass(frozen=True)
class LeaderboardRow:
    """One model of the leaderboard; metrics are means over its seeds.

    Attributes:
        name: Name of the model.
        fits: One fit for each seed.
        scores: Scores of each fit on the noisy test digits.
        n_parameters: Number of trained parameters.
        averaged: Accuracy of the ensemble that averages the fits' probabilities; None for a single
            seed.
    """

    name: str
    fits: list[FitResult]
    scores: list[Scores]
    n_parameters: int
    averaged: float | None = None

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over seeds."""
        return float(np.mean([getattr(scores, metric) for scores in self.scores]))

    def std(self, metric: str) -> float | None:
        """Return the standard deviation of a metric over seeds, None for a single seed."""
        values = [getattr(scores, metric) for scores in self.scores]
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy over test sets of this size."""
        return wilson_interval(self.mean("accuracy"), self.scores[0].n)

    @property
    def published(self) -> float | None:
        """Published accuracy of the same model, if the experiment names one."""
        return self.fits[0].model_spec.published

    @property
    def seconds(self) -> float:
        """Mean training time of a fit, in seconds."""
        return float(np.mean([fit.trained.train_seconds for fit in self.fits]))


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order of accuracy, and comparisons of the first with every other one."""

    outcome: RunResult
    rows: list[LeaderboardRow]
    comparisons: list[Comparison]

    def headline(self) -> str:
        """Return one sentence on the best model, its lead and whether the lead is significant."""
        best, test = self.rows[0], self.outcome.dataset.test
        noise = self.outcome.dataset.noise
        under = f" under {noise.in_words()}" if noise else ""
        start = f"{best.name} reads {best.mean('accuracy'):.2%} of {len(test):,} test digits{under}"
        if not self.comparisons:
            low, high = best.interval
            return f"{start} (95 % interval {low:.2%} to {high:.2%})."
        second = self.comparisons[0]
        seeds = len(best.fits)
        of = f"over {seeds} seeds" if seeds > 1 else "for one seed of each"
        verdict = f"the difference is {'real' if second.real else 'not shown to be real'} {of}"
        return (
            f"{start}, {100 * second.difference:.2f} points more than {second.worse}; "
            f"{verdict} ({deciding_p(second)})."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``leaderboard.json``; an undefined score is null."""
        dataset = self.outcome.dataset
        return {
            "data": dataset.source,
            "notice": dataset.notice,
            "noise": dataset.noise.name,
            "noise_written_out": str(dataset.noise),
            "n_test": len(dataset.test),
            "fingerprints": dataset.fingerprints(),
            "machine": self.rows[0].fits[0].trained.machine,
            "complete": not (self.outcome.interrupted or self.outcome.diverged),
            "left_out": list(map(str, self.outcome.diverged)),
            "headline": self.headline(),
            "rows": [_row_to_json(row) for row in self.rows],
            "comparisons": [vars(comparison) for comparison in self.comparisons],
        }

    def write(self, out: Path) -> None:
        """Write ``leaderboard.json`` and ``leaderboard.csv``."""
        content = self.to_json()
        write_json(out / LEADERBOARD, content)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_COLUMNS)
        for row in content["rows"]:
            low, high = row["accuracy_ci95"]
            flat = {**row, "accuracy_low95": low, "accuracy_high95": high}
            table.writerow([flat[column] for column in _COLUMNS])
        write_text(out / LEADERBOARD_CSV, text.getvalue())


_COLUMNS = (
    "model", "accuracy", "accuracy_low95", "accuracy_high95", "accuracy_std", "loss", "macro_f1",
    "ece", "n_parameters", "train_seconds", "n_seeds", "accuracy_averaged",
)  # fmt: skip


def build_leaderboard(outcome: RunResult) -> Leaderboard:
    """Score every finished fit and rank the models by mean accuracy, then by mean loss."""
    labels = outcome.dataset.test.known_labels
    finished = [[f for f in outcome.fits if f.model_spec == e] for e in outcome.experiment.models]
    finished = [fits for fits in finished if fits]
    # after an interruption a model may lack a seed: only seeds that all models have are paired
    common = set.intersection(*({fit.trained.seed for fit in fits} for fits in finished))
    rows = []
    for fits in finished:
        paired = [fit for fit in fits if fit.trained.seed in common] if common else fits[:1]
        scores = [score(fit.probabilities, labels) for fit in paired]
        n_parameters = count_parameters(paired[0].trained.model)
        averaged = None
        if len(paired) > 1:
            mean = np.mean([fit.probabilities for fit in paired], axis=0)
            averaged = score(mean, labels).accuracy
        rows.append(
            LeaderboardRow(paired[0].model_spec.name, paired, scores, n_parameters, averaged)
        )
    rows.sort(key=lambda row: (-row.mean("accuracy"), row.mean("loss")))
    correct = {
        row.name: np.stack([fit.probabilities.argmax(axis=1) == labels for fit in row.fits])
        for row in rows
    }
    return Leaderboard(outcome, rows, compare_models(correct) if len(rows) > 1 else [])


def _row_to_json(row: LeaderboardRow) -> dict[str, Any]:
    return {
        "model": row.name,
        "published": row.published,
        **{metric: nan_to_none(row.mean(metric)) for metric in _METRICS},
        "accuracy_ci95": list(row.interval),
        "accuracy_std": row.std("accuracy"),
        "accuracy_averaged": row.averaged,
        "n_parameters": row.n_parameters,
        "train_seconds": row.seconds,
        "n_seeds": len(row.fits),
        "runs": [
            {
                "seed": fit.trained.seed,
                **{metric: nan_to_none(getattr(scores, metric)) for metric in _METRICS},
                "train_seconds": fit.trained.train_seconds,
                "epochs": len(fit.trained.history),
                "best_epoch": fit.trained.best_epoch,
                "validation_accuracy": fit.trained.best.validation_accuracy,
                "threads": fit.trained.threads,
                "precision": fit.trained.precision,
            }
            for fit, scores in zip(row.fits, row.scores, strict=True)
        ],
    }
