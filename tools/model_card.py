"""The tables of docs/model-card.md."""

from __future__ import annotations

import json
from typing import Any

from inkfast.core.digits import MIN_CONFIDENCE
from inkfast.inference.reader import SHIPPED_FOLDER
from tools.markdown import format_percent, format_range, format_table
from tools.results import describe_earlier_handwriting, describe_origin, find_suite, load_result


def reader_facts() -> list[str]:
    """Describe the shipped file, its network and its risk guarantees."""
    found = load_result("reader")
    if not found:
        return []
    about = found["about"]
    return format_table(["", ""], [
        ["file", f"`reader.onnx`, {found['bytes'] / 1e6:.2f} MB"],
        ["SHA-256", f"`{found['sha256']}`"],
        ["network", f"`{about['model']}`, seed {about['seed']}"],
        ["temperature", f"{about['temperature']:.3f}"],
        ["calibration digits",
         f"{about['calibration_digits']:,}, used neither for training nor for choosing"],
        ["smallest confidence of an answer", f"{about['threshold']:.3f}"],
        ["guaranteed error rate of its answers, at most", format_percent(about["max_error"])],
        ["other guarantees, by `--max-error`", _guarantees(about)],
    ])  # fmt: skip


def number_reader_facts() -> list[str]:
    """Describe the shipped network that reads numbers, and its risk guarantees."""
    about, size = _shipped("numbers/number-reader")
    recipes = [*about.get("earlier_recipes", []), about["recipe"]]
    composed = sum(one["shards"] * one["shard_strips"] for one in recipes)
    shown = sum(one["epochs"] * one["epoch_shards"] * one["shard_strips"] for one in recipes)
    return format_table(["", ""], [
        ["file", f"`number-reader.onnx`, {size / 1e6:.2f} MB"],
        ["SHA-256", f"`{about['sha256']}`"],
        ["network", f"`{about['model']}`, seed {about['seed']}"],
        ["training strips", f"{composed:,} composed, {shown:,} shown"],
        ["validation strips read exactly right, every character",
         format_percent(about["validation_accuracy"])],
        ["their character error rate", format_percent(about["character_error"])],
        ["temperature", f"{about['temperature']:.3f}"],
        ["calibration strips", f"{about['calibration_strips']:,}, of writers left out of training"],
        ["smallest confidence of a sure number", f"{about['threshold']:.3f}"],
        ["guaranteed error rate of sure numbers, at most", format_percent(about["max_error"])],
        ["guarantees by `--max-error`", _guarantees(about) or "none"],
        ["composed of", "; ".join(about["training_data"])],
    ])  # fmt: skip


def finder_facts() -> list[str]:
    """Describe the shipped network that finds numbers."""
    about, size = _shipped("finder/finder")
    recipe = about["recipe"]
    return format_table(["", ""], [
        ["file", f"`finder.onnx`, {size / 1e6:.2f} MB"],
        ["SHA-256", f"`{about['sha256']}`"],
        ["training pages", f"{about['pages']:,} composed"],
        ["steps", f"{recipe['steps']:,} of {recipe['batch_size']} squares with sides of "
         f"{recipe['side']} pixels, seed {recipe['seed']}"],
        ["composed of", "; ".join(about["composed_of"])],
    ])  # fmt: skip


def _guarantees(about: dict[str, Any]) -> str:
    """Return each error rate that a network guarantees, and from which confidence."""
    return "; ".join(
        f"{format_percent(error)} from a confidence of {max(MIN_CONFIDENCE, level):.3f}"
        for error, level in about["promises"]
        if level <= 1
    )


def _shipped(name: str) -> tuple[dict[str, Any], int]:
    """Return what stands beside a shipped file, and the file's size in bytes."""
    path = SHIPPED_FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")), path.with_suffix(".onnx").stat().st_size


def reader_corruptions() -> list[str]:
    """Return the shipped file's scores under each corruption."""
    reader = load_result("reader")
    if not reader:
        return []
    found = reader["corruptions"]
    return [
        *_corruption_table(found), "",
        f"Mean of 15: {format_percent(found['models'][0]['mean'])}, on {found['rows'][0]['n']:,} "
        f"test digits each. {_guarantee(found)} Corrupting and scoring all of them took "
        f"{format_range(found['seconds'], '{:.0f} s')}. {describe_origin(reader)}",
    ]  # fmt: skip


