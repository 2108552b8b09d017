"""What every command prints on: a console, sentences, plain tables."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


class _Console(Console):
    """A console that goes quiet, instead of ending the work, when its reader has left."""

    def on_broken_pipe(self) -> None:
        """Send what is still printed nowhere; called by rich."""
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept until the end
        self.file = sys.stdout


def open_console() -> Console:
    """Return a console as wide as the terminal, and 120 characters wide in a pipe."""
    console = _Console()
    if not console.is_terminal:
        console.width = 120  # a pipe has no width of its own
    return console


class Printer:
    """Says sentences on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, sentence: str, style: str = "") -> None:
        """Print one line, without wrapping it in a pipe."""
        self.console.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)

    def notice(self, sentence: str) -> None:
        """Print what must not be overlooked about the data, if anything must."""
        if sentence:
            self.say(sentence, style="bold yellow")

    def stage(self, what: str) -> None:
        """Tell what begins now, on one plain line."""
        self.console.print(f"{what} …", style="dim", markup=False, highlight=False)

    def download(self, name: str, done: int, total: int) -> None:
        """Tell of a download: one updating line on a terminal, one line at its end in a pipe."""
        if self.console.is_terminal:
            self.console.print(f"{name}: {done / 1e6:.1f} MB", end="\r", highlight=False)
        elif total and done == total:
            self.say(f"{name}: {done / 1e6:.1f} MB")


def plain_table(columns: list[str], rows: list[list[Any]]) -> Table:
    """Return a borderless table of words."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
