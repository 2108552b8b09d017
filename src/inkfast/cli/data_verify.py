"""`inkfast data verify`: check MNIST's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli._console import open_console, plain_table
from inkfast.core.errors import InkfastError, command_name
from inkfast.data import mnist


def data_verify(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of MNIST's files; by default where MNIST was found.", metavar="[FOLDER]"
        ),
    ] = None,
) -> None:
    """Check MNIST's four files against their SHA-256."""
    folder = folder or mnist.find_mnist()
    if folder is None:
        raise InkfastError(
            f"MNIST is not on this machine; get it with: {command_name()} data fetch"
        )
    found = mnist.verify_mnist(folder)
    rows = [[name, state] for name, state in found]
    open_console().print(plain_table(["file", "state"], rows), soft_wrap=True)
    bad = [name for name, state in found if state != "ok"]
    if bad:
        raise InkfastError(
            f"{len(bad)} of {len(found)} files in {folder} are damaged or missing: "
            f"{', '.join(bad)}."
        )
