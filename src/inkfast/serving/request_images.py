"""The bytes of an image -> the 28x28 pixels that networks see."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import numpy as np
from PIL import Image

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError, MissingExtraError
from inkfast.imaging.documents import open_document
from inkfast.imaging.file_kind import HEAD_BYTES, file_kind
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import FORMAT_NAMES, IMAGE_FORMATS, MAX_PIXELS, LoadedImage
from inkfast.inference.quality import QualityCheck
from inkfast.inference.single_digit import digit_views, preprocess_checked
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.occlusion_map import occluded_images
from inkfast.serving.page_noise import corrupt_with_sliders

_DOCUMENTS = ("pdf", "heif")  # kinds whose size cannot be told without their packages


def count_pixels(content: bytes) -> int:
    """Return the number of pixels of an image without decoding it.

    Raises:
        Refused: If it has none of `IMAGE_FORMATS`, or more than `MAX_PIXELS` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=IMAGE_FORMATS) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = MAX_PIXELS + 1
    except Exception:  # damaged headers make Pillow fail in every way there is
        raise Refused(
            415, f"Expected a {FORMAT_NAMES} image or a PDF file, got something else."
        ) from None
    if pixels > MAX_PIXELS:
        most = MAX_PIXELS // 10**6
        raise Refused(413, f"Expected at most {most} million pixels. Make the image smaller.")
    return pixels


def is_large(content: bytes, limits: Limits) -> bool:
    """Return whether an image takes so long that small ones must not wait for it.

    Raises:
        Refused: See `count_pixels`; the header of a long file is not read here.
    """
    return (
        len(content) > limits.large_bytes
        or file_kind(content[:HEAD_BYTES]) in _DOCUMENTS
        or count_pixels(content) > limits.large
    )


def digit_image(content: bytes) -> Images:
    """Return the digit of an image, see `inkfast.imaging.normalization.preprocess`.

    Raises:
        Refused: See `count_pixels`.
        InkfastError: If it is damaged.
        NoInkError: If it shows no ink.
    """
    return _preprocess_content(content)[0]


def _preprocess_content(content: bytes) -> tuple[Images, QualityCheck]:
    """Return `digit_image` and its quality check."""
    return preprocess_checked(open_request_image(content, DIGIT_PIXELS).grey)


def load_request_views(content: bytes) -> tuple[Images, QualityCheck]:
    """Return the views of the digit on an image, see `digit_views`, and its quality check.

    Raises:
        Refused, InkfastError, NoInkError: See `digit_image`.
    """
    return digit_views(open_request_image(content, DIGIT_PIXELS).grey)


def lab_images(
    content: bytes, strengths: Mapping[str, float], seed: int, *, occlusion: bool
) -> tuple[Images, QualityCheck]:
    """Return the images of the Noise Lab: the clean digit, the noisy one, occluded copies.

    Args:
        content: Bytes of the image.
        strengths: Strengths of the sliders, see `inkfast.serving.page_noise`.
        seed: Seed of grain and specks.
        occlusion: Whether copies of the noisy digit follow, each with one window covered.

    Raises:
        Refused, InkfastError, NoInkError: See `digit_image`.
    """
    clean, quality = _preprocess_content(content)
    noisy = corrupt_with_sliders(clean, strengths, seed)
    return np.stack([clean, *(occluded_images(noisy) if occlusion else [noisy])]), quality


def open_request_image(content: bytes, longest: int) -> LoadedImage:
    """Decode an image, or a document of one page.

    Args:
        content: Bytes of the image.
        longest: Longest side of the result, in pixels.

    Raises:
        Refused: See `count_pixels`; also if a package for documents is not installed.
        InkfastError: If it is damaged, or has several pages.
    """
    try:
        document = open_document(content)
        if document.count > 1:
            raise InkfastError(f"expected an image or one page, got {document.count:,} pages.")
        return document.load(1, longest)
    except MissingExtraError as error:
        raise Refused(501, str(error)) from None
    except InkfastError:
        if file_kind(content[:HEAD_BYTES]) not in _DOCUMENTS:
            count_pixels(content)  # another format, or too many pixels, has a status of its own
        raise
