"""Printing: a console, sentences, plain tables."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


class _Console(Console):
    """A console that discards output, instead of ending the program, after a broken pipe."""

    def on_broken_pipe(self) -> None:
        """Discard all further output; called by rich."""
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept until the end
        self.file = sys.stdout


def open_console() -> Console:
    """Return a console as wide as the terminal, and 120 characters wide in a pipe."""
    console = _Console()
    if not console.is_terminal:
        console.width = 120  # a pipe has no width of its own
    return console


class Printer:
    """Prints sentences on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, sentence: str, style: str = "") -> None:
        """Print one line, which is not wrapped."""
        self.console.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)

    def notice(self, sentence: str) -> None:
        """Print a warning about the data, unless it is empty."""
        if sentence:
            self.say(sentence, style="bold yellow")

    def stage(self, what: str) -> None:
        """Print the name of a stage as it begins."""
        self.console.print(f"{what} …", style="dim", markup=False, highlight=False)

    def download(self, name: str, done: int, total: int) -> None:
        """Print the progress of a download; in a pipe, one line at its end."""
        if self.console.is_terminal:
            self.console.print(f"{name}: {done / 1e6:.1f} MB", end="\r", highlight=False)
        elif total and done == total:
            self.say(f"{name}: {done / 1e6:.1f} MB")


def plain_table(columns: list[str], rows: list[list[Any]]) -> Table:
    """Return a borderless table of text."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
