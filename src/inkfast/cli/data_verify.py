"""`inkfast data verify`: check the files of a downloaded data source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli._console import open_console, plain_table
from inkfast.core.errors import InkfastError, unknown_name
from inkfast.data import DownloadedSource, downloaded_sources


def data_verify(
    source: Annotated[
        str,
        typer.Argument(help="mnist or unipen, or a folder of MNIST's files.", metavar="[SOURCE]"),
    ] = "mnist",
) -> None:
    """Check the files of a downloaded data source: mnist or unipen."""
    chosen, folder = _choose_source(source)
    found = chosen.verify(folder)
    rows = [[name, state] for name, state in found]
    open_console().print(plain_table(["file", "state"], rows), soft_wrap=True)
    bad = [name for name, state in found if state != "ok"]
    if bad:
        raise InkfastError(
            f"{len(bad)} of {len(found)} files in {folder} are damaged or missing: "
            f"{', '.join(bad)}. Download them with: {chosen.fetch_command}"
        )


def _choose_source(source: str) -> tuple[DownloadedSource, Path]:
    """Return a source and the folder of its files."""
    sources = downloaded_sources()
    if source not in sources and not Path(source).is_dir():
        raise unknown_name("downloaded source or folder", source, sources)
    if source not in sources:
        return sources["mnist"], Path(source)
    chosen = sources[source]
    folder = chosen.find()
    if folder is None:
        raise InkfastError(
            f"{chosen.title} is not on this machine; get it with: {chosen.fetch_command}"
        )
    return chosen, folder
