"""The page of an exploration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.digits import CLASSES, Images
from inkfast.core.random import derive_seed
from inkfast.exploration import Exploration, findings
from inkfast.exploration.classes import Floats, rows_by_class
from inkfast.exploration.findings import headline
from inkfast.exploration.structure import sample
from inkfast.exploration.summary import to_json
from inkfast.noise.copies import noisy
from inkfast.report import exploration_figures as figures
from inkfast.report.comparison import render
from inkfast.report.image_sheets import data_uri, sheet

_SAMPLES = 16  # pictures of each class
_PAIRS = 12  # pictures of copies
_SUSPECTS = 24  # of each part


def write_exploration(found: Exploration, out: Path, command: str) -> Path:
    """Write ``report.html`` and return its path.

    Args:
        found: What to show.
        out: The folder.
        command: What makes the page again.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # see `explore`
        content = _content(found, command)
    return render("exploration.html.j2", content, out)


def _content(found: Exploration, command: str) -> dict[str, Any]:
    return {
        "headline": headline(found),
        "findings": findings(found),
        "found": found,
        "numbers": to_json(found),
        "command": command,
        "one_of_each": _one_of_each(found),
        "samples": _samples(found),
        "classes": _classes(found),
        "bars": figures.bars(_counts(found)) if found.imbalance else "",
        "pie": figures.pie(found.train.class_counts()) if found.imbalance else "",
        "histogram": figures.pixel_histogram(found.clean, found.corrupted),
        "brightness": figures.brightness(found.clean),
        "mean_images": _mean_images(found),
        "noisy_samples": _noisy_samples(found),
        "structure": _structure(found),
        "clusters": _clusters(found),
        "copies": _copies(found),
        "suspects": _suspects(found),
    }


def _one_of_each(found: Exploration) -> str:
    groups = rows_by_class(found.train.labels, len(found.train))
    rows = (
        [int(rows[0]) for rows in groups if len(rows)]
        if len(groups) > 1
        else range(min(CLASSES, len(found.train)))
    )
    return data_uri(sheet([found.train.images[list(rows)]]))


def _samples(found: Exploration) -> list[tuple[str, str, int]]:
    """Return a strip of random digits of each class: its name, the picture, how many."""
    strips = []
    groups = rows_by_class(found.train.labels, len(found.train))
    if len(groups) == 1:
        rows = groups[0][sample(len(groups[0]), 5 * _SAMPLES, found.seed)]
        groups = [rows[i : i + _SAMPLES] for i in range(0, len(rows), _SAMPLES)]
    for name, rows in enumerate(groups):
        if len(rows):
            chosen = rows[sample(len(rows), _SAMPLES, derive_seed(found.seed, "samples", name))]
            label = "" if found.train.labels is None else str(name)
            strips.append((label, data_uri(sheet([found.train.images[chosen]])), len(chosen)))
    return strips


def _counts(found: Exploration) -> dict[str, list[int]]:
    return {
        ("digits" if found.test is None else part): digits.class_counts()
        for part, digits in found.parts.items()
        if digits.labels is not None
    }


def _classes(found: Exploration) -> list[dict[str, Any]]:
    """Return the rows of the table of classes."""
    if found.imbalance is None:
        return []
    counts = _counts(found)
    clean, corrupted = found.clean.moments(), found.corrupted and found.corrupted.moments()
    return [
        {
            "digit": digit,
            "counts": [(n[digit], n[digit] / sum(n)) for n in counts.values()],
            "moments": [*clean[digit], *(corrupted[digit] if corrupted else ())],
        }
        for digit in range(CLASSES)
    ]


def _mean_images(found: Exploration) -> str:
    """Return the mean picture of every class, clean above and noisy below."""
    rows = [_as_pictures(found.clean.mean_images)]
    if found.corrupted:
        rows.append(_as_pictures(found.corrupted.mean_images))
    return data_uri(sheet(rows))


def _noisy_samples(found: Exploration) -> str:
    """Return one digit of each class above the same under noise."""
    if not found.noise:
        return ""
    groups = rows_by_class(found.train.labels, len(found.train))
    rows = [rows[:1] for rows in groups] if len(groups) > 1 else [groups[0][:CLASSES]]
    digits = found.train.pick(np.concatenate(rows), "samples")
    corrupted = noisy(digits, found.noise, derive_seed(found.seed, "picture"))
    return data_uri(sheet([digits.images, corrupted.images]))


