"""The tables of docs/sources.md: published figures beside those of our replications."""

from __future__ import annotations

from typing import Any

from tools.markdown import format_percent, format_table, format_threads
from tools.results import describe_machine, load_result


def replication_tables() -> list[str]:
    """Return a section for each recipe of a source project that was run."""
    sources = load_result("sources")
    if not sources:
        return []
    lines = [line for found in sources["recipes"] for line in _section(found)]
    if missing := sources["not_measured"]:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    return [
        *lines,
        f"Measured on {describe_machine(sources['recipes'][0])}. A fit had one thread unless a row "
        "says otherwise, and shared the machine with other work: seconds are an upper bound.",
    ]  # fmt: skip


def _section(found: dict[str, Any]) -> list[str]:
    noise = "clean" if found["noise"] == "none" else f"{found['noise']} noise"
    held = "held-out digits" if "validate" in found["command"] else "test digits"
    head = ["model", "published", "measured", "n", "difference", "a fit"]
    return [
        f"### [{found['recipe']}](../recipes/{found['recipe']}.toml)", "",
        f"`{found['command']}`, {found['n_test']:,} {held}, {noise}", "",
        *format_table(head, [_row(row) for row in found["rows"]]), "",
        *_own_comparisons(found),
    ]  # fmt: skip


def _row(row: dict[str, Any]) -> list[str]:
    published, std = row["published"], row["std"]
    more = f", {format_threads(row['threads'])}" if row["threads"] > 1 else ""
    return [
        f"**{row['model']}**" if published is None else row["model"],
        "" if published is None else format_percent(published),
        format_percent(row["accuracy"]["mean"]) + (f" ± {100 * std:.2f}" if std else ""),
        str(row["accuracy"]["n"]),
        "ours" if published is None else _difference(row["accuracy"]["mean"] - published, std),
        f"{row['seconds']['median']:.0f} s{more}",
    ]  # fmt: skip


def _difference(difference: float, std: float | None) -> str:
    deviations = f" ({difference / std:+.1f} sd)" if std else ""
    return f"{100 * difference:+.2f} points{deviations}"


def _own_comparisons(found: dict[str, Any]) -> list[str]:
    """Return a sentence for each pair of our own models: the difference, and whether it is real."""
    ours = {row["model"] for row in found["rows"] if row["published"] is None}
    return [
        f"{pair['better']} against {pair['worse']}: {100 * pair['difference']:+.2f} points, "
        + ("a real difference" if pair["real"] else "not a significant difference")
        + f" (p = {pair['p_value']:.2g}).\n"
        for pair in found["comparisons"]
        if {pair["better"], pair["worse"]} <= ours
    ]
