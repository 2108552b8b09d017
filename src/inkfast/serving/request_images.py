"""From the bytes of a picture to the 28x28 pixels that networks see."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import numpy as np
from PIL import Image

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import IMAGE_FORMATS, MAX_PIXELS, LoadedImage, open_image
from inkfast.inference.quality import QualityCheck
from inkfast.inference.single_digit import preprocess_checked
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.occlusion_map import occluded_images
from inkfast.serving.page_noise import corrupted


def pixels_of(content: bytes) -> int:
    """Return how many pixels a picture has; nothing is decoded.

    Raises:
        Refused: If it is none of the six formats, or has more than `MAX_PIXELS`.
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
            415, "Expected a PNG, JPEG, WebP, BMP, GIF or TIFF picture, got something else."
        ) from None
    if pixels > MAX_PIXELS:
        most = MAX_PIXELS // 10**6
        raise Refused(413, f"Expected at most {most} million pixels. Make the picture smaller.")
    return pixels


def is_large(content: bytes, limits: Limits) -> bool:
    """Return whether a picture takes longer than others should wait for.

    Raises:
        Refused: See `pixels_of`; of many bytes not even the head is looked at here.
    """
    return len(content) > limits.large_bytes or pixels_of(content) > limits.large


def digit_of(content: bytes) -> Images:
    """Return the digit that a picture shows, see `inkfast.imaging.normalization.preprocess`.

    Raises:
        Refused: See `pixels_of`.
        InkfastError: If it is damaged.
        NoInkError: If there is nothing on it.
    """
    return _seen(content)[0]


def _seen(content: bytes) -> tuple[Images, QualityCheck]:
    """Return `digit_of`, and what is to be doubted about it."""
    return preprocess_checked(opened(content, DIGIT_PIXELS).grey)


def load_request_image(content: bytes) -> tuple[Images, QualityCheck]:
    """Return `digit_of` as a batch of one, ``(1, 28, 28)``, and what is to be doubted about it."""
    image, doubt = _seen(content)
    return image[None], doubt


def images_under(
    content: bytes, strengths: Mapping[str, float], seed: int, *, places: bool
) -> tuple[Images, QualityCheck]:
    """Return what the Noise Lab asks about: the clean digit, then the noisy one.

    Args:
        content: Of a picture.
        strengths: Of the noises, see `inkfast.serving.page_noise.corrupted`.
        seed: Of grain and specks.
        places: Whether copies of the noisy one with covered places follow.

    Raises:
        Refused, InkfastError, NoInkError: See `digit_of`.
    """
    clean, doubt = _seen(content)
    noisy = corrupted(clean, strengths, seed)
    return np.stack([clean, *(occluded_images(noisy) if places else [noisy])]), doubt


def opened(content: bytes, longest: int) -> LoadedImage:
    """Decode a picture, its longer side no longer than this.

    Raises:
        Refused: See `pixels_of`.
        InkfastError: If it is damaged.
    """
    try:
        return open_image(content, longest=longest)
    except InkfastError:
        pixels_of(content)  # what is no picture, or too large a one, has its own status
        raise
