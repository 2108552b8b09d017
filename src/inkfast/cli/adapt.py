"""`inkfast adapt`: from corrected answers to a network that reads this hand better."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli import options


def adapt(
    corrections: Annotated[
        Path,
        typer.Argument(
            help="Answers of read or predict that were corrected, at least 20 of them.",
            metavar="CORRECTIONS",
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(help="Adapted network, a file that ends in .onnx; its card is beside it."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Shipped network or .onnx file to begin with.",
            show_default="reader for digits, number-reader for numbers",
        ),
    ] = None,
    max_error: options.MaxError = None,
    hold_back: Annotated[
        float | None,
        typer.Option(
            help="Share of the corrections on which the guarantee is tested; with more of them it "
            "is stronger, and fewer are learned from.",
            show_default="one in five",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Adapt a network to corrected answers; say what it gains and what it guarantees.

    Nothing is written if cross-validation shows more errors, or as many at a higher loss.
    Use the file as --model of read, predict and serve.
    """
    from inkfast.adaptation import adapt_reader  # needs the extra, which --help does not

    share = {} if hold_back is None else {"hold_back": hold_back}
    adapted = adapt_reader(corrections, to, model, max_error, **share, overwrite=overwrite)
    sys.stdout.writelines(f"{sentence}\n" for sentence in adapted.sentences)
