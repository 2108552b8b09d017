"""Results of the benchmarks as text: what a JSON holds, tables in Markdown, figures, machines."""

from __future__ import annotations

import json
from typing import Any

from measured import RESULTS


def result(name: str) -> dict[str, Any]:
    """Return what a benchmark recorded, {} if it has not been run."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def suite_of(run: str, suite: str) -> dict[str, Any]:
    """Return what a run scored under a suite, {} if it was not judged."""
    found = result("recipes").get("suites", [])
    return next((one for one in found if (one["run"], one["suite"]) == (run, suite)), {})


def machine_of(found: dict[str, Any]) -> str:
    """Return the machine that a result belongs to, in words."""
    machine = found["machine"]
    return (
        f"{machine['cores']} cores of an {machine['processor']} ({instructions(found)}), "
        f"torch {machine['torch']}"
    )


def instructions(found: dict[str, Any]) -> str:
    """Return what the processor of a result knows, by which those of one name differ."""
    return str(found["machine"].get("instructions", "bf16"))  # older results do not say, and had it


def origin(found: dict[str, Any]) -> str:
    """Return the command and the machine of a result, as a sentence."""
    return f"`{found['command']}`, on {machine_of(found)}."


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table in Markdown."""
    return [
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]  # fmt: skip


def percent(value: float, places: int = 2) -> str:
    """Return a share as text."""
    return f"{100 * value:.{places}f} %"


def ranged(values: dict[str, float], pattern: str = "{:,.0f}") -> str:
    """Return a median with its range and n."""
    low, middle, high = (pattern.format(values[key]) for key in ("min", "median", "max"))
    return f"{middle} ({low} to {high}, n = {values['n']})"


def threads(count: int) -> str:
    """Return a number of threads as text."""
    return f"{count} thread{'s' if count > 1 else ''}"


def earlier() -> str:
    """Return a sentence on handwriting that the reader's last call did not read, or ""."""
    machine = result("reader").get("handwriting_machine")
    return (
        f"An earlier call measured it, on the same file, on {machine_of({'machine': machine})}."
        if machine
        else ""
    )
