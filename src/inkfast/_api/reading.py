"""Read digits from Python: arrays, PIL images and files, without torch."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from inkfast.core.digits import SIDE
from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import read_file
from inkfast.core.pixels import to_uint8
from inkfast.imaging.documents import open_document
from inkfast.imaging.page_selection import ALL_PAGES, PageSelection
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.inputs import load_page_content
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page import (
    load_page,
    open_page_reader,
    page_model_names,
    read_document_page,
    read_page,
)
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import DEFAULT_MODEL, Prediction, Reader
from inkfast.inference.single_digit import LoadedInput, predict_chunk
from inkfast.inference.tables import read_tables

AnyArray: TypeAlias = NDArray[np.generic]
AnyImage: TypeAlias = str | os.PathLike[str] | Image.Image | AnyArray
_EXPECTED = "a path, a PIL image or a NumPy array"
_DEEP = ("I", "F")  # first letters of Pillow's modes with more than 8 bits per channel
_SMALL = (SIDE, SIDE)


class DigitReader:
    """A network that reads digits, with the confidence from which its predictions count as sure.

    Made by `load_reader`. If what it reads differs from what the network's risk guarantee was made
    on, so that more answers may be wrong, it gives one `UserWarning`.

    Attributes:
        name: Path of the network's file.
        threshold: Confidence below which a prediction is marked as unsure, in [0, 1]; above 1 every
            prediction is.
    """

    def __init__(
        self, digits: Reader | None, pages: Reader | NumberReader, name: str, threshold: float
    ) -> None:
        self._digits, self._pages = digits, pages
        self._page_drift = DriftMonitor(pages)
        self._digit_drift = self._page_drift
        if digits is not None and digits is not pages:
            self._digit_drift = DriftMonitor(digits)
        self.name = name
        self.threshold = threshold

    @property
    def _reader(self) -> Reader:
        if self._digits is None:
            raise InkfastError(
                f"{self.name} reads numbers, not images of one digit each. Use `read`, or load "
                "another network with load_reader."
            )
        return self._digits

    def __repr__(self) -> str:
        return f"DigitReader({self.name!r}, threshold={self.threshold:.4g})"

    def predict(self, images: AnyImage | Sequence[AnyImage]) -> list[Prediction]:
        """Read images that show one digit each.

        Args:
            images: One image or several. A 28x28 array ``(28, 28)``, or ``(n, 28, 28)`` for
                several, goes to the network as it is: uint8 or floats in [0, 1], bright ink on
                dark. A path, a PIL image or an array of any other size is a photograph or scan of
                one digit on paper, which is found, centred and checked first. A path that is not
                in a list may be a PDF or TIFF file of several pages with one digit each.

        Returns:
            One `Prediction` per image or page, in order. `Prediction.unsure` says why a digit
            should not be relied on; it is ``""`` otherwise.

        Raises:
            InkfastError: If an image cannot be read.
        """
        found = self._predict(images)
        _warn_once(self._digit_drift.add_predictions(found))
        return found

    def _predict(self, images: AnyImage | Sequence[AnyImage]) -> list[Prediction]:
        if isinstance(images, np.ndarray) and images.shape[1:] == _SMALL:
            return self._reader.predict(_as_uint8(images))
        if isinstance(images, str | os.PathLike):
            return self._predict_inputs(_load_pages(Path(images)))
        if isinstance(images, Image.Image | np.ndarray):
            images = [images]
        if not isinstance(images, Sequence):
            raise InkfastError(
                f"images must be {_EXPECTED}, or a list of them, got {short_repr(images)}."
            )
        return self._predict_inputs([_load_input(image, row) for row, image in enumerate(images)])

    def _predict_inputs(self, chunk: list[LoadedInput]) -> list[Prediction]:
        return [_checked_prediction(result) for result in predict_chunk(self._reader, chunk)]

    def read(
        self,
        image: AnyImage,
        *,
        page: int | None = None,
        per_line: int | None = None,
        expect: str | None = None,
        digits: int | None = None,
        digits_only: bool = False,
        table: bool = False,
    ) -> Page:
        """Find the numbers on a photograph or scan and read them.

        Args:
            image: Path, PIL image, or array ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)`` of uint8 or
                floats in [0, 1].
            page: Page of a PDF or TIFF file, from 1; needed if the file has several.
            per_line: Count of numbers in every line, from 1; None if it is not known.
            expect: Regular expression that every number matches, see docs/expect.md, or None.
            digits: Count of digits in every number, from 1; None if it is not known.
            digits_only: Whether all characters but digits are left out of the numbers.
            table: Whether to read the cells of ruled tables and nothing else; they are in
                `Page.tables`.

        Returns:
            The `Page`: `Page.numbers` has each number with its text, box and confidence;
            `Page.lines` are the texts line by line, ``?`` for an unsure character; `Page.rows`
            gives the rows that `inkfast read` writes.

        Raises:
            InkfastError: If the image or an option cannot be used, or if there is no table where
                one was asked for.
        """
        content = Path(image) if isinstance(image, str | os.PathLike) else _encode(image)
        document = open_document(content)
        if page is None and document.count > 1:
            raise InkfastError(
                f"{document.name} has {document.count} pages: choose one with page=1, or read them "
                "all with load_reader().read_pages."
            )
        (number,) = PageSelection.parse(str(1 if page is None else page)).choose(
            document.count, document.name
        )
        options = ReadOptions(per_line, expect, digits, digits_only)
        read_opened = read_tables if table else read_page
        found = read_opened(load_page(document, number), self._pages, options)
        _warn_once(self._page_drift.add_page(found, options))
        return replace(found, page=number)

    def read_pages(
        self,
        document: str | os.PathLike[str],
        *,
        pages: str | None = None,
        per_line: int | None = None,
        expect: str | None = None,
        digits: int | None = None,
        digits_only: bool = False,
        table: bool = False,
    ) -> Iterator[Page]:
        """Read the pages of a PDF or TIFF file, or of any image, one by one.

        Args:
            document: Path of the file.
            pages: Pages that are read, from 1, such as ``1-3,7`` or ``10-``; None for all.
            per_line: See `read`.
            expect: See `read`.
            digits: See `read`.
            digits_only: See `read`.
            table: See `read`.

        Yields:
            The `Page` of each page in order, see `read`; one that cannot be read has its reason in
            `Page.error` and no numbers.

        Raises:
            InkfastError: If no page of the file can be read, for example because it needs a
                password.
        """
        opened = open_document(Path(document))
        numbers = PageSelection.parse(pages).choose(opened.count, opened.name)
        options = ReadOptions(per_line, expect, digits, digits_only)
        read_opened = partial(
            read_tables if table else read_page, reader=self._pages, options=options
        )

        def read_all() -> Iterator[Page]:
            for number in numbers:
                found = read_document_page(opened, number, read_opened)
                _warn_once(self._page_drift.add_page(found, options))
                yield found

        return read_all()


def load_reader(
    model: str | os.PathLike[str] | None = None,
    *,
    max_error: float | None = None,
    threads: int = 0,
    onnx_format: str = "",
) -> DigitReader:
    """Load networks that read digits; torch is not needed for shipped networks and ONNX files.

    Args:
        model: Name of a network that inkfast ships, path of an ONNX file, such as one written by
            ``inkfast export``, or path of a run folder, whose best model is used; a run needs
            torch, and its confidences are not calibrated. None loads the two networks that the
            commands use: one for `DigitReader.predict`, one of numbers for `DigitReader.read`.
        max_error: Largest share of errors among the predictions that are not marked as unsure, in
            (0, 1). It must be one that the file's risk guarantee covers. None takes the threshold
            that the file was exported with.
        threads: Threads of the network; 0 uses all cores.
        onnx_format: How an ONNX file of another tool takes pixels and what it returns, such as
            ``mean=0.1307, std=0.3081, output=logits``, see docs/robustness.md.

    Raises:
        InkfastError: If there is no such network, it guarantees nothing as strict as `max_error`,
            or it is not of the format.
    """
    if model is None and onnx_format:
        raise InkfastError("onnx_format is for an ONNX file: give its path as the model.")
    if model is None:
        digits = Reader.open(DEFAULT_MODEL, max_error, threads)
        pages = open_page_reader(threads=threads)
        return DigitReader(digits, pages, digits.classifier.name, digits.threshold)
    if not isinstance(model, str | os.PathLike):
        raise InkfastError(
            f"model must be the name of a network, the path of an ONNX file or a run folder, got "
            f"{short_repr(model)}."
        )
    one = _open(os.fspath(model), max_error, threads, onnx_format)
    if isinstance(one, NumberReader):
        return DigitReader(None, one, one.network.name, one.threshold)
    return DigitReader(one, one, one.classifier.name, one.threshold)


def _warn_once(sentence: str) -> None:
    """Warn whoever called a method of `DigitReader`; an empty sentence is no warning."""
    if sentence:
        warnings.warn(sentence, UserWarning, stacklevel=3)


def _open(
    name: str, max_error: float | None, threads: int, onnx_format: str
) -> Reader | NumberReader:
    if name in page_model_names() or not Path(name).is_dir():
        return open_page_reader(name, max_error, threads, onnx_format)
    if onnx_format:
        raise InkfastError(f"{name} is a run folder: onnx_format is for ONNX files.")
    # imports torch, which ONNX files do without
    from inkfast.experiments.number_run import open_page_run

    return open_page_run(Path(name), max_error)


@cache
def _default_reader() -> DigitReader:
    return load_reader()


def predict(images: AnyImage | Sequence[AnyImage]) -> list[Prediction]:
    """Read images of one digit each with the default network; see `DigitReader.predict`."""
    return _default_reader().predict(images)


def read(
    image: AnyImage,
    *,
    page: int | None = None,
    per_line: int | None = None,
    expect: str | None = None,
    digits: int | None = None,
    digits_only: bool = False,
    table: bool = False,
) -> Page:
    """Read the numbers of a photograph with the default network; see `DigitReader.read`."""
    return _default_reader().read(
        image,
        page=page,
        per_line=per_line,
        expect=expect,
        digits=digits,
        digits_only=digits_only,
        table=table,
    )


def _load_pages(path: Path) -> list[LoadedInput]:
    """Return the pages of a file as `predict_chunk` takes them."""
    document = open_document(path)
    pages = ALL_PAGES.choose(document.count, document.name)
    if document.count == 1 and document.kind != "pdf":
        return [LoadedInput(str(path), read_file(path))]
    return [LoadedInput(str(path), load_page_content(document, page), page) for page in pages]


def _load_input(image: Any, row: int) -> LoadedInput:
    """Return an image as `predict_chunk` takes it."""
    if isinstance(image, str | os.PathLike):
        pages = _load_pages(Path(image))
        if len(pages) > 1:
            raise InkfastError(
                f"{image}: expected one image in a list of images, got a document of {len(pages)} "
                "pages. Pass its path alone."
            )
        return pages[0]
    if isinstance(image, np.ndarray) and image.shape == _SMALL:
        return LoadedInput(f"image {row}", _as_uint8(image))
    return LoadedInput(f"image {row}", _encode(image))


def _checked_prediction(result: Any) -> Prediction:
    if result.prediction is None:
        raise InkfastError(result.error)
    prediction: Prediction = result.prediction
    return prediction


def _encode(image: Any) -> bytes:
    """Return a PIL image or an array as the content of an image file."""
    if isinstance(image, np.ndarray):
        image = _pil_image(image)
    if not isinstance(image, Image.Image):
        raise InkfastError(f"expected an image: {_EXPECTED}, got {short_repr(image)}.")
    upright = ImageOps.exif_transpose(image)
    deep = upright.mode.startswith(_DEEP)
    if not deep and upright.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        upright = upright.convert("RGB")
    file = io.BytesIO()
    upright.save(file, "TIFF" if deep else "PNG")
    return file.getvalue()


def _pil_image(image: AnyArray) -> Image.Image:
    colour = image.ndim == 3 and image.shape[2] in (3, 4)
    if not (image.ndim == 2 or colour) or 0 in image.shape:
        raise InkfastError(
            "an image must be an array of shape (h, w), (h, w, 3) or (h, w, 4), got shape "
            f"{image.shape}."
        )
    return Image.fromarray(_as_uint8(image))


def _as_uint8(image: AnyArray) -> NDArray[np.uint8]:
    """Return pixels as uint8, or raise `InkfastError`."""
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image, np.uint8)
    if image.dtype.kind == "f" and image.size:
        floats = np.asarray(image, np.float64)
        if 0 <= floats.min() <= floats.max() <= 1:
            return to_uint8(floats)
    ends = (
        f" from {image.min()} to {image.max()}" if image.size and image.dtype.kind in "iuf" else ""
    )
    raise InkfastError(
        f"pixels must be uint8, or floats in [0, 1] without NaN, got {image.dtype}{ends}."
    )
