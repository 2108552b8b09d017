"""The command line: one file per command; errors become one line on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys

import typer

from inkfast.cli.root import build_root
from inkfast.core.errors import InkfastError, missing_package

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0, 2 after an error, 130 after Ctrl-C."""
    _open_streams()
    code: object
    try:
        code = build_root()(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("inkfast: interrupted\n")
        code = 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "inkfast":
            raise
        sys.stderr.write(f"inkfast: {missing_package(error.name)}\n")
        code = 2
    except Exception as error:
        # typer's own errors of usage share no public base, but they all can format themselves
        usage = getattr(error, "format_message", None)
        if usage is None and not isinstance(error, InkfastError | OSError | MemoryError):
            raise
        nameless = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
        message = " ".join((usage() if usage else str(error) or nameless).split())
        if message:  # none when the help has been shown instead
            sys.stderr.write(f"inkfast: {message}\n")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """Make closed streams and unusual file names harmless.

    A closed stream is replaced by the null device. A character that the console's encoding lacks
    is escaped, and so is a byte of a file name that is not UTF-8.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `>&-`: Python has none then
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
