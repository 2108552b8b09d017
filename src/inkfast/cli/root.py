"""The table of commands: each is the module of its name, imported when the command is asked for.

So `inkfast --help` stays quick, and a command's file can import at its top what the command needs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

# in the order of the help; `data list` is the function `data_list` in `data_list.py`
COMMANDS = {
    "compare": "Compare models on noisy digits and leave a report worth reading.",
    "validate": "Cross-validate models on the training digits; the test digits are not touched.",
    "tune": "Search for the best model and recipe on validation rows, then look at the test once.",
    "train": "Train one model; the run folder is the same as that of a comparison.",
    "evaluate": "Score a run's models on other digits or under other noise.",
    "robustness": "Measure how models hold under published noise: MNIST-C, n-MNIST, noisy-mnist.",
    "export": "Write a network as one ONNX file: pixels in, calibrated probabilities out.",
    "predict": "Read pictures of one digit each, and say how sure it is or why it is not.",
    "read": "Read the numbers on photographs, line by line; a ? stands for an unsure digit.",
    "serve": "Serve the readers over HTTP, and the Noise Lab page.",
    "explore": "Look at digits before training: classes, pixels, duplicates, overlap, suspicious "
    "labels.",
    "data list": "List the data sources, and whether MNIST is on this machine.",
    "data fetch": "Download MNIST (11 MB) into your cache, checked by SHA-256.",
    "data verify": "Check MNIST's four files against their SHA-256.",
    "noise list": "List corruptions with their parameters, and presets.",
    "noise show": "Draw digits under a corruption at several strengths.",
    "models list": "List architectures with parameters and FLOPs at their defaults.",
    "models show": "Show an architecture layer by layer.",
}
GROUPS = {
    "data": "Where digits come from: list, fetch, verify.",
    "noise": "Corruptions: list them, look at one.",
    "models": "Architectures: list them, look at one.",
}


class LazyCommand(TyperCommand):
    """A command known by its name and first line, whose module is imported when it is run."""

    module = ""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Hand the arguments to the command in the module; called by click."""
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        function = getattr(import_module(f"inkfast.cli.{self.module}"), self.module)
        app.command(self.name)(function)
        return typer.main.get_command(app).make_context(info_name, args, parent, **extra)


def build_root() -> TyperGroup:
    """Return the command `inkfast`, with every command of the table below it."""
    app = typer.Typer(
        name="inkfast",
        help="Handwritten digits, read through noise: train, compare honestly, measure.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
    )
    app.callback()(_root)
    root = typer.main.get_group(app)
    groups = {
        name: TyperGroup(name=name, help=text, no_args_is_help=True)
        for name, text in GROUPS.items()
    }
    for words, first_line in COMMANDS.items():
        group, _, name = words.rpartition(" ")
        command = LazyCommand(name, help=first_line)
        command.module = words.replace(" ", "_")
        (groups[group] if group else root).add_command(command)
    for one in groups.values():
        root.add_command(one)
    return root


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # it takes a while to import

        sys.stdout.write(f"inkfast {version('inkfast')}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""
