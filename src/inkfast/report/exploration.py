"""The report of an exploration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.digits import CLASSES, Images
from inkfast.core.random import derive_seed
from inkfast.exploration import Exploration, findings
from inkfast.exploration.classes import Floats, rows_by_class
from inkfast.exploration.findings import headline
from inkfast.exploration.structure import sample_rows
from inkfast.exploration.summary import exploration_to_json
from inkfast.noise.copies import noisy
from inkfast.report import exploration_figures as figures
from inkfast.report.comparison import render
from inkfast.report.image_sheets import image_sheet, png_data_uri

_SAMPLES = 16  # images per class
_PAIRS = 12  # figures of copies
_SUSPECTS = 24  # of each part


def write_exploration_report(found: Exploration, out: Path, command: str) -> Path:
    """Write ``report.html`` and return its path.

    Args:
        found: Results to show.
        out: Output folder.
        command: Command line that reproduces the page.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # see `explore`
        content = _exploration_content(found, command)
    return render("exploration.html.j2", content, out)


def _exploration_content(found: Exploration, command: str) -> dict[str, Any]:
    return {
        "headline": headline(found),
        "findings": findings(found),
        "found": found,
        "numbers": exploration_to_json(found),
        "command": command,
        "one_of_each": _one_per_class_sheet(found),
        "samples": _sample_strips(found),
        "classes": _class_rows(found),
        "bars": figures.draw_class_counts(_counts_by_part(found)) if found.imbalance else "",
        "pie": figures.draw_class_shares(found.train.class_counts()) if found.imbalance else "",
        "histogram": figures.draw_pixel_histogram(found.clean, found.corrupted),
        "brightness": figures.draw_brightness(found.clean),
        "mean_images": _mean_image_sheet(found),
        "noisy_samples": _noisy_sheet(found),
        "structure": _component_charts(found),
        "clusters": _cluster_rows(found),
        "copies": _copy_figures(found),
        "suspects": _suspect_figures(found),
    }


def _one_per_class_sheet(found: Exploration) -> str:
    groups = rows_by_class(found.train.labels, len(found.train))
    rows = (
        [int(rows[0]) for rows in groups if len(rows)]
        if len(groups) > 1
        else range(min(CLASSES, len(found.train)))
    )
    return png_data_uri(image_sheet([found.train.images[list(rows)]]))


def _sample_strips(found: Exploration) -> list[tuple[str, str, int]]:
    """Return a strip of random digits of each class: label, image as data URI, number."""
    strips = []
    groups = rows_by_class(found.train.labels, len(found.train))
    if len(groups) == 1:
        rows = groups[0][sample_rows(len(groups[0]), 5 * _SAMPLES, found.seed)]
        groups = [rows[i : i + _SAMPLES] for i in range(0, len(rows), _SAMPLES)]
    for name, rows in enumerate(groups):
        if len(rows):
            chosen = rows[
                sample_rows(len(rows), _SAMPLES, derive_seed(found.seed, "samples", name))
            ]
            label = "" if found.train.labels is None else str(name)
            strips.append(
                (label, png_data_uri(image_sheet([found.train.images[chosen]])), len(chosen))
            )
    return strips


def _counts_by_part(found: Exploration) -> dict[str, list[int]]:
    return {
        ("digits" if found.test is None else part): digits.class_counts()
        for part, digits in found.parts.items()
        if digits.labels is not None
    }


def _class_rows(found: Exploration) -> list[dict[str, Any]]:
    """Return the rows of the table of classes."""
    if found.imbalance is None:
        return []
    counts = _counts_by_part(found)
    clean, corrupted = found.clean.moments(), found.corrupted and found.corrupted.moments()
    return [
        {
            "digit": digit,
            "counts": [(n[digit], n[digit] / sum(n)) for n in counts.values()],
            "moments": [*clean[digit], *(corrupted[digit] if corrupted else ())],
        }
        for digit in range(CLASSES)
    ]


def _mean_image_sheet(found: Exploration) -> str:
    """Return the mean image of every class, clean above and noisy below."""
    rows = [_to_uint8(found.clean.mean_images)]
    if found.corrupted:
        rows.append(_to_uint8(found.corrupted.mean_images))
    return png_data_uri(image_sheet(rows))


