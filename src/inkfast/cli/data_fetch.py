"""`inkfast data fetch`: download MNIST."""

from __future__ import annotations

from inkfast.cli._console import Printer, open_console
from inkfast.data import mnist


def data_fetch() -> None:
    """Download MNIST (11 MB) into your cache, checked by SHA-256."""
    printer = Printer(open_console())
    folder = mnist.fetch_mnist(printer.download)
    printer.say(f"MNIST is in {folder}, checked by SHA-256")