def recipe_corruptions() -> list[str]:
    """Return the scores of the recipe's networks under each corruption, over seeds."""
    found = find_suite("flagship", "mnist-c")
    if not found:
        return []
    first = found["rows"][0]
    return [
        *_corruption_table(found), "",
        f"Mean of 15: {format_percent(found['models'][0]['mean'])}, on {first['n']:,} test digits "
        f"each, {first['seeds']} seeds. {_guarantee(found)}",
    ]  # fmt: skip


def _guarantee(found: dict[str, Any]) -> str:
    return (
        f"The guarantee is that at most {format_percent(found['max_error'])} of its answers are "
        "wrong, over clean and corrupted digits mixed as in training: under a single corruption "
        "the share may be larger."
    )


def _corruption_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [row["noise"].removeprefix("mnist-c-"), format_percent(row["accuracy"]) + _spread(row),
         format_percent(row["ece"]), format_percent(row["coverage"]), format_percent(row["error"])]
        for row in found["rows"]
    ]  # fmt: skip
    return format_table(["noise", "accuracy", "ECE", "answered", "wrong of the answered"], rows)


def _spread(row: dict[str, Any]) -> str:
    return "" if row["accuracy_std"] is None else f" ± {100 * row['accuracy_std']:.2f}"


def handwriting() -> list[str]:
    """Return the scores on digits of writers that are not in MNIST."""
    found = load_result("reader").get("handwriting", [])
    rows = [
        [row["set"], row["used"], f"{row['n']:,}", *_authors(row), format_percent(row["accuracy"]),
         format_percent(row["right"]), format_percent(row["wrong"]), format_percent(row["unsure"])]
        for row in found
    ]  # fmt: skip
    if not rows:
        return []
    head = ["set", "used for", "digits", "authors", "accuracy of all", "right", "wrong", "unsure"]
    earlier = describe_earlier_handwriting()
    return [*format_table(head, rows), *(["", earlier] if earlier else []), *_unsure(found)]


def _authors(row: dict[str, Any]) -> list[str]:
    return [f"{row['authors']:,}" if row["authors"] > 1 else ""]


def _unsure(found: list[dict[str, Any]]) -> list[str]:
    """Return the photographs that the reader is unsure of: the figure, and their names."""
    shown = next((row for row in found if "unsure_files" in row), None)
    if not shown:
        return []
    named = ", ".join(f"{one['file']} ({one['digit']})" for one in shown["unsure_files"])
    return [
        "",
        f"![The digits of {shown['set']} that the reader is unsure of, with label and prediction]"
        "(reader-unsure.png)",
        "",
        f"Unsure in `{shown['set']}`, {len(shown['unsure_files'])} of {shown['n']:,} (the folder "
        f"is the label; its best guess in brackets): {named}.",
    ]


def normalization_rules() -> list[str]:
    """Return what each rule before the network contributes, set by set."""
    measured = load_result("normalization")
    if not measured:
        return []
    rows = measured["rows"]
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    by = {(row["rule"], row["set"]): row for row in rows}
    lines = [
        [name, *(_three_shares(by.get((rule, name))) for rule in rules)] for name in sets
    ]  # fmt: skip
    head = ["set", rules[0], *(f"without: {rule}" for rule in rules[1:])]
    return [*format_table(head, lines), "", describe_origin(measured)]


def _three_shares(row: dict[str, Any] | None) -> str:
    """Return right, wrong and unsure in percent."""
    return "" if row is None else " / ".join(
        f"{100 * row[key]:.1f}" for key in ("right", "wrong", "unsure")
    )  # fmt: skip


def non_digits() -> list[str]:
    """Return how well each kind of non-digit is told from digits."""
    rows = [
        [row["kind"], f"{row['auroc']:.4f}", format_percent(row["refused"], 1)]
        for row in load_result("reader").get("non_digits", [])
    ]
    return format_table(["kind", "AUROC", "rejected"], rows) if rows else []
