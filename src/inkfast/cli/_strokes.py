"""Where the strokes of synthetic numbers come from, as an option of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from inkfast.core.errors import check_choice
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.hands import StrokeLibrary
from inkfast.synthetic.pen_strokes import load_pen_strokes

Strokes = Annotated[
    str, typer.Option(help="Strokes: drawn (by a program) or unipen (see data fetch unipen).")
]


def load_library(name: str) -> StrokeLibrary:
    """Return a stroke library by name: drawn, or unipen with all its writers.

    Raises:
        InkfastError: If there is no such library, or UniPen is not on this machine.
    """
    check_choice("strokes", name, ("drawn", "unipen"))
    if name == "drawn":
        return draw_library()
    digits, symbols, letters = (load_pen_strokes(kind) for kind in ("digits", "symbols", "letters"))
    writers = frozenset(str(n) for part in (digits, symbols, letters) for n in part.writer_names)
    return StrokeLibrary(digits, symbols, letters, writers)
