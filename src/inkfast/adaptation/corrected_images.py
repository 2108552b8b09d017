"""The images of corrections, as a network sees them: views of digits, strips of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inkfast.adaptation.corrected_digits import NO_DIGIT
from inkfast.core.digits import Images, Labels
from inkfast.core.errors import InkfastError
from inkfast.inference.answer_images import AnswerImages
from inkfast.inference.corrections import Correction
from inkfast.inference.inputs import Content, InputItem, iter_inputs
from inkfast.inference.number_strips import GreyStrip
from inkfast.inference.single_digit import load_views


def load_digit_views(
    corrections: Sequence[Correction], folder: Path
) -> tuple[list[Images], Labels]:
    """Return the views and the label of each corrected image of one digit that has ink.

    Args:
        corrections: Corrections of digits.
        folder: Folder of the answers, from which paths are tried that do not lead anywhere.

    Returns:
        Views as `inkfast.inference.single_digit.digit_views` returns them, and int64 ``(n,)``.

    Raises:
        InkfastError: If an image cannot be opened any more.
    """
    found, labels = [], []
    inputs = _inputs_of(corrections, folder)
    for one in corrections:
        views = _views(inputs.get((one.file, one.page)), one)
        if views.any():
            found.append(views)
            labels.append(int(one.text) if one.text else NO_DIGIT)
    return found, np.array(labels, np.int64)


def load_strips(corrections: Sequence[Correction], folder: Path) -> list[GreyStrip]:
    """Return the strip of each corrected number, uint8 ``(height, width)``.

    Args:
        corrections: Corrections of numbers.
        folder: See `load_digit_views`.

    Raises:
        InkfastError: If an image cannot be opened any more, or a row has no box.
    """
    images = AnswerImages(folder)
    found = []
    for one in corrections:
        if one.box is None:
            raise InkfastError(
                f"{one.file}: expected the columns left, top, width and height of each number, as "
                "`inkfast read` writes them, got none."
            )
        try:
            found.append(np.asarray(images.of(one.values).seen))
        except InkfastError as error:
            raise _gone(one, str(error)) from None
    return found


def _inputs_of(corrections: Sequence[Correction], folder: Path) -> dict[tuple[str, int], InputItem]:
    """Return the input of each image, by the path in its correction and its page."""
    wanted = {(one.file, one.page) for one in corrections}
    found = {}
    for path in dict.fromkeys(map(_container, (one.file for one in corrections))):
        there = path if os.path.exists(path) else str(folder / path)
        for item in iter_inputs([there]):
            key = path + item.source.removeprefix(there), item.page
            if key in wanted:
                found[key] = item
    return found


def _container(file: str) -> str:
    """Return the file that holds an image: a table, an archive, or the image itself."""
    if os.path.exists(file):
        return file
    table, _, row = file.rpartition("#")
    archive, found, _ = file.partition(".zip/")
    return table if row.isdigit() and table else archive + ".zip" if found else file


def _views(item: InputItem | None, correction: Correction) -> Images:
    """Return the views that `predict` has of an image."""
    if item is None:
        raise _gone(correction, "there is no such image")
    try:
        content: Content = item.load()
        return load_views(item.source, content)[0] if isinstance(content, bytes) else content[None]
    except InkfastError as error:
        raise _gone(correction, str(error)) from None


def _gone(correction: Correction, reason: str) -> InkfastError:
    return InkfastError(
        f"row {correction.row} of the corrections: expected the image {correction.file} as it was "
        f"read, got: {reason.rstrip('.')}. Put it back, or run this where the answers were written."
    )
