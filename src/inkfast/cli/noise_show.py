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
    noise: Annotated[str, typer.Argument(help="A corruption, a chain or a preset.")],
    data: options.Data = None,
    out: Annotated[Path | None, typer.Option(help="PNG file.", show_default="NOISE.png")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a picture that is there.")
    ] = False,
) -> None:
    """Draw digits under a corruption at several strengths."""
    printer = Printer(open_console())
    noises.build_noise(noise)  # refuse a typing mistake before anything is loaded
    path = out or Path((re.sub(r"[^\w.-]+", "-", noise).strip("-") or "none") + ".png")
    check_free(path, overwrite=overwrite)
    source = sources.load(data or "auto", printer.download)
    noise_figure.write_noise_figure(noise, source.test or source.train, path)
    printer.say(f"picture: {path}")
