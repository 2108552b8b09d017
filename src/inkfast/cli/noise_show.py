"""`inkfast noise show`: a figure of digits under a corruption."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from inkfast import data as sources
from inkfast import noise as noises
from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.core.io import check_free
from inkfast.report import noise_figure


def noise_show(
    noise: Annotated[str, typer.Argument(help="Corruption, chain or preset.", metavar="NOISE")],
    data: options.Data = None,
    out: Annotated[Path | None, typer.Option(help="PNG file.", show_default="NOISE.png")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Draw digits under a corruption at several strengths."""
    printer = Printer(open_console())
    noises.build_noise(noise)  # so that a typing mistake is refused before data is loaded
    path = out or Path((re.sub(r"[^\w.-]+", "-", noise).strip("-") or "none") + ".png")
    check_free(path, overwrite=overwrite)
    source = sources.load(data or "auto", printer.download)
    noise_figure.write_noise_figure(noise, source.test or source.train, path)
    printer.say(f"figure: {path}")
