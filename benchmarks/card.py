"""The tables of docs/model-card.md, from the benchmarks' JSON."""

from __future__ import annotations

from typing import Any

from tables import earlier, origin, percent, ranged, result, suite_of, table

from inkfast.inference.reader import MIN_CONFIDENCE


def facts() -> list[str]:
    """Return what the shipped file is and promises."""
    found = result("reader")
    if not found:
        return []
    about = found["about"]
    promises = [
        f"{error:g} from {max(MIN_CONFIDENCE, level):.3f}"
        for error, level in about["promises"]
        if level <= 1
    ]
    return table(["", ""], [
        ["file", f"`reader.onnx`, {found['bytes'] / 1e6:.2f} MB"],
        ["SHA-256", f"`{found['sha256']}`"],
        ["network", f"`{about['model']}`, seed {about['seed']}"],
        ["temperature", f"{about['temperature']:.3f}"],
        ["calibration digits", f"{about['calibration_digits']:,}, which neither trained nor chose"],
        ["answers from a confidence of", f"{about['threshold']:.3f}"],
        ["promises at most, of its answers wrong", percent(about["max_error"])],
        ["other promises, `--max-error`", "; ".join(promises)],
    ])  # fmt: skip


def shipped() -> list[str]:
    """Return how the shipped file itself reads under each corruption."""
    reader = result("reader")
    if not reader:
        return []
    found = reader["corruptions"]
    return [
        *_corruptions(found), "",
        f"Mean of 15: {percent(found['models'][0]['mean'])}, on {found['rows'][0]['n']:,} test "
        f"digits each. {_promised(found)} Corrupting and judging all took "
        f"{ranged(found['seconds'], '{:.0f} s')}. {origin(reader)}",
    ]  # fmt: skip


def recipe() -> list[str]:
    """Return how the recipe's networks read under each corruption, over seeds."""
    found = suite_of("flagship", "mnist-c")
    if not found:
        return []
    first = found["rows"][0]
    return [
        *_corruptions(found), "",
        f"Mean of 15: {percent(found['models'][0]['mean'])}, on {first['n']:,} test digits each, "
        f"{first['seeds']} seeds. {_promised(found)}",
    ]  # fmt: skip


def _promised(found: dict[str, Any]) -> str:
    return (
        f"What answers promises at most {percent(found['max_error'])} of its answers wrong, clean "
        "and corrupted ones together, as in training: under one corruption alone it may be more."
    )


def _corruptions(found: dict[str, Any]) -> list[str]:
    rows = [
        [row["noise"].removeprefix("mnist-c-"), percent(row["accuracy"]) + _spread(row),
         percent(row["ece"]), percent(row["coverage"]), percent(row["error"])]
        for row in found["rows"]
    ]  # fmt: skip
    return table(["noise", "accuracy", "ECE", "answered", "wrong of those"], rows)


def _spread(row: dict[str, Any]) -> str:
    return "" if row["accuracy_std"] is None else f" ± {100 * row['accuracy_std']:.2f}"


def handwriting() -> list[str]:
    """Return how other people's digits are read."""
    rows = [
        [row["set"], f"{row['n']:,}", percent(row["accuracy"]),
         f"{100 * row['accuracy_ci95'][0]:.1f} to {100 * row['accuracy_ci95'][1]:.1f}",
         percent(row["answered"]), percent(row["wrong_of_those"])]
        for row in result("reader").get("handwriting", [])
    ]  # fmt: skip
    if not rows:
        return []
    head = ["set", "digits", "accuracy of all", "95 % interval", "answered", "wrong of those"]
    told = earlier()
    return [*table(head, rows), *(["", told] if told else []), *_unsure()]


def _unsure() -> list[str]:
    """Return the photographs that the reader is unsure of, as a picture and by name."""
    phone = result("reader")["handwriting"][0]
    named = ", ".join(f"{one['file']} ({one['digit']})" for one in phone["unsure"])
    return [
        "",
        f"![The {phone['set']} digits that it is unsure of, with the label and its answer]"
        "(reader-unsure.png)",
        "",
        f"Unsure in `{phone['set']}`, {len(phone['unsure'])} of {phone['n']:,} (the folder is the "
        f"label; in brackets what it would have said): {named}.",
    ]


def non_digits() -> list[str]:
    """Return how what is no digit is told from digits."""
    rows = [
        [row["kind"], f"{row['auroc']:.4f}", percent(row["refused"], 1)]
        for row in result("reader").get("non_digits", [])
    ]
    return table(["kind", "AUROC", "refused"], rows) if rows else []
