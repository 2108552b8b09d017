"""Read images of one digit each: decode, bring to 28x28, check the quality, predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.boxes import bounding_box, is_cut_off
from inkfast.imaging.centering import center_digit
from inkfast.imaging.normalization import DIGIT_PIXELS, isolate_digit, preprocess
from inkfast.imaging.opening import GreyImage, encode_png, open_image
from inkfast.inference.drawing import draw_input_review
from inkfast.inference.inputs import Content
from inkfast.inference.quality import QualityCheck, check_quality
from inkfast.inference.reader import Reader
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
    if grey.shape == (SIDE, SIDE):
        if grey.min() == grey.max():
            raise NoInkError
        return preprocess(grey), QualityCheck()
    ink = isolate_digit(grey)
    top, left, bottom, right = box = bounding_box(ink > 0)
    check = check_quality(bottom - top, right - left, cut_off=is_cut_off(box, ink.shape))
    return center_digit(ink), check


def load_digit(source: str, content: bytes) -> tuple[Images, QualityCheck]:
    """Decode an image file; see `preprocess_checked`. Without ink the digit is all black.

    Args:
        source: Name of the image in messages.
        content: Content of the file.

    Raises:
        InkfastError: If it is no image, damaged or too large.
    """
    try:
        return preprocess_checked(open_image(content, DIGIT_PIXELS, source).grey)
    except NoInkError:
        return np.zeros((SIDE, SIDE), np.uint8), QualityCheck()


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
    images = [one[0] for one in loaded if not isinstance(one, str)]
    predictions = iter(reader.predict(np.stack(images)) if images else [])
    results = []
    for (source, content, page), one in zip(chunk, loaded, strict=True):
        if isinstance(one, str):
            results.append(InputResult(source, error=one, page=page))
            continue
        image, check = one
        prediction = check.apply(next(predictions))
        if not image.any():
            prediction = replace(prediction, unsure=NO_INK)
        drawn = b""
        if review and prediction.unsure and not isinstance(content, InkfastError):
            drawn = _draw_content(content, image)
        results.append(InputResult(source, prediction, review=drawn, page=page))
    return results


def _load_content(
    source: str, content: Content | InkfastError
) -> tuple[Images, QualityCheck] | str:
    """Return the digit and the check of its quality, or a message that says what is wrong."""
    if isinstance(content, InkfastError):
        return str(content)
    if not isinstance(content, bytes):
        return content, QualityCheck()
    try:
        return load_digit(source, content)
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
