"""The tables of docs/handwriting.md: inkfast beside other programs on real handwriting."""

from __future__ import annotations

from typing import Any

from tools.markdown import format_percent, format_table
from tools.results import describe_origin, load_result

OUTCOMES = {
    "right": "right", "wrong": "wrong", "unsure": "unsure or not found",
    "best_guess_right": "best guess right",
}  # fmt: skip


def handwriting_summary() -> list[str]:
    """Return one line per set: what each program reads right, and what inkfast reads wrong."""
    found = load_result("handwriting")
    if not found:
        return []
    names = [program["system"] for program in found["sets"][0]["systems"]]
    head = ["set", "images", *[f"{name}: right" for name in names], "inkfast: wrong"]
    rows = []
    for one in found["sets"]:
        by_name = {program["system"]: program for program in one["systems"]}
        right = [format_percent(by_name[name]["right"]["value"], 1) for name in names]
        wrong = format_percent(by_name["inkfast"]["wrong"]["value"], 1)
        rows.append([f"[{one['set']}](#{one['set']})", f"{one['images']:,}", *right, wrong])
    return [*format_table(head, rows), "", _standing(found)]


def _standing(found: dict[str, Any]) -> str:
    """Return in how many sets inkfast reads more images right than every other program."""
    behind = [one["set"] for one in found["sets"] if not _is_ahead(one)]
    count = len(found["sets"])
    sentence = (
        "inkfast reads more images right than each of the other programs in "
        f"{count - len(behind)} of {count} sets"
    )
    return f"{sentence}, but not in {', '.join(behind)}." if behind else f"{sentence}."


def _is_ahead(one: dict[str, Any]) -> bool:
    right = {program["system"]: program["right"]["value"] for program in one["systems"]}
    own = right.pop("inkfast")
    return all(own > other for other in right.values())


def handwriting_sets() -> list[str]:
    """Return what each set is and what it was used for, and the sets that were not measured."""
    found = load_result("handwriting")
    if not found:
        return []
    head = ["set", "images of", "licence", "used for"]
    rows = [[one["set"], one["about"], one["licence"], one["use"]] for one in found["sets"]]
    missing = [f"{one['set']} ({one['reason']})" for one in found["left_out"]]
    missing += [f"{one['system']} ({one['reason']})" for one in found["systems_left_out"]]
    sentence = ["", f"Not measured: {'; '.join(missing)}."] if missing else []
    return [*format_table(head, rows), *sentence]


def handwriting_results() -> list[str]:
    """Return a table for each set, with one line per program."""
    found = load_result("handwriting")
    if not found:
        return []
    versions = ", ".join(f"{name} {text}" for name, text in sorted(found["versions"].items()))
    sections = [line for one in found["sets"] for line in [*_section(one), ""]]
    return [
        *sections, f"{describe_origin(found)} {versions}. Settings of the other programs were "
        f"chosen on up to {found['tried']} images of each set; the programs took turns every "
        f"{found['chunk']} images.",
    ]  # fmt: skip


def _section(one: dict[str, Any]) -> list[str]:
    head = ["program", "setting", *OUTCOMES.values(), "ms per image"]
    rows = [
        [program["system"], f"`{program['setting']}`",
         *(_format_share(program[name]) for name in OUTCOMES),
         _format_milliseconds(program["milliseconds"])]
        for program in one["systems"]
    ]  # fmt: skip
    mean = f", means over {one['groups']} {one['mean_over']}" if one["mean_over"] else ""
    about = f"{one['images']:,} images{mean}; used for: {one['use']}."
    return [f"### {one['set']}", "", about, "", *format_table(head, rows)]


def _format_share(share: dict[str, Any]) -> str:
    """Return a share with its 95 % interval."""
    low, high = share["ci95"]
    return f"{format_percent(share['value'], 1)} ({100 * low:.1f} to {100 * high:.1f})"


def _format_milliseconds(values: dict[str, float]) -> str:
    """Return a median with its range."""
    median, low, high = (f"{values[key]:,.1f}" for key in ("median", "min", "max"))
    return f"{median} ({low} to {high})"
