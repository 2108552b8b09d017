"""The report of a comparison: one HTML page without scripts or other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.digits import CLASSES
from inkfast.core.errors import InkfastError
from inkfast.core.io import write_text
from inkfast.core.output_folder import REPORT
from inkfast.evaluation import all_tests
from inkfast.experiments.leaderboard import Leaderboard, LeaderboardRow
from inkfast.models import Baseline
from inkfast.noise import NOTES
from inkfast.report import figures
from inkfast.report.image_sheets import image_sheet, png_data_uri
from inkfast.training.balancing import SYNTHETIC
from inkfast.training.batches import training_rows

_MISTAKES = 16  # images per model


def write_comparison_report(board: Leaderboard, out: Path) -> Path:
    """Write ``report.html`` into the run folder and return its path.

    Raises:
        InkfastError: If a measurement that the page shows is missing.
    """
    _check_complete(board)
    return render("report.html.j2", _comparison_content(board), out)


def render(template: str, content: dict[str, Any], out: Path) -> Path:
    """Fill a template into ``report.html`` and return its path; a missing value is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("inkfast.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    write_text(out / REPORT, environment.get_template(template).render(content))
    return out / REPORT


def _check_complete(board: Leaderboard) -> None:
    for row in board.rows:
        for figure in ("accuracy", "loss", "ece"):
            if not np.isfinite(row.mean(figure)):
                raise InkfastError(
                    f"no report: the {figure} of {row.name} is missing. Train it again."
                )


def _comparison_content(board: Leaderboard) -> dict[str, Any]:
    outcome = board.outcome
    dataset = outcome.dataset
    labels = dataset.test.known_labels
    colours = figures.model_colours(len(board.rows))
    threads = board.rows[0].fits[0].trained.threads
    return {
        "experiment": outcome.experiment,
        "dataset": dataset,
        "headline": board.headline(),
        "interrupted": outcome.interrupted,
        "diverged": outcome.diverged,
        "rows": board.rows,
        "comparisons": board.comparisons,
        "all_tests": all_tests,
        "noise_images": _clean_and_noisy_sheets(board) if dataset.noise else [],
        "balanced": [_class_balance(board, row) for row in board.rows],
        "baselines": any(
            isinstance(row.fits[0].model_spec.architecture, Baseline) for row in board.rows
        ),
        "once": any(len(row.fits[0].trained.history) == 1 for row in board.rows),
        "curves": [
            figures.draw_learning_curve(board.rows, figure) for figure in ("accuracy", "loss")
        ],
        "calibration": figures.draw_calibration(board.rows, labels),
        "confidences": [
            figures.draw_confidence(row, labels, colour)
            for row, colour in zip(board.rows, colours, strict=True)
        ],
        "confusions": [_confusion_cells(row) for row in board.rows],
        "classes": [_class_scores(row) for row in board.rows],
        "mistakes": [_mistakes(board, row) for row in board.rows],
        "machine": board.rows[0].fits[0].trained.machine,
        "command": f"inkfast compare experiment.toml --threads {threads} --out again",
        "notes": [NOTES[link] for link in NOTES if link in dataset.noise.name],
    }


def _class_balance(board: Leaderboard, row: LeaderboardRow) -> dict[str, Any]:
    """Return class counts before and after balancing, and images of synthetic digits."""
    fit = row.fits[0]
    recipe, counts = fit.model_spec.recipe, fit.trained.class_counts
    sheets = []
    if recipe.balance in SYNTHETIC:
        given, even = training_rows(board.outcome.dataset.train, recipe, fit.trained.seed)
        images, labels = even.images[len(given) :], even.known_labels[len(given) :]
        by_class = [images[labels == digit][:10] for digit in range(CLASSES)]
        sheets = [(png_data_uri(image_sheet([made])), len(made)) for made in by_class if len(made)]
    return {"method": recipe.balance, **counts, "images": sheets}


def _clean_and_noisy_sheets(board: Leaderboard) -> list[str]:
    """Return three sheets, each with one clean digit of every class above its noisy copy."""
    dataset = board.outcome.dataset
    labels = dataset.test.known_labels
    chosen = [np.flatnonzero(labels == digit)[:3] for digit in range(CLASSES)]
    rows = [[digits[i] for digits in chosen if len(digits) > i] for i in range(3)]
    return [
        png_data_uri(image_sheet([dataset.clean.images[r], dataset.test.images[r]]))
        for r in rows
        if r
    ]


def _confusion_cells(row: LeaderboardRow) -> list[list[dict[str, float]]]:
    """Return confusion counts over all seeds, each with its share of the row."""
    counts = np.sum([scores.confusion for scores in row.scores], axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.where(np.eye(CLASSES, dtype=bool), 0, shares)
    strongest = max(float(wrong.max()), 1e-9)
    return [
        [
            {
                "count": int(counts[label, answer]),
                "share": float(shares[label, answer]),
                "shade": float(
                    shares[label, answer] if label == answer else shares[label, answer] / strongest
                ),
                "right": label == answer,
            }
            for answer in range(CLASSES)
        ]
        for label in range(CLASSES)
    ]


def _class_scores(row: LeaderboardRow) -> list[dict[str, float]]:
    """Return precision, recall and F1 of each class, mean over seeds."""
    return [
        {
            "digit": digit,
            **{
                figure: float(np.mean([getattr(scores, figure)[digit] for scores in row.scores]))
                for figure in ("precision", "recall", "f1")
            },
            "support": int(row.scores[0].support[digit]),
        }
        for digit in range(CLASSES)
    ]


def _mistakes(board: Leaderboard, row: LeaderboardRow) -> list[dict[str, Any]]:
    """Return the wrong predictions of the first seed with the highest confidence."""
    dataset = board.outcome.dataset
    labels = dataset.test.known_labels
    probabilities = row.fits[0].probabilities
    answers, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:_MISTAKES]
    return [
        {
            "row": int(i),
            "label": int(labels[i]),
            "answer": int(answers[i]),
            "confidence": float(sure[i]),
            "noisy": png_data_uri(dataset.test.images[i]),
            "clean": png_data_uri(dataset.clean.images[i]) if dataset.noise else "",
        }
        for i in worst
    ]
