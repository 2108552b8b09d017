"""The table of commands; the module of a command is imported when that command is run.

So `inkfast --help` answers at once, and each command's file imports at its top what it needs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

# first line of each docstring, in the order of the help; `data list` is `data_list` in data_list.py
COMMANDS = {
    "compare": "Train models under the same conditions, test them once and write a report.",
    "validate": "Cross-validate models on the training digits; the test digits are not read.",
    "tune": "Search models and recipes on validation rows, then test the best one once.",
    "train": "Train and test one model; the run folder is the same as that of `compare`.",
    "evaluate": "Score the models of a run on other digits or under other noise.",
    "robustness": "Measure accuracy under published corruptions: MNIST-C, n-MNIST, noisy-mnist.",
    "export": "Export a network as one ONNX file: pixels in, calibrated probabilities out.",
    "predict": "Classify images of one digit each; what may be wrong is marked unsure.",
    "read": "Read the numbers on photographs, line by line; a ? stands for an unsure character.",
    "review": "Check what was read on a local page; every correction is saved at once.",
    "adapt": "Adapt a network to corrected answers; say what it gains and what it guarantees.",
    "serve": "Serve predictions over HTTP, and the Noise Lab page.",
    "explore": "Analyse digits before training: classes, pixels, copies, overlap, label errors.",
    "data list": "List the data sources, and which of those to download are on this machine.",
    "data fetch": "Download a data source into your cache, checked: mnist (11 MB) or unipen.",
    "data verify": "Check the files of a downloaded data source: mnist or unipen.",
    "noise list": "List corruptions with their parameters, presets and suites.",
    "noise show": "Draw digits under a corruption at several strengths.",
    "synthetic show": "Draw synthetic numbers: every pen, paper and effect of scanning.",
    "synthetic make": "Compose images of numbers in a folder, with their texts in labels.csv.",
    "models list": "List architectures with parameter counts and FLOPs at default settings.",
    "models show": "Show an architecture layer by layer.",
}
GROUPS = {
    "data": "List, download and verify data sources.",
    "noise": "List corruptions, or draw one.",
    "synthetic": "Draw or make synthetic handwritten numbers.",
    "models": "List architectures, or show one.",
}


class LazyCommand(TyperCommand):
    """A command of which the help knows the first line; its module is imported when it is run."""

    module = ""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Import the command and let it parse the arguments; called by click."""
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        function = getattr(import_module(f"inkfast.cli.{self.module}"), self.module)
        app.command(self.name)(function)
        return typer.main.get_command(app).make_context(info_name, args, parent, **extra)


def build_root() -> TyperGroup:
    """Return the command `inkfast` with every command of the table."""
    app = typer.Typer(
        name="inkfast",
        help="Train, compare and serve classifiers of handwritten digits that work under noise.",
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
    """Parse the options of the program itself."""
