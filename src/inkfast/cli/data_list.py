"""`inkfast data list`: the data sources by name."""

from __future__ import annotations

from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.core.errors import command_name, install_hint
from inkfast.data import describe_sources, mnist


def data_list() -> None:
    """List the data sources, and whether MNIST is on this machine."""
    printer = Printer(open_console())
    rows = [[name, meaning] for name, meaning in describe_sources().items()]
    printer.console.print(plain_table(["source", "what it is"], rows))
    try:
        found = mnist.find_mnist()
    except ModuleNotFoundError:  # the base installation cannot load training data
        where = f"To load these, install what trains and measures too, {install_hint('train')}"
    else:
        where = (
            f"MNIST is in {found}"
            if found
            else f"MNIST is not on this machine; download it with: {command_name()} data fetch"
        )
    printer.say(where)
