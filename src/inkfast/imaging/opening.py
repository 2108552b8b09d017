"""Open image files: the accepted formats, the largest size, and grey values.

The size is read and checked before a pixel is decoded. JPEG files are decoded at a half, a quarter
or an eighth of their size where that is enough, so that a phone's photograph costs little.
"""

from __future__ import annotations

import ctypes
import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, _imaging

from inkfast.core.errors import InkfastError, MissingExtraError, install_hint
from inkfast.imaging.file_kind import HEAD_BYTES, file_kind

IMAGE_SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif",
    ".heic", ".heif", ".pbm", ".pgm", ".ppm", ".pnm",
})  # fmt: skip
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "PPM")
FORMAT_NAMES = "PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF, PNM or HEIC"  # for messages
MAX_PIXELS = 50_000_000  # a limit on memory; chosen, not measured
_DEEP_MODES = ("I", "F")  # Pillow's modes of more than 8 bits begin with these letters
_ORIENTATION = 0x0112  # the EXIF tag that says how to turn the image upright
_TURN = Image.Transpose
_TURNS_UPRIGHT = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270, 7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip
_KEEP_SIDES = (_TURN.FLIP_LEFT_RIGHT, _TURN.ROTATE_180, _TURN.FLIP_TOP_BOTTOM)

GreyImage: TypeAlias = NDArray[np.floating]  # (h, w), brightness in [0, 1]


@dataclass(frozen=True)
class LoadedImage:
    """A decoded image, upright and possibly scaled down.

    Attributes:
        image: Mode L, RGB, RGBA or one of more than 8 bits.
        size: Width and height of the upright image in the file, in pixels.
    """

    image: Image.Image
    size: tuple[int, int]

    @property
    def grey(self) -> GreyImage:
        """Brightness, float32 ``(h, w)`` in [0, 1]; transparent pixels take the background.

        Raises:
            InkfastError: If a pixel is not a finite number.
        """
        if self.image.mode.startswith(_DEEP_MODES):
            return _scale_to_unit(np.asarray(self.image, np.float32))
        return np.asarray(_flatten_alpha(self.image).convert("L"), np.float32) / 255

    @property
    def rgb(self) -> Image.Image:
        """The image in mode RGB."""
        if self.image.mode.startswith(_DEEP_MODES):
            grey = np.rint(255 * self.grey).astype(np.uint8)
            return Image.fromarray(grey).convert("RGB")
        return _flatten_alpha(self.image).convert("RGB")


def open_image(
    source: Path | bytes,
    longest: int | None = None,
    name: str = "",
    *,
    shortest: int = 0,
    frame: int = 0,
) -> LoadedImage:
    """Open an image file; one image if it holds several.

    The formats are those of `FORMAT_NAMES`; HEIC needs pillow-heif.

    Args:
        source: Path of a file, or a file's content.
        longest: Largest length of the longer side, in pixels; None to keep the size.
        name: Name of the image in messages; the path by default.
        shortest: See `shrink`.
        frame: Position of the image in a file of several, from 0.

    Raises:
        InkfastError: If the format is another, the file is damaged, or the image has more than
            `MAX_PIXELS` pixels.
    """
    with _opened(source, name) as image:
        if frame or image.format == "HEIF":  # which opens at its primary image, not at its first
            image.seek(frame)
        return _decode(image, longest, shortest)


