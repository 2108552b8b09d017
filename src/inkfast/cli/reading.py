"""Commands that read digits: predict, read and serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli.root import app


@app.command()
def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures, folders, patterns in quotes, .zip, Kaggle's .csv, .npz, .npy or "
            ".parquet files; - for a picture on standard input.",
            metavar="[PATH]...",
            show_default=False,
        ),
    ] = None,
    files_from: Annotated[
        str | None, typer.Option(help="File of paths, a line each; - for standard input.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="A shipped network, an .onnx file, or a run folder and its best model."),
    ] = "reader",
    max_error: Annotated[
        float | None,
        typer.Option(
            help="Answer so that errors stay below this share.", show_default="the model's own"
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table, csv, jsonl, parquet or kaggle.",
            show_default="by the name of --to, kaggle for Kaggle's .csv; table on a terminal, "
            "jsonl in a pipe, kaggle for a table of pixels",
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File; default: the terminal.")] = None,
    review: Annotated[
        Path | None,
        typer.Option(help="Folder of the unsure ones: what was given beside what was seen."),
    ] = None,
    executor: Annotated[
        str, typer.Option(help="Who reads: serial, local:N (processes), ray or ray:HOST:PORT.")
    ] = "serial",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted job left of --to.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --to.")] = False,
) -> None:
    """Read pictures of one digit each, and say how sure it is or why it is not.

    Columns: source, digit (empty where unsure), confidence (of the best guess,
    unsure or not), runner_up, runner_up_confidence, unsure (why), error.
    """
    from inkfast.commands.predict import predict as read

    code = read(
        paths or [], files_from, model, max_error, form, to, review, executor,
        resume=resume, overwrite=overwrite,
    )  # fmt: skip
    raise typer.Exit(code)


@app.command()
def read(
    photos: Annotated[
        list[Path],
        typer.Argument(help="Pictures of handwritten numbers, folders, or patterns in quotes."),
    ],
    model: Annotated[
        str, typer.Option(help="A shipped network's name, or an .onnx file.")
    ] = "reader",
    max_error: Annotated[
        float | None,
        typer.Option(help="Answer so that errors stay below this share.", show_default="its own"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table, jsonl, csv or parquet.",
            show_default="by the name of --to; else table",
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File; default: the terminal.")] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Folder for the pictures with boxes and answers.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="Folder for the unsure digits and what the network saw.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace --to, and pictures of --overlay.")
    ] = False,
) -> None:
    """Read the numbers on photographs, line by line; a ? stands for an unsure digit.

    Columns: file, line and number (both from 1), x, y, width, height, digit (the
    best guess, unsure or not), confidence, runner_up, runner_up_confidence, unsure.
    """
    from inkfast.commands import reading

    code = reading.read(photos, model, max_error, form, to, overlay, review, overwrite=overwrite)
    raise typer.Exit(code)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address; one that others reach needs a token in INKFAST_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8000,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="An .onnx file of your own, beside what is shipped; repeatable."),
    ] = None,
) -> None:
    """Serve the readers over HTTP, and the Noise Lab page."""
    from inkfast.commands.serving import serve as start

    start(host, port, model or [])
