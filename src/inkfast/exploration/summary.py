"""An exploration as JSON and CSV, with every number that the page shows or draws."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.digits import Digits
from inkfast.core.io import nan_to_none, write_json, write_text
from inkfast.exploration.classes import PixelStats
from inkfast.exploration.duplicates import NEAR_CORRELATION, Duplicates
from inkfast.exploration.exploration import EXPLORATION, FIGURES_FILE, SUSPECTS_FILE, Exploration
from inkfast.exploration.findings import findings, headline
from inkfast.exploration.label_errors import KNOWN_MNIST_ERRORS, MODEL

_MAX_LISTED = 1000  # groups and pairs of copies in the JSON file


def write_summary(found: Exploration, out: Path) -> None:
    """Write ``explore.json`` and, where labels were checked, ``label_suspects.csv``."""
    EXPLORATION.clear(out)
    write_json(out / FIGURES_FILE, exploration_to_json(found))
    if found.suspects is not None:
        write_text(out / SUSPECTS_FILE, _suspects_csv(found))


def exploration_to_json(found: Exploration) -> dict[str, Any]:
    """Return what ``explore.json`` holds; an undefined figure is null, rows count from 0."""
    survey = found.survey
    return {
        "data": survey.source.name,
        "notice": survey.source.notice,
        "seed": found.seed,
        "headline": headline(found),
        "findings": [vars(finding) for finding in findings(found)],
        "parts": {part: _part_json(digits) for part, digits in found.parts.items()},
        "imbalance": found.imbalance
        and {**vars(found.imbalance), "verdict": found.imbalance.verdict()},
        "pixels": _pixels_json(found.clean),
        "noise": found.noise.name,
        "noisy_pixels": found.corrupted and _pixels_json(found.corrupted),
        "sizes": {f"{width}x{height}": n for (width, height), n in survey.sizes.items()},
        "unreadable": list(survey.unreadable),
        "blank": found.constant,
        "duplicates": _duplicates_json(found, found.copies),
        "components": found.components
        and {
            "n": found.components.n,
            "explained": found.components.explained.tolist(),
            "needed_for_90_percent": found.components.needed(0.9),
            "train_test_shift": found.test
            and found.components.shift(found.train.images, found.test.images),
        },
        "clusters": found.clusters
        and {
            "n": found.clusters.n,
            "sizes": found.clusters.sizes,
            "table": _list_or_none(found.clusters.table),
            "adjusted_rand": found.clusters.adjusted_rand,
            "purity": found.clusters.purity,
        },
        "labels": _label_errors_json(found),
    }


def _part_json(digits: Digits) -> dict[str, Any]:
    labelled = digits.labels is not None
    return {
        "n": len(digits),
        "fingerprint": digits.fingerprint,
        "class_counts": digits.class_counts() if labelled else None,
    }


def _pixels_json(pixels: PixelStats) -> dict[str, Any]:
    mean, std = pixels.whole()
    labelled = pixels.labels is not None
    return {
        "n": len(pixels.brightness),
        "mean": mean,
        "std": std,
        "class_mean": [nan_to_none(m) for m, _ in pixels.moments()] if labelled else None,
        "class_std": [nan_to_none(s) for _, s in pixels.moments()] if labelled else None,
        "histogram": pixels.histogram.tolist(),
        "brightness_quartiles": [
            np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist() if len(values) else None
            for values in pixels.brightness_by_class()
        ],
    }


def _duplicates_json(found: Exploration, copies: Duplicates) -> dict[str, Any]:
    def named(rows: list[int]) -> list[str]:
        return [found.where(row) for row in rows]

    two = found.test is not None
    return {
        "exact_groups": len(copies.exact),
        "exact_extra": sum(len(group) - 1 for group in copies.exact),
        "near_bound": NEAR_CORRELATION,
        "near_pairs": len(copies.near),
        "near_complete": copies.complete,
        "exact_groups_across_parts": len(copies.exact_across()) if two else None,
        "near_pairs_across_parts": len(copies.near_across()) if two else None,
        "test_digits_in_train": copies.leaked() if two else None,
        "exact": [named(group) for group in copies.exact[:_MAX_LISTED]],
        "near": [
            {"rows": named(pair), "correlation": correlation}
            for pair, correlation in zip(
                copies.near[:_MAX_LISTED].tolist(), copies.correlation.tolist(), strict=False
            )
        ],
    }


def _label_errors_json(found: Exploration) -> dict[str, Any] | None:
    suspects = found.suspects
    if suspects is None:
        return None
    known = suspects.known_found(found.test)
    return {
        "folds": suspects.folds,
        "model": MODEL,
        "accuracy_out_of_fold": suspects.accuracy,
        "flagged": int(suspects.flagged.sum()),
        "flagged_by_label_and_answer": suspects.counts().tolist(),
        "known_mnist_errors": None if known is None else len(KNOWN_MNIST_ERRORS),
        "known_mnist_errors_in_first_100": known,
    }


def _suspects_csv(found: Exploration) -> str:
    suspects = found.suspects
    assert suspects is not None  # noqa: S101 - `write`, the only caller, has looked
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["rank", "part", "row", "file", "label", "looks_like", "p_label",
                    "p_looks_like", "flagged"])  # fmt: skip
    for rank, row in enumerate(suspects.listed(), start=1):
        part, number = found.part_and_row(row)
        p, label = suspects.probabilities[row], int(suspects.labels[row])
        answer = int(p.argmax())
        file = found.where(row) if found.survey.files else ""
        table.writerow([rank, part, number, file, label, answer, f"{p[label]:.6f}",
                        f"{p[answer]:.6f}", int(suspects.flagged[row])])  # fmt: skip
    return text.getvalue()


def _list_or_none(values: Any) -> list[Any] | None:
    return None if values is None else values.tolist()
