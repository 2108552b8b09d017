"""Read images of one digit each: decode, bring to 28x28, check the quality, predict."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.boxes import bounding_box, is_cut_off
from inkfast.imaging.centering import center_digit
from inkfast.imaging.normalization import DIGIT_PIXELS, isolate_digit, preprocess, whole_image
from inkfast.imaging.opening import GreyImage, encode_png, open_image
from inkfast.inference.drawing import draw_input_review
from inkfast.inference.inputs import Content
from inkfast.inference.quality import QualityCheck, check_quality
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.results import NO_INK, InputResult


class LoadedInput(NamedTuple):
    """An input image as it is sent to another process.

    Attributes:
        source: Name of the image, see `inkfast.inference.inputs.InputItem`.
        content: Its content, or the error of reading it.
        page: Page of the file, from 1.
    """

    source: str
    content: Content | InkfastError
    page: int = 1


_REVIEW_PIXELS = 280  # longer side of an image that is decoded for a review


def preprocess_checked(grey: GreyImage) -> tuple[Images, QualityCheck]:
    """Return the digit of an image as networks see it, and the check of its quality.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1]; a 28x28 image is taken as it is and not checked.

    Returns:
        uint8 ``(28, 28)``, bright ink on black, and the check.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    views, check = digit_views(grey)
    return views[0], check


def digit_views(grey: GreyImage) -> tuple[Images, QualityCheck]:
    """Return the digit of an image as networks may see it, and the check of its quality.

    What is around the digit may mislead, and what is removed may belong to it: a network that is
    unsure of the one view may be sure of the other, see `Reader.choose_view`.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1].

    Returns:
        uint8 ``(views, 28, 28)``, bright ink on black: normalised, then with all that is around
        it; the other way round for an image of 28x28. And the check.

    Raises:
        NoInkError: If nothing stands out from the paper.
    """
    if grey.shape == (SIDE, SIDE):
        if grey.min() == grey.max():
            raise NoInkError
        views = [preprocess(grey)]
        with suppress(NoInkError):
            views.append(center_digit(isolate_digit(grey)))
        return np.stack(views), QualityCheck()
    ink = isolate_digit(grey)
    top, left, bottom, right = box = bounding_box(ink > 0)
    check = check_quality(bottom - top, right - left, cut_off=is_cut_off(box, ink.shape))
    return np.stack([center_digit(ink), whole_image(grey)]), check


def load_digit(source: str, content: bytes) -> tuple[Images, QualityCheck]:
    """Decode an image file; see `preprocess_checked`. Without ink the digit is all black.

    Args:
        source: Name of the image in messages.
        content: Content of the file.

    Raises:
        InkfastError: If it is no image, damaged or too large.
    """
    views, check = load_views(source, content)
    return views[0], check


def load_views(source: str, content: bytes) -> tuple[Images, QualityCheck]:
    """Decode an image file; see `digit_views`. Without ink there is one view, all black.

    Args:
        source: Name of the image in messages.
        content: Content of the file.

    Raises:
        InkfastError: If it is no image, damaged or too large.
    """
    try:
        return digit_views(open_image(content, DIGIT_PIXELS, source).grey)
    except NoInkError:
        return np.zeros((1, SIDE, SIDE), np.uint8), QualityCheck()


def predict_chunk(
    reader: Reader, chunk: Sequence[LoadedInput], *, review: bool = False
) -> list[InputResult]:
    """Read several images in one call of the reader.

    Args:
        reader: Reader of single digits.
        chunk: Images, or the errors of reading them.
        review: Whether to draw what was given beside what the network saw, if unsure.

    Returns:
        A result for each image; one that cannot be read has an error.
    """
    loaded = [_load_content(given.source, given.content) for given in chunk]
    found = iter(predict_views(reader, [one[0] for one in loaded if not isinstance(one, str)]))
    results = []
    for (source, content, page), one in zip(chunk, loaded, strict=True):
        if isinstance(one, str):
            results.append(InputResult(source, error=one, page=page))
            continue
        image, prediction = next(found)
        prediction = one[1].apply(prediction)
        if not image.any():
            prediction = replace(prediction, unsure=NO_INK)
        drawn = b""
        if review and prediction.unsure and not isinstance(content, InkfastError):
            drawn = _draw_content(content, image)
        results.append(InputResult(source, prediction, review=drawn, page=page))
    return results


def predict_views(reader: Reader, views: Sequence[Images]) -> list[tuple[Images, Prediction]]:
    """Return the chosen view of each image and its prediction.

    Further views are read only where the first one is not enough.

    Args:
        reader: Reader of single digits.
        views: uint8 ``(views, 28, 28)`` of each image, see `digit_views`.
    """
    if not views:
        return []
    classifier = reader.classifier
    probabilities = [*classifier.probabilities(np.stack([one[0] for one in views]))[:, None]]
    doubtful = [
        row
        for row, one in enumerate(views)
        if len(one) > 1 and probabilities[row].max() < reader.threshold
    ]
    if doubtful:
        more = classifier.probabilities(np.concatenate([views[row][1:] for row in doubtful]))
        ends = np.cumsum([len(views[row]) - 1 for row in doubtful])[:-1]
        for row, rest in zip(doubtful, np.split(more, ends), strict=True):
            probabilities[row] = np.concatenate([probabilities[row], rest])
    chosen = [reader.choose_view(rows) for rows in probabilities]
    rows = np.stack([rows[at] for rows, at in zip(probabilities, chosen, strict=True)])
    images = [one[at] for one, at in zip(views, chosen, strict=True)]
    return [*zip(images, reader.to_predictions(rows), strict=True)]


def _load_content(
    source: str, content: Content | InkfastError
) -> tuple[Images, QualityCheck] | str:
    """Return the views of a digit and the check of its quality, or what is wrong with it."""
    if isinstance(content, InkfastError):
        return str(content)
    if not isinstance(content, bytes):
        return content[None], QualityCheck()
    try:
        return load_views(source, content)
    except InkfastError as error:
        return str(error)
    except Exception as error:  # one strange file must not end the work on a million
        return f"{source}: cannot be read ({' '.join(repr(error).split())[:200]})."


def _draw_content(content: Content, image: Images) -> bytes:
    """Return the PNG of a review."""
    given = Image.fromarray(image)
    if isinstance(content, bytes):
        given = open_image(content, _REVIEW_PIXELS).rgb
    return encode_png(draw_input_review(given, image))
