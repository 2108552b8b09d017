"""The console that every command prints on."""

from __future__ import annotations

import os
import sys

from rich.console import Console


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
