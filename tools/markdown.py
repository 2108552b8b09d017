"""Figures and tables as Markdown."""

from __future__ import annotations


def format_table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table."""
    return [
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]  # fmt: skip


def format_percent(value: float, decimals: int = 2) -> str:
    """Return a share in [0, 1] in percent."""
    return f"{100 * value:.{decimals}f} %"


def format_range(values: dict[str, float], pattern: str = "{:,.0f}") -> str:
    """Return a median with its range and n."""
    low, middle, high = (pattern.format(values[key]) for key in ("min", "median", "max"))
    return f"{middle} ({low} to {high}, n = {values['n']})"


def format_threads(count: int) -> str:
    """Return a number of threads with its noun."""
    return f"{count} thread{'s' if count > 1 else ''}"
