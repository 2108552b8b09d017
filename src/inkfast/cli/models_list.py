"""`inkfast models list`: architectures by name."""

from __future__ import annotations

from inkfast.cli._console import open_console, plain_table
from inkfast.models import MODELS, summarise

_BY_ROWS = ("by the rows", "by the rows")  # of a baseline that grows with the training rows


def models_list() -> None:
    """List architectures with parameter counts and FLOPs at default settings."""
    rows = []
    for cls in MODELS:
        summary = summarise(cls())
        size = (f"{summary.parameters:,}", _millions(summary.flops)) if summary else _BY_ROWS
        first = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([cls.name, *size, first])
    open_console().print(plain_table(["model", "parameters", "FLOPs", "what it is"], rows))


def _millions(flops: int) -> str:
    """Return FLOPs in millions, with two decimals below one million and one above."""
    return f"{flops / 1e6:.{1 if flops >= 1e6 else 2}f} M"