def _structure(found: Exploration) -> dict[str, Any]:
    """Return the charts of principal components."""
    axes = found.components
    if axes is None:
        return {}
    rows = sample(len(found.train), figures.dots(len(found.train)), found.seed)
    places = axes.project(found.train.images[rows])
    labels = None if found.train.labels is None else found.train.labels[rows]
    charts: dict[str, Any] = {
        "n": len(rows),
        "scatter": figures.scatter(places, labels, axes),
        "explained": figures.explained(axes),
        "axes": data_uri(sheet([_axis_pictures(axes.axes[:CLASSES])])),
        "overlay": "",
        "shift": None,
    }
    kept, other, charts["name"] = _sides(found)
    if other is not None:
        n = figures.dots(len(other))
        first = axes.project(kept[sample(len(kept), n, found.seed)])
        second = axes.project(other[sample(len(other), n, found.seed)])
        charts["overlay"] = figures.overlay_histogram(first, second, charts["name"], axes)
        charts["shift"] = axes.shift(kept, other)
    return charts


def _sides(found: Exploration) -> tuple[Images, Images | None, str]:
    """Return the training pictures, those they are compared with, and what these are called."""
    images = found.train.images
    if found.test is not None:
        return images, found.test.images, "test"
    if found.held_out is not None:
        return np.delete(images, found.held_out, axis=0), images[found.held_out], "to be cut off"
    return images, None, ""


def _clusters(found: Exploration) -> list[dict[str, Any]]:
    """Return the rows of the table of clusters."""
    clusters = found.clusters
    if clusters is None:
        return []
    return [
        {
            "picture": data_uri(picture),
            "size": size,
            "shares": []
            if clusters.table is None
            else (clusters.table[number] / max(size, 1)).tolist(),
        }
        for number, (picture, size) in enumerate(
            zip(_as_pictures(clusters.centres), clusters.sizes, strict=True)
        )
    ]


def _copies(found: Exploration) -> list[dict[str, Any]]:
    """Return pictures of copies: exact ones first; the harmful ones before others."""
    copies = found.copies
    exact = sorted(
        copies.exact,
        key=lambda group: (len({found.label(row) for row in group}) < 2, not copies.across(group)),
    )
    near = sorted(
        zip(copies.near.tolist(), copies.correlation.tolist(), strict=True),
        key=lambda item: not copies.across(item[0]),
    )
    return [_copy(found, group, None) for group in exact[:_PAIRS]] + [
        _copy(found, pair, correlation) for pair, correlation in near[:_PAIRS]
    ]


def _copy(found: Exploration, rows: list[int], correlation: float | None) -> dict[str, Any]:
    labels = {found.label(row) for row in rows}
    return {
        "picture": data_uri(sheet([np.stack([found.image(row) for row in rows[:2]])])),
        "rows": [found.where(row) for row in rows],
        "labels": sorted(label for label in labels if label is not None),
        "correlation": correlation,
        "across": found.copies.across(rows),
    }


def _suspects(found: Exploration) -> dict[str, list[dict[str, Any]]]:
    """Return the most suspicious labels of each part."""
    suspects = found.suspects
    if suspects is None:
        return {}
    lists = {}
    for part in found.parts:
        doubted = suspects.probabilities.argmax(axis=1) != suspects.labels
        rows = [row for row in suspects.first(part, _SUSPECTS) if doubted[row]]
        lists[part] = [
            {
                "picture": data_uri(found.image(row)),
                "where": found.where(row),
                "label": int(suspects.labels[row]),
                "answer": int(suspects.probabilities[row].argmax()),
                "p_label": float(suspects.probabilities[row, suspects.labels[row]]),
            }
            for row in rows
        ]
    return {part: listed for part, listed in lists.items() if listed}


def _as_pictures(images: Floats) -> Images:
    return np.asarray(np.rint(255 * np.nan_to_num(images)), np.uint8)


def _axis_pictures(axes: np.ndarray) -> Images:
    """Return components as pictures: grey is 0."""
    pictures = axes.reshape(len(axes), 28, 28)
    strongest = np.abs(pictures).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.rint(127.5 + 127.5 * pictures / strongest), np.uint8)
