"""`inkfast read`: photographs of handwritten numbers in, one row per number out."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli import options
from inkfast.cli._models import open_page_model
from inkfast.cli._page_formats import PAGE_FORMATS, ROW_COLUMNS, page_file, page_texts
from inkfast.cli._page_job import PageJob, iter_overlays
from inkfast.cli._prediction_job import warn
from inkfast.cli._table_formats import TABLE_FORMATS, table_file, table_texts
from inkfast.core.errors import InkfastError, check_choice
from inkfast.core.io import check_folder, check_free, write_bytes
from inkfast.imaging.opening import FORMAT_NAMES
from inkfast.imaging.page_selection import PageSelection
from inkfast.inference import input_files
from inkfast.inference.digit_page import check_reads_pages
from inkfast.inference.input_files import LeftOut
from inkfast.inference.output_formats import choose_format
from inkfast.inference.page import DEFAULT_PAGE_MODEL
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Reader

Photos = Annotated[
    list[Path],
    typer.Argument(
        help="Photographs or scans of handwritten numbers, PDF files, folders, or quoted patterns.",
        metavar="PHOTO...",
    ),
]
PerLine = Annotated[
    int | None, typer.Option(help="Count of numbers in every line.", show_default="any")
]
Each = Annotated[
    str, typer.Option(help="What has a row: number, or character, each with its own box.")
]
KeepTable = Annotated[
    bool,
    typer.Option(
        "--table", help="Keep rows and columns of ruled tables, as CSV or XLSX; empty cells too."
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Output format: text, csv, jsonl, parquet or xlsx.",
        show_default="by the suffix of --to; else text, with --table csv",
    ),
]
Overlay = Annotated[
    Path | None,
    typer.Option(help="Folder for the photographs with a box and the text at each number."),
]
Review = Annotated[
    Path | None,
    typer.Option(help="Folder for the unsure numbers, each above what the network saw."),
]


def read(
    photos: Photos,
    model: options.ReaderModel = DEFAULT_PAGE_MODEL,
    max_error: options.MaxError = None,
    onnx_format: options.OnnxFormatText = "",
    per_line: PerLine = None,
    expect: options.Expect = None,
    digits: options.DigitCount = None,
    digits_only: options.DigitsOnly = False,
    each: Each = "number",
    table: KeepTable = False,
    pages: options.Pages = None,
    form: Format = None,
    to: options.OutputFile = None,
    overlay: Overlay = None,
    review: Review = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files of --to and --overlay.")
    ] = False,
) -> None:
    """Read the numbers on photographs, line by line; a ? stands for an unsure character.

    Columns: file, page, line, number (these three from 1), text (the most probable
    one, even if unsure), confidence, runner_up_text, runner_up_confidence, unsure (the
    reason), left, top, width, height, slope, turned, error.
    A page without a number, or that cannot be read, has a row as well.
    """
    form = choose_format(form, to, *((TABLE_FORMATS, "csv") if table else (PAGE_FORMATS, "text")))
    check_choice("each", each, ROW_COLUMNS)
    if table and each != "number":
        raise InkfastError("--table writes cells, and --each character rows. Give one of them.")
    known = ReadOptions(per_line, expect, digits, digits_only)
    photos = [photo for given in photos for photo in _expand(given)]
    check_folder(overlay)
    check_folder(review)
    if to is not None:
        _check_not_input(photos, [to])
        check_free(to, overwrite=overwrite)
    selection = PageSelection.parse(pages)
    named = _unique_names(photos)
    if overlay:
        drawn = list(iter_overlays(overlay, named, selection))
        _check_not_input(photos, drawn)
        for path in drawn:
            check_free(path, overwrite=overwrite)
    reader = open_page_model(model, max_error, threads=0, onnx_format=onnx_format)
    if isinstance(reader, Reader):
        check_reads_pages(reader)
        if reader.notice:
            warn(reader.notice)
    job = PageJob(named, reader, known, table, selection, overlay, review)
    if to is None:
        found = job.pages()
        for text in table_texts(found) if table else page_texts(found, form, each):
            sys.stdout.write(text)
            sys.stdout.flush()
    elif (held := list(job.pages())) and job.exit_code() < 2:
        write_bytes(to, table_file(held, form) if table else page_file(held, form, each))
    if job.drift.warning:
        warn(job.drift.warning)
    warn(job.summary() + (f": {to}" if to and job.exit_code() < 2 else ""))
    raise typer.Exit(job.exit_code())


def _expand(given: Path) -> list[Path]:
    """Return the images in a folder or that a pattern matches; any other path as it is."""
    path = given.expanduser()
    found = [path] if path.exists() else list(map(Path, input_files.match_pattern(str(path))))
    photos: list[Path] = []
    for one in found or [path]:
        if one.is_dir():
            photos += _folder_files(one)
        else:
            photos.append(one)
    if not photos:
        raise InkfastError(
            f"{given}: expected photographs in this folder, found none: {FORMAT_NAMES} or PDF "
            "files."
        )
    return photos


def _folder_files(folder: Path) -> list[Path]:
    """Return the images and documents of a folder; what is left out is said on stderr."""
    left_out = LeftOut()
    failed: list[Path] = []
    found = input_files.iter_folder(
        str(folder), left_out, lambda path, _: failed.append(Path(path))
    )
    try:
        files = [Path(file) for file in found] + failed
    except OSError:
        return [folder]  # reported when it is read
    if sentence := left_out.sentence(str(folder)):
        warn(sentence)
    return files


def _unique_names(photos: list[Path]) -> dict[str, Path]:
    """Return each photograph by a unique name for the files made from it.

    Photographs with the same file name get their folder's name in front, and a number if needed.
    """
    alike = Counter(photo.stem for photo in photos)
    named: dict[str, Path] = {}
    for place, photo in enumerate(photos, start=1):
        name = photo.stem
        if alike[name] > 1 and photo.parent.name:
            name = f"{photo.parent.name}-{name}"
        while name in named:
            name += f"-{place}"
        named[name] = photo
    return named


def _check_not_input(photos: list[Path], written: list[Path]) -> None:
    """Raise if an output file would replace a photograph, or another output file."""
    given = {photo.resolve() for photo in photos}
    for path, count in Counter(written).items():
        if count > 1:
            raise InkfastError(
                f"{path} would be the overlay of two pages. Rename one of the files, or read them "
                "one by one."
            )
        if path.resolve() in given:
            raise InkfastError(
                f"{path} is one of the photographs, which would be replaced. Choose another file "
                "or folder for what is written."
            )
