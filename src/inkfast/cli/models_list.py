"""`inkfast models list`: architectures by name."""

from __future__ import annotations

from inkfast.cli._console import open_console, plain_table
from inkfast.models import MODELS, summarise

_BY_ROWS = ("by the rows", "by the rows")  # the size of a baseline that grows with them


def models_list() -> None:
    """List architectures with parameters and FLOPs at their defaults."""
    rows = []
    for cls in MODELS:
        summary = summarise(cls())
        size = (f"{summary.parameters:,}", _millions(summary.flops)) if summary else _BY_ROWS
        first = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([cls.name, *size, first])
    open_console().print(plain_table(["model", "parameters", "FLOPs", "what it is"], rows))


def _millions(flops: int) -> str:
    """Return them in millions; two digits of what is less than one."""
    return f"{flops / 1e6:.{1 if flops >= 1e6 else 2}f} M"
