"""The tables of docs/adapt.md: what adapting gains, and what few corrections can show."""

from __future__ import annotations

from typing import Any

import numpy as np

from inkfast.adaptation.adaptation import exact_guarantee
from tools.markdown import format_percent, format_range, format_table
from tools.results import describe_origin, load_result

_SHOWN = (6, 15, 30, 60, 200)  # answers held back


def adaptation_bounds() -> list[str]:
    """Return what answers without an error guarantee, by their number."""
    bounds = [exact_guarantee(np.zeros(n, bool), 0.0, n).max_error for n in _SHOWN]
    return format_table(
        ["answers held back, all right", *map(str, _SHOWN)],
        [["wrong answers, at most", *(format_percent(bound, 1) for bound in bounds)]],
    )


def adaptation_table() -> list[str]:
    """Return errors before and after adapting, and the sentences about MNIST and the guarantee."""
    found = load_result("adaptation")
    if not found:
        return []
    rows = [_writers_row(one) for one in found["writers"]]
    if "bhmsds" in found:
        rows.append(_scans_row(found["bhmsds"]))
    head = [
        "hand",
        "corrected",
        "wrong before",
        "wrong after",
        "MNIST, more wrong",
        "kept as it was",
    ]
    return [*format_table(head, rows), "", *_guarantee_lines(found), describe_origin(found)]


def _writers_row(found: dict[str, Any]) -> list[str]:
    less, more = found["wrong_less"], found["mnist_more"]
    return [
        f"{found['writers']} writers left out of training, mean",
        str(found["corrected"]),
        format_percent(found["wrong_before"]),
        f"{format_percent(found['wrong_after'])} (fewer by {100 * less['low']:.2f} to "
        f"{100 * less['high']:.2f} points)",
        f"{100 * more['mean']:+.3f} points",
        f"{found['refused']} of {3 * found['writers']}",
    ]


def _scans_row(found: dict[str, Any]) -> list[str]:
    turns = found["turns"]
    before, after = (
        np.mean([turn[key] / turn["n"] for turn in turns])
        for key in ("wrong_before", "wrong_after")
    )
    return [
        f"bhmsds, left out, mean of {len(turns)} draws",
        str(found["corrected"]),
        format_percent(before),
        format_percent(after),
        f"{100 * np.mean([turn['mnist'] for turn in turns]):+.3f} points",
        f"{sum(turn['refused'] for turn in turns):.0f} of {len(turns)}",
    ]


def _guarantee_lines(found: dict[str, Any]) -> list[str]:
    """Return how the guarantee was kept by writers for whom it was broken."""
    lines = []
    for one in found["writers"]:
        broken = one["broken"]
        if not broken["writers"]:
            continue
        shares = [
            format_percent(broken[f"answered_wrong_{when}"] / max(1, broken[f"answered_{when}"]))
            for when in ("before", "after")
        ]
        answered = [
            format_percent(broken[f"answered_{w}"] / broken["n"], 1) for w in ("before", "after")
        ]
        lines.append(
            f"- {one['corrected']} corrected digits, the {broken['writers']} writers of whom more "
            f"than {format_percent(found['max_error'])} of the answers were wrong: {shares[0]} "
            f"before and {shares[1]} after, with {answered[0]} and {answered[1]} answered."
        )
    seconds = format_range(found["seconds"], "{:.1f}")
    return [
        *lines,
        f"- An adaptation to digits took {seconds} seconds on one thread beside other work, images "
        "read before.",
        "",
    ]
