"""What `read` does once its words have been read: photographs in, numbers out."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkfast.core.errors import InkfastError
from inkfast.core.io import check_folder, check_free, write_bytes
from inkfast.inference import inputs
from inkfast.inference.output_formats import choose_format
from inkfast.inference.results import one_line

if TYPE_CHECKING:
    from PIL import Image

    from inkfast.inference.page import Page
    from inkfast.inference.reader import Reader

FORMATS = ("table", "jsonl", "csv", "parquet")
_COLUMNS = (
    "file", "line", "number", "x", "y", "width", "height", "digit", "confidence", "runner_up",
    "runner_up_confidence", "unsure",
)  # fmt: skip


def read(
    photos: list[Path],
    model: str,
    max_error: float | None,
    form: str | None,
    to: Path | None,
    overlays: Path | None,
    reviews: Path | None,
    *,
    overwrite: bool,
) -> int:
    """Read photographs one after the other and write what stands on them.

    Returns:
        The exit code: 0, 1 if a file could not be read, 2 if none could and nothing was written.
    """
    from inkfast.inference.reader import Reader

    form = choose_format(form, to, FORMATS, "table")
    photos = [photo for given in photos for photo in _matching(given)]
    check_folder(overlays)
    check_folder(reviews)
    if to is not None:
        check_free(to, overwrite=overwrite)
    named = _named(photos)
    if overlays:
        drawn = [_overlay(overlays, name) for name in named]
        _check_spared(photos, drawn)
        for path in drawn:
            check_free(path, overwrite=overwrite)
    reader = Reader.open(model, max_error)
    failures: list[str] = []
    pages = _pages(named, reader, overlays, reviews, failures)
    if to is None:
        for text in _texts(pages, form, several=len(photos) > 1):
            sys.stdout.write(text)
            sys.stdout.flush()
    else:
        found = list(pages)
        if len(failures) < len(photos):
            texts = _texts(found, form, several=len(photos) > 1)
            write_bytes(to, _parquet(found) if form == "parquet" else "".join(texts).encode())
            answers = [digit.prediction for _, page in found for digit in page.digits]
            unsure = sum(bool(answer.unsure) for answer in answers)
            sys.stdout.write(f"{len(answers):,} digits, {unsure:,} unsure: {to}\n")
    for failure in failures:
        sys.stderr.write(f"inkfast: {one_line(failure)}\n")
    return 0 if not failures else 1 if len(failures) < len(photos) else 2


def _pages(
    photos: dict[str, Path],
    reader: Reader,
    overlays: Path | None,
    reviews: Path | None,
    failures: list[str],
) -> Iterator[tuple[Path, Page]]:
    """Yield what stands on each photograph, given by the name that pictures made of it have.

    What could not be read is added to `failures`.
    """
    from inkfast.inference.page import open_page, read_page

    for name, photo in photos.items():
        try:
            picture = open_page(photo)
            page = read_page(picture, reader)
        except InkfastError as error:
            failures.append(str(error))
            continue
        if overlays or reviews:
            _draw(picture.colours, page, name, overlays, reviews)
        if page.too_small:
            sys.stderr.write(f"inkfast: {one_line(str(photo))}: {page.too_small}\n")
        yield photo, page


def _matching(given: Path) -> list[Path]:
    """Return the pictures that a folder holds or a pattern names; else what was given."""
    path = given.expanduser()
    found = [path] if path.exists() else list(map(Path, inputs.matches(str(path))))
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


def _named(photos: list[Path]) -> dict[str, Path]:
    """Return each photograph by a name for the pictures made of it.

    Alike ones bear their folder too, and a number where that does not tell them apart.
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


def _overlay(folder: Path, name: str) -> Path:
    return folder / f"{name}-read.png"


def _check_spared(photos: list[Path], written: list[Path]) -> None:
    """Raise if what is written would take the place of a photograph."""
    given = {photo.resolve() for photo in photos}
    for path in written:
        if path.resolve() in given:
            raise InkfastError(
                f"{path} is one of the photographs: --overlay would replace it. Choose another "
                "folder."
            )


def _texts(pages: Iterable[tuple[Path, Page]], form: str, *, several: bool) -> Iterator[str]:
    """Yield what is written of each page, after the header if there is one."""
    if form == "csv":
        yield _csv_line(_COLUMNS)
    for photo, page in pages:
        yield _written(photo, page, form, several=several)


def _parquet(pages: Iterable[tuple[Path, Page]]) -> bytes:
    """Return a Parquet file with a row a digit."""
    import pyarrow as pa
    from pyarrow import parquet

    text, whole, share = pa.string(), pa.int64(), pa.float64()
    kinds = (text, *[whole] * 7, share, whole, share, text)
    rows = [row for photo, page in pages for row in _rows(photo, page)]
    file = io.BytesIO()
    schema = pa.schema(list(zip(_COLUMNS, kinds, strict=True)))
    parquet.write_table(pa.Table.from_pylist(rows, schema), file)
    return file.getvalue()


def _written(photo: Path, page: Page, form: str, *, several: bool) -> str:
    if form == "jsonl":
        return json.dumps(as_json(photo, page), ensure_ascii=False) + "\n"
    if form == "csv":
        return "".join(_csv_line([row[c] for c in _COLUMNS]) for row in _rows(photo, page))
    lines = ["  ".join(numbers) for numbers in page.lines] or ["no ink"]
    return "\n".join([*([f"{one_line(str(photo))}:"] if several else []), *lines]) + "\n"


def as_json(photo: Path, page: Page) -> dict[str, Any]:
    """Return what stands on a photograph, boxes in pixels of the upright picture."""
    digits = [{key: row[key] for key in _COLUMNS[1:]} for row in _rows(photo, page)]
    return {
        "file": one_line(str(photo)), "width": page.size[0], "height": page.size[1],
        "lines": page.lines, "digits": digits,
    }  # fmt: skip


def _rows(photo: Path, page: Page) -> Iterator[dict[str, Any]]:
    """Yield each digit by column, lines and numbers counted from 1."""
    for digit in page.digits:
        x, y, width, height = digit.box
        answer = digit.prediction
        yield {
            "file": one_line(str(photo)), "line": digit.line + 1, "number": digit.number + 1,
            "x": x, "y": y, "width": width, "height": height, "digit": answer.digit,
            "confidence": round(answer.confidence, 6), "runner_up": answer.runner_up,
            "runner_up_confidence": round(answer.runner_up_confidence, 6), "unsure": answer.unsure,
        }  # fmt: skip


def _csv_line(cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _draw(
    image: Image.Image, page: Page, name: str, overlays: Path | None, reviews: Path | None
) -> None:
    """Write the photograph with its answers, and the unsure digits each as a picture."""
    from inkfast.imaging.opening import png
    from inkfast.inference.overlay import draw_overlay, draw_review

    if overlays:
        write_bytes(_overlay(overlays, name), png(draw_overlay(image, page)))
    for place, digit in enumerate(page.digits, start=1):
        if reviews and digit.prediction.unsure:
            path = reviews / f"{name}-{place:03}-maybe-{digit.prediction.digit}.png"
            write_bytes(path, png(draw_review(image, page, digit)))
