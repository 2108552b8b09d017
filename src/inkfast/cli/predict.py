"""`inkfast predict`: images of one digit each in, one row each out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from pathlib import Path
from typing import Annotated, TextIO

import typer

from inkfast.cli import options
from inkfast.cli._models import model_name, open_reader
from inkfast.cli._prediction_job import PredictionJob, warn
from inkfast.cli._status import count_of
from inkfast.core.errors import InkfastError
from inkfast.core.io import check_folder, check_free, check_resume
from inkfast.execution import Executor, parse_executor
from inkfast.imaging.opening import FORMAT_NAMES
from inkfast.imaging.page_selection import PageSelection
from inkfast.inference import batch, inputs, output_files
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.output_formats import OUTPUT_FORMATS, choose_format
from inkfast.inference.reader import Reader
from inkfast.inference.spreadsheet import XlsxFileWriter

_EXPECTED = f"{FORMAT_NAMES} or PDF files, folders or zip archives of them, or tables"
_LONGEST = 1 << 16  # characters of a path
FILE_WRITERS: dict[str, type[output_files.ParquetFileWriter | XlsxFileWriter]] = {
    "parquet": output_files.ParquetFileWriter, "xlsx": XlsxFileWriter,
}  # fmt: skip


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Images, PDF files, folders, quoted patterns, .zip, .csv (Kaggle), .npz, .npy or "
        ".parquet files; - for a file on standard input.",
        metavar="[PATH]...",
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Output format: text, csv, jsonl, parquet, xlsx or kaggle.",
        show_default="by the suffix of --to; else kaggle for a table of pixels, text on a "
        "terminal, jsonl in a pipe",
    ),
]


def predict(
    paths: Paths = None,
    files_from: Annotated[
        str | None, typer.Option(help="File of paths, one per line; - for standard input.")
    ] = None,
    model: options.ReaderModel = "reader",
    max_error: options.MaxError = None,
    onnx_format: options.OnnxFormatText = "",
    pages: options.Pages = None,
    form: Format = None,
    to: options.OutputFile = None,
    review: Annotated[
        Path | None,
        typer.Option(help="Folder for the unsure images, each beside what the network saw."),
    ] = None,
    executor: Annotated[
        str, typer.Option(help="Executor: serial, local:N (processes), ray or ray:HOST:PORT.")
    ] = "serial",
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted job with the same --to.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing --to.")
    ] = False,
) -> None:
    """Classify images of one digit each; what may be wrong is marked unsure.

    Columns: file, page (from 1), digit (the most probable one, even if unsure), confidence,
    runner_up, runner_up_confidence, unsure (the reason), error.
    """
    where = parse_executor(executor, stacked=False)
    wanted = inputs.check_paths(paths or [])
    if not wanted and not files_from:
        raise InkfastError("expected at least one PATH, or --files-from FILE, got none.")
    reader = open_reader(model, max_error, onnx_format=onnx_format)
    _check_output(to, wanted, resume=resume, overwrite=overwrite)
    if resume and to and to.is_file() and not output_files.partial_path(to).exists():
        warn(
            f"{to} is complete already, so there is nothing to resume. It was not compared with "
            "the images given now: --overwrite predicts them again."
        )
        return
    check_folder(review)
    if reader.notice:
        warn(reader.notice)
    rows = _choose_format(form, to, wanted)
    how = inputs.InputOptions(PageSelection.parse(pages), warn)
    output = _open_output(rows, to, reader, how.pages, resume=resume, overwrite=overwrite)
    progress = to is not None and sys.stderr.isatty()
    job = PredictionJob(output, review, DriftMonitor(reader), progress=progress)
    given = inputs.iter_inputs(chain(wanted, _listed_paths(files_from)), how)
    if _predict_all(given, reader, where, job, review=review is not None):
        if job.drift.warning:
            warn(job.drift.warning)
        warn(_summary(job, model_name(reader, model), rows, to))
    raise typer.Exit(1 if job.counts["error"] else 0)


def _summary(job: PredictionJob, who: str, form: str, to: Path | None) -> str:
    """Return how many images were classified, are unsure and failed, as one line."""
    kaggle = " in Kaggle's format (--format csv has confidences)" if form == "kaggle" else ""
    # Kaggle's format does not tell which rows were unsure before an interruption
    rest = "" if kaggle and job.output.resumed else job.rest()
    where = f": {to}{kaggle}" if to else ""
    return f"{count_of(job.output.written, 'image')} classified by {who}{rest}{where}"


def _predict_all(
    given: Iterator[inputs.InputItem],
    reader: Reader,
    where: Executor,
    job: PredictionJob,
    *,
    review: bool,
) -> bool:
    """Predict every input and write its row; what was written before a failure is kept.

    Returns:
        Whether the output is complete; it is not if the reader of a pipe has left.
    """
    output = job.output
    try:
        if output.resumed:
            given = output_files.check_same_sources(given, job.kept())
        results = batch.predict_inputs(given, reader, where, skip=output.resumed, review=review)
        with where.open(), closing(results):
            for row in results:
                job.keep(row)
        if not output.written:
            raise InkfastError(f"expected images, got none: {_EXPECTED}.")
        output.finish()
    except KeyboardInterrupt:
        output.abort()
        if output.part and output.part.exists():
            warn(f"{output.written:,} rows are kept in {output.part}: resume with --resume")
        raise
    except BrokenPipeError:  # the reader of the pipe has left
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept until the end
        return False
    except BaseException:
        output.abort()
        raise
    return True


def _check_output(to: Path | None, paths: Sequence[str], *, resume: bool, overwrite: bool) -> None:
    check_resume(resume=resume, overwrite=overwrite)
    if resume and to is None:
        raise InkfastError("--resume continues a file: it needs --to FILE.")
    if to:
        check_free(to, overwrite=overwrite or resume)
        if to.resolve() in {Path(path).resolve() for path in paths}:
            raise InkfastError(f"{to} is one of the inputs, which would be replaced by --to.")


def _listed_paths(files_from: str | None) -> Iterator[str]:
    """Yield the paths in a file, or on standard input, one per line."""
    if files_from is None:
        return
    try:
        with _open_list(files_from) as file:
            while line := file.readline(_LONGEST):
                if "\0" in line or len(line) == _LONGEST:
                    raise InkfastError(
                        f"{files_from}: expected one path per line, got binary data."
                    )
                if path := line.rstrip("\r\n"):
                    yield path
    except OSError as error:
        raise InkfastError(f"cannot read {files_from}: {error.strerror}.") from None


def _open_list(files_from: str) -> AbstractContextManager[TextIO]:
    if files_from != "-":
        return open(files_from, encoding="utf-8", errors="surrogateescape")
    if sys.stdin is None:
        raise InkfastError("-: expected standard input, which is closed.")
    return nullcontext(sys.stdin)


def _choose_format(asked: str | None, to: Path | None, paths: Sequence[str]) -> str:
    """Return the output format: the one asked for, or the one that suits the output."""
    suffix = Path(paths[0]).suffix.lower() if len(paths) == 1 else ""
    pixels = suffix in (".csv", ".npy", ".npz")
    otherwise = "text" if sys.stdout.isatty() else "kaggle" if pixels else "jsonl"
    form = choose_format(asked, to, (*OUTPUT_FORMATS, *FILE_WRITERS), otherwise)
    submission = asked is None and to and to.suffix.lower() == ".csv" == suffix
    return "kaggle" if submission else form


def _open_output(
    form: str,
    to: Path | None,
    reader: Reader,
    pages: PageSelection,
    *,
    resume: bool,
    overwrite: bool,
) -> output_files.ResultWriter:
    if to is None:
        return output_files.StreamWriter(sys.stdout, OUTPUT_FORMATS[form])
    if form in FILE_WRITERS:
        if resume:
            raise InkfastError(
                f"{to} cannot be resumed in this format: use --format jsonl or csv with --resume."
            )
        return FILE_WRITERS[form](to)
    job = {
        "format": form, "model": reader.classifier.fingerprint, "threshold": reader.threshold,
        "pages": pages.text,
    }  # fmt: skip
    return output_files.TextFileWriter(
        to, OUTPUT_FORMATS[form], job, resume=resume, overwrite=overwrite
    )
