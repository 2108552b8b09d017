"""`inkfast models show`: one architecture, layer by layer."""

from __future__ import annotations

from inkfast.cli import options
from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.models import Baseline, build_model, summarise


def models_show(model: options.Model) -> None:
    """Show an architecture layer by layer."""
    architecture = build_model(model)
    printer = Printer(open_console())
    printer.say(str(architecture), style="bold")
    printer.say(f"source: {architecture.source}")
    summary = summarise(architecture)
    if summary is None:
        assert isinstance(architecture, Baseline)  # noqa: S101 - no other lacks a summary
        printer.say(f"grows with the training rows: {architecture.grows}")
        return
    rows = [
        [row.name, " x ".join(map(str, row.output)), f"{row.parameters:,}"]
        for row in summary.layers
    ]
    printer.console.print(plain_table(["layer", "output", "parameters"], rows))
    printer.say(
        f"{summary.parameters:,} parameters, {summary.flops / 1e6:.2f} million FLOPs per image"
    )
