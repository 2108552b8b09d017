"""`inkfast read`: photographs of handwritten numbers in, numbers out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from inkfast.cli import options
from inkfast.cli._page_formats import PAGE_FORMATS, page_parquet, page_texts
from inkfast.core.errors import InkfastError
from inkfast.core.io import check_folder, check_free, write_bytes
from inkfast.imaging.opening import encode_png
from inkfast.inference import inputs
from inkfast.inference.drawing import draw_overlay, draw_review
from inkfast.inference.output_formats import choose_format
from inkfast.inference.page import Page, open_page, read_page
from inkfast.inference.reader import Reader
from inkfast.inference.results import one_line


def read(
    photos: Annotated[
        list[Path],
        typer.Argument(
            help="Photographs of handwritten numbers, folders, or quoted patterns.",
            metavar="PHOTO...",
        ),
    ],
    model: Annotated[str, typer.Option(help="Shipped network or .onnx file.")] = "reader",
    max_error: options.MaxError = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Output format: table, jsonl, csv or parquet.",
            show_default="by the suffix of --to; else table",
        ),
    ] = None,
    to: options.OutputFile = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Folder for the photographs with boxes and predictions drawn."),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(help="Folder for the unsure digits, each beside what the network saw."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files of --to and --overlay.")
    ] = False,
) -> None:
    """Read the numbers on photographs, line by line; a ? stands for an unsure digit.

    Columns: file, line and number (both from 1), x, y, width, height, digit (the
    most probable one), confidence, runner_up, runner_up_confidence, unsure (the reason).
    """
    form = choose_format(form, to, PAGE_FORMATS, "table")
    photos = [photo for given in photos for photo in _expand(given)]
    check_folder(overlay)
    check_folder(review)
    if to is not None:
        check_free(to, overwrite=overwrite)
    named = _unique_names(photos)
    if overlay:
        drawn = [_overlay_path(overlay, name) for name in named]
        _check_not_input(photos, drawn)
        for path in drawn:
            check_free(path, overwrite=overwrite)
    reader = Reader.open(model, max_error)
    failures: list[str] = []
    pages = _read_pages(named, reader, overlay, review, failures)
    if to is None:
        for text in page_texts(pages, form, several=len(photos) > 1):
            sys.stdout.write(text)
            sys.stdout.flush()
    elif found := list(pages):
        _write_file(found, to, form, several=len(photos) > 1)
    for failure in failures:
        sys.stderr.write(f"inkfast: {one_line(failure)}\n")
    raise typer.Exit(0 if not failures else 1 if len(failures) < len(photos) else 2)


def _write_file(found: list[tuple[Path, Page]], to: Path, form: str, *, several: bool) -> None:
    """Write the pages to one file, and say how many digits it has."""
    texts = page_texts(found, form, several=several)
    write_bytes(to, page_parquet(found) if form == "parquet" else "".join(texts).encode())
    predictions = [digit.prediction for _, page in found for digit in page.digits]
    unsure = sum(bool(prediction.unsure) for prediction in predictions)
    sys.stdout.write(f"{len(predictions):,} digits, {unsure:,} unsure: {to}\n")


def _read_pages(
    photos: dict[str, Path],
    reader: Reader,
    overlays: Path | None,
    reviews: Path | None,
    failures: list[str],
) -> Iterator[tuple[Path, Page]]:
    """Yield each photograph with the page read from it, and write its overlay and reviews.

    Args:
        photos: Photographs by the name that their overlays and reviews have.
        reader: Classifier of the digits.
        overlays: Folder of overlays, or None.
        reviews: Folder of unsure digits, or None.
        failures: List to which the error of each unreadable photograph is added.
    """
    for name, photo in photos.items():
        try:
            photograph = open_page(photo)
            page = read_page(photograph, reader)
        except InkfastError as error:
            failures.append(str(error))
            continue
        if overlays or reviews:
            _write_images(photograph.rgb, page, name, overlays, reviews)
        if page.too_small:
            sys.stderr.write(f"inkfast: {one_line(str(photo))}: {page.too_small}\n")
        yield photo, page


def _expand(given: Path) -> list[Path]:
    """Return the images in a folder or that a pattern matches; any other path as it is."""
    path = given.expanduser()
    found = [path] if path.exists() else list(map(Path, inputs.match_pattern(str(path))))
    photos: list[Path] = []
    for one in found or [path]:
        if one.is_dir():
            photos += [Path(held.source) for held in inputs.iter_inputs([str(one)])]
        else:
            photos.append(one)
    if not photos:
        raise InkfastError(
            f"{given}: expected photographs in this folder, found none: PNG, JPEG, WebP, BMP, GIF "
            "or TIFF files."
        )
    return photos


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


def _overlay_path(folder: Path, name: str) -> Path:
    return folder / f"{name}-read.png"


def _check_not_input(photos: list[Path], written: list[Path]) -> None:
    """Raise if an output file would replace a photograph."""
    given = {photo.resolve() for photo in photos}
    for path in written:
        if path.resolve() in given:
            raise InkfastError(
                f"{path} is one of the photographs, which --overlay would replace. Choose another "
                "folder."
            )


def _write_images(
    image: Image.Image, page: Page, name: str, overlays: Path | None, reviews: Path | None
) -> None:
    """Write the overlay of a photograph, and one image for each of its unsure digits."""
    if overlays:
        write_bytes(_overlay_path(overlays, name), encode_png(draw_overlay(image, page)))
    for place, digit in enumerate(page.digits, start=1):
        if reviews and digit.prediction.unsure:
            path = reviews / f"{name}-{place:03}-maybe-{digit.prediction.digit}.png"
            write_bytes(path, encode_png(draw_review(image, page, digit)))
