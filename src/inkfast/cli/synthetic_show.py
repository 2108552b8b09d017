"""`inkfast synthetic show`: a figure of synthetic numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.cli._strokes import Strokes, load_library
from inkfast.core.io import check_free
from inkfast.report.strip_figure import write_strip_figure
from inkfast.synthetic.examples import draw_examples
from inkfast.synthetic.strips import Handwriting


def synthetic_show(
    strokes: Strokes = "drawn",
    out: Annotated[Path, typer.Option(help="PNG file.")] = Path("synthetic.png"),
    seed: options.Seed = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Draw synthetic numbers: every pen, paper and effect of scanning."""
    check_free(out, overwrite=overwrite)
    rows = draw_examples(Handwriting(load_library(strokes)), 5, seed or 0)
    write_strip_figure(rows, out)
    Printer(open_console()).say(f"figure: {out}")
