"""`inkfast data list`: the data sources by name."""

from __future__ import annotations

from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.core.errors import install_hint
from inkfast.data import DownloadedSource, describe_sources, downloaded_sources


def data_list() -> None:
    """List the data sources, and which of those to download are on this machine."""
    printer = Printer(open_console())
    rows = [[name, meaning] for name, meaning in describe_sources().items()]
    printer.console.print(plain_table(["source", "what it is"], rows))
    try:
        lines = [_where(source) for source in downloaded_sources().values()]
    except ModuleNotFoundError:  # the base installation cannot load training data
        lines = [f"To load these, install what trains and measures too, {install_hint('train')}"]
    for line in lines:
        printer.say(line)


def _where(source: DownloadedSource) -> str:
    folder = source.find()
    if folder:
        return f"{source.title} is in {folder}"
    return f"{source.title} is not on this machine; download it with: {source.fetch_command}"