def _noisy_sheet(found: Exploration) -> str:
    """Return one digit of each class, clean above and noisy below."""
    if not found.noise:
        return ""
    groups = rows_by_class(found.train.labels, len(found.train))
    rows = [rows[:1] for rows in groups] if len(groups) > 1 else [groups[0][:CLASSES]]
    digits = found.train.pick(np.concatenate(rows), "samples")
    corrupted = noisy(digits, found.noise, derive_seed(found.seed, "picture"))
    return png_data_uri(image_sheet([digits.images, corrupted.images]))


def _component_charts(found: Exploration) -> dict[str, Any]:
    """Return the charts of principal components."""
    axes = found.components
    if axes is None:
        return {}
    rows = sample_rows(len(found.train), figures.n_dots(len(found.train)), found.seed)
    places = axes.project(found.train.images[rows])
    labels = None if found.train.labels is None else found.train.labels[rows]
    charts: dict[str, Any] = {
        "n": len(rows),
        "scatter": figures.draw_components(places, labels, axes),
        "explained": figures.draw_explained_variance(axes),
        "axes": png_data_uri(image_sheet([_component_images(axes.axes[:CLASSES])])),
        "overlay": "",
        "shift": None,
    }
    kept, other, charts["name"] = _train_and_other(found)
    if other is not None:
        n = figures.n_dots(len(other))
        first = axes.project(kept[sample_rows(len(kept), n, found.seed)])
        second = axes.project(other[sample_rows(len(other), n, found.seed)])
        charts["overlay"] = figures.draw_train_and_other(first, second, charts["name"], axes)
        charts["shift"] = axes.shift(kept, other)
    return charts


def _train_and_other(found: Exploration) -> tuple[Images, Images | None, str]:
    """Return training images, the images they are compared with, and the name of the latter."""
    images = found.train.images
    if found.test is not None:
        return images, found.test.images, "test"
    if found.held_out is not None:
        return np.delete(images, found.held_out, axis=0), images[found.held_out], "held out"
    return images, None, ""


def _cluster_rows(found: Exploration) -> list[dict[str, Any]]:
    """Return the rows of the table of clusters."""
    clusters = found.clusters
    if clusters is None:
        return []
    return [
        {
            "image": png_data_uri(image),
            "size": size,
            "shares": []
            if clusters.table is None
            else (clusters.table[number] / max(size, 1)).tolist(),
        }
        for number, (image, size) in enumerate(
            zip(_to_uint8(clusters.centres), clusters.sizes, strict=True)
        )
    ]


def _copy_figures(found: Exploration) -> list[dict[str, Any]]:
    """Return figures of copies: identical images first, contradicting labels and leaks in front."""
    copies = found.copies
    exact = sorted(
        copies.exact,
        key=lambda group: (len({found.label(row) for row in group}) < 2, not copies.across(group)),
    )
    near = sorted(
        zip(copies.near.tolist(), copies.correlation.tolist(), strict=True),
        key=lambda item: not copies.across(item[0]),
    )
    return [_copy_figure(found, group, None) for group in exact[:_PAIRS]] + [
        _copy_figure(found, pair, correlation) for pair, correlation in near[:_PAIRS]
    ]


def _copy_figure(found: Exploration, rows: list[int], correlation: float | None) -> dict[str, Any]:
    labels = {found.label(row) for row in rows}
    return {
        "image": png_data_uri(image_sheet([np.stack([found.image(row) for row in rows[:2]])])),
        "rows": [found.where(row) for row in rows],
        "labels": sorted(label for label in labels if label is not None),
        "correlation": correlation,
        "across": found.copies.across(rows),
    }


def _suspect_figures(found: Exploration) -> dict[str, list[dict[str, Any]]]:
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
                "image": png_data_uri(found.image(row)),
                "where": found.where(row),
                "label": int(suspects.labels[row]),
                "answer": int(suspects.probabilities[row].argmax()),
                "p_label": float(suspects.probabilities[row, suspects.labels[row]]),
            }
            for row in rows
        ]
    return {part: listed for part, listed in lists.items() if listed}


def _to_uint8(images: Floats) -> Images:
    return np.asarray(np.rint(255 * np.nan_to_num(images)), np.uint8)


def _component_images(axes: np.ndarray) -> Images:
    """Return components as images; grey is 0."""
    images = axes.reshape(len(axes), 28, 28)
    strongest = np.abs(images).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.rint(127.5 + 127.5 * images / strongest), np.uint8)
