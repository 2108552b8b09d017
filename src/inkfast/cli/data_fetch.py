"""`inkfast data fetch`: download a data source."""

from __future__ import annotations

from typing import Annotated

import typer

from inkfast.cli._console import Printer, open_console
from inkfast.core.errors import unknown_name
from inkfast.data import downloaded_sources


def data_fetch(
    source: Annotated[
        str, typer.Argument(help="mnist (11 MB) or unipen.", metavar="[SOURCE]")
    ] = "mnist",
) -> None:
    """Download a data source into your cache, checked: mnist (11 MB) or unipen."""
    sources = downloaded_sources()
    if source not in sources:
        raise unknown_name("source to download", source, sources)
    wanted, printer = sources[source], Printer(open_console())
    folder, note = wanted.fetch(printer.download)
    printer.say(f"{wanted.title} is in {folder}, {wanted.checked}")
    for sentence in filter(None, (note, wanted.attribution)):
        printer.say(sentence)