def count_frames(source: Path | bytes, name: str = "") -> int:
    """Return the number of images in an image file.

    Raises:
        InkfastError: See `open_image`.
    """
    with _opened(source, name) as image:
        return int(getattr(image, "n_frames", 1))


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[Image.Image]:
    """Open an image file with Pillow, and word its errors."""
    name = name or (str(source) if isinstance(source, Path) else "the image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; they are refused here
            # given a path, Pillow maps some TIFF files into memory, and turns those the wrong way
            with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
                formats = _formats(file.read(HEAD_BYTES))
                file.seek(0)
                with Image.open(file, formats=formats) as image:
                    yield image
    except Image.DecompressionBombError:
        raise InkfastError(
            f"{name}: expected at most {MAX_PIXELS // 10**6} million pixels. Scale the image down."
        ) from None
    except MemoryError:
        raise
    except InkfastError as error:
        raise type(error)(f"{name}: {error}") from None
    except FileNotFoundError:
        raise InkfastError(f"{name}: there is no such file. Check its path.") from None
    except Exception as error:  # damaged files make Pillow's decoders raise many kinds of errors
        reason = getattr(error, "strerror", None) or "it cannot be decoded"
        raise InkfastError(
            f"{name}: expected an image, but {reason}. Remove or replace it."
        ) from None


def encode_png(image: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _formats(head: bytes) -> tuple[str, ...]:
    """Return Pillow's names of the formats that a file with these first bytes may have."""
    kind = file_kind(head)
    if kind == "tiff":
        _silence_libtiff()
    if kind == "pdf":
        raise InkfastError("expected an image, got a PDF file. Save its page as an image.")
    if kind != "heif":
        return IMAGE_FORMATS
    try:
        import pillow_heif  # an optional dependency
    except ModuleNotFoundError:
        raise MissingExtraError(
            "HEIC images need pillow-heif, which is not installed. Install what reads documents "
            f"too, {install_hint('documents')}"
        ) from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from printing on stderr: a damaged file is reported in one line, by us."""
    with suppress(AttributeError, OSError):  # where Pillow's library is linked in another way
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _decode(image: Image.Image, longest: int | None, shortest: int) -> LoadedImage:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError
    size = _shrunk_size(image.size, longest, shortest) if longest else image.size
    if size != image.size:
        image.draft(None, size)  # None keeps the mode
    plain = _in_averageable_mode(image)
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.BOX)
    turn = _TURNS_UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    if turn is None:
        return LoadedImage(plain, (width, height))
    sideways = turn not in _KEEP_SIDES
    return LoadedImage(plain.transpose(turn), (height, width) if sideways else (width, height))


def _in_averageable_mode(image: Image.Image) -> Image.Image:
    """Return the image in a mode whose values can be averaged."""
    if image.mode.startswith(_DEEP_MODES):
        values = np.asarray(image, np.float32)
        if not np.isfinite(values).all():
            raise InkfastError("expected an image of finite numbers, got NaN or infinity.")
        return Image.fromarray(values)
    if "A" in image.getbands() or "transparency" in image.info:
        return image.convert("RGBA")
    image.load()
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _scale_to_unit(values: NDArray[np.float32]) -> GreyImage:
    """Scale 16-bit (or 8-bit in a wider type, or float) grey values to [0, 1]."""
    top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), values.max())
    scaled: GreyImage = np.clip(values / np.float32(top), 0, 1)
    return scaled


def _flatten_alpha(image: Image.Image) -> Image.Image:
    """Lay an image with transparency on the background its visible ink stands out from."""
    if image.mode != "RGBA":
        return image
    tiny = np.asarray(image.resize((64, 64), Image.Resampling.BOX), np.float32) / 255
    grey, alpha = tiny[..., :3] @ (0.299, 0.587, 0.114), tiny[..., 3]  # luma of ITU-R BT.601
    visible = (grey * alpha).sum() / max(alpha.sum(), 1e-9)
    background = Image.new("RGBA", image.size, "black" if visible > 0.5 else "white")
    return Image.alpha_composite(background, image)


def shrink_image(image: Image.Image, longest: int | None, shortest: int = 0) -> Image.Image:
    """Scale an image down as `shrink` does; None keeps the size."""
    size = _shrunk_size(image.size, longest, shortest) if longest else image.size
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def shrink(grey: GreyImage, longest: int, shortest: int = 0) -> GreyImage:
    """Scale an image down, areas averaged, until its longer side fits; never enlarge it.

    Args:
        grey: Brightness ``(h, w)``.
        longest: Largest length of the longer side, in pixels.
        shortest: Length that the shorter side of a long strip keeps, in pixels, as long as the
            strip has no more pixels than a square of `longest`.
    """
    height, width = grey.shape
    size = _shrunk_size((width, height), longest, shortest)
    if size == (width, height):
        return grey
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _shrunk_size(size: tuple[int, int], longest: int, shortest: int) -> tuple[int, int]:
    """Return the width and height that `shrink` gives an image of this width and height."""
    width, height = size
    scale = longest / max(size)
    strip = min(shortest / min(size), longest / math.sqrt(width * height))
    if max(scale, strip) >= 1:
        return size
    if strip > scale:  # rounded down, so that shrinking the result changes nothing
        return int(strip * width), max(1, int(strip * height))
    return max(1, round(scale * width)), max(1, round(scale * height))
