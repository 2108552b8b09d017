"""The apps that commands are hung on, and the options that belong to no command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(
    name="inkfast",
    help="Handwritten digits, read through noise: train, compare honestly, measure.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)
data_app = typer.Typer(help="Where digits come from: list, fetch, verify.", no_args_is_help=True)
noise_app = typer.Typer(help="Corruptions: list them, look at one.", no_args_is_help=True)
models_app = typer.Typer(help="Architectures: list them, look at one.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(noise_app, name="noise")
app.add_typer(models_app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        from inkfast import __version__

        sys.stdout.write(f"inkfast {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""
