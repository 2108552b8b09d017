"""Commands on what was trained: evaluate, robustness, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli.options import Data, NoiseOption
from inkfast.cli.root import app


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")],
    data: Data = None,
    noise: NoiseOption = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a --json file that is there.")
    ] = False,
) -> None:
    """Score a run's models on other digits or under other noise."""
    from inkfast.commands import readers

    readers.evaluate(run, data, noise, json_path, overwrite=overwrite)


@app.command()
def robustness(
    model: Annotated[Path, typer.Argument(help="Run folder, or an .onnx file that takes 28x28.")],
    suite: Annotated[
        str, typer.Option(help="mnist-c, mnist-c-severities, n-mnist or noisy-mnist.")
    ] = "mnist-c",
    data: Data = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            help="A run's models answer so that errors stay below this share.", show_default="0.01"
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Confidence from which an ONNX file answers.", show_default="its own"),
    ] = None,
    validation: Annotated[
        bool,
        typer.Option(
            "--validation", help="Judge on validation rows, while choosing; a folder apart."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the corruption.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of an ONNX file; 0 for all.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of figures.", show_default="runs/robustness-MODEL-SUITE"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace figures that are there.")
    ] = False,
) -> None:
    """Measure how models hold under published noise: MNIST-C, n-MNIST, noisy-mnist."""
    from inkfast.commands.robustness import judge

    judge(
        model, suite, data, out, max_error=max_error, threshold=threshold, seed=seed,
        threads=threads, validation=validation, overwrite=overwrite,
    )  # fmt: skip


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")],
    model: Annotated[
        str | None, typer.Option(help="One of the run's models.", show_default="the best")
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            help="onnx (RUN/reader.onnx), onnx-int8 (RUN/reader-int8.onnx: 8 bits, smaller, "
            "faster, nearly the same), or a file that ends in .onnx."
        ),
    ] = "onnx",
    max_error: Annotated[
        float, typer.Option(help="Share of errors among its answers that it promises.")
    ] = 0.01,
    int8: Annotated[
        bool, typer.Option("--int8", hidden=True, help="8 bits in a file of --to as well.")
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(help="Digits on which it must answer as the network does; repeatable."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
) -> None:
    """Write a network as one ONNX file: pixels in, calibrated probabilities out."""
    from inkfast.commands import readers

    readers.export(run, model, to, max_error, int8=int8, checks=check or [], overwrite=overwrite)
