"""Picture files: what is opened, how large it may be, and how it becomes grey values.

A picture's size is read and judged before a pixel is decoded. JPEG files are decoded at a half, a
quarter or an eighth of their size where that is enough, so that a phone's photograph costs little.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.errors import InkfastError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
MAX_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_DEEP = ("I", "F")  # modes of more than 8 bits begin so
_ORIENTATION = 0x0112  # the EXIF tag: how a picture must be turned to be upright
_TURN = Image.Transpose
_UPRIGHT = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270, 7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip
_SAME_SIDES = (_TURN.FLIP_LEFT_RIGHT, _TURN.ROTATE_180, _TURN.FLIP_TOP_BOTTOM)

GreyImage = NDArray[np.floating]  # (h, w), brightness in [0, 1]


@dataclass(frozen=True)
class LoadedImage:
    """A picture, upright and perhaps made smaller.

    Attributes:
        image: Mode L, RGB, RGBA or one of more than 8 bits.
        size: Width and height in the file, upright, in pixels.
    """

    image: Image.Image
    size: tuple[int, int]

    @property
    def grey(self) -> GreyImage:
        """Brightness, float32 ``(h, w)`` in [0, 1]; what is transparent takes the background.

        Raises:
            InkfastError: If a pixel is not a finite number.
        """
        if self.image.mode.startswith(_DEEP):
            return _unit(np.asarray(self.image, np.float32))
        return np.asarray(_opaque(self.image).convert("L"), np.float32) / 255

    @property
    def colours(self) -> Image.Image:
        """The same in mode RGB."""
        if self.image.mode.startswith(_DEEP):
            grey = np.rint(255 * self.grey).astype(np.uint8)
            return Image.fromarray(grey).convert("RGB")
        return _opaque(self.image).convert("RGB")


def open_image(
    source: Path | bytes, longest: int | None = None, name: str = "", *, shortest: int = 0
) -> LoadedImage:
    """Open a PNG, JPEG, WebP, BMP, GIF or TIFF file; of several pictures in it, the first.

    Args:
        source: A path, or what a file holds.
        longest: Pixels of the longer side to which a larger picture is brought down.
        name: What messages call it; a path's own name by default.
        shortest: See `shrunk`.

    Raises:
        InkfastError: If it is none of these, is damaged, or has more than `MAX_PIXELS` pixels.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; they are refused here
            # given a path, Pillow maps some TIFF files into memory, and turns those the wrong way
            with (
                source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file,
                Image.open(file, formats=FORMATS) as image,
            ):
                return _decoded(image, longest, shortest)
    except Image.DecompressionBombError:
        raise InkfastError(
            f"{name}: expected at most {MAX_PIXELS // 10**6} million pixels. Make the picture "
            "smaller."
        ) from None
    except MemoryError:
        raise
    except InkfastError as error:
        raise InkfastError(f"{name}: {error}") from None
    except FileNotFoundError:
        raise InkfastError(f"{name}: there is no such file. Check its path.") from None
    except Exception as error:  # damaged files make Pillow's decoders fail in every way there is
        reason = getattr(error, "strerror", None) or "it cannot be decoded"
        raise InkfastError(
            f"{name}: expected a picture, but {reason}. Remove or replace it."
        ) from None


def png(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _decoded(image: Image.Image, longest: int | None, shortest: int) -> LoadedImage:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError
    size = _brought_down(image.size, longest, shortest) if longest else image.size
    if size != image.size:
        image.draft(None, size)  # None keeps the mode
    plain = _plain(image)
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.BOX)
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    if turn is None:
        return LoadedImage(plain, (width, height))
    sideways = turn not in _SAME_SIDES
    return LoadedImage(plain.transpose(turn), (height, width) if sideways else (width, height))


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose values can be averaged."""
    if image.mode.startswith(_DEEP):
        values = np.asarray(image, np.float32)
        if not np.isfinite(values).all():
            raise InkfastError("expected a picture of finite numbers, got NaN or infinity.")
        return Image.fromarray(values)
    if "A" in image.getbands() or "transparency" in image.info:
        return image.convert("RGBA")
    image.load()
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _unit(values: NDArray[np.float32]) -> GreyImage:
    """Scale 16-bit (or 8-bit in a wider type, or float) grey values to [0, 1]."""
    top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), values.max())
    scaled: GreyImage = np.clip(values / np.float32(top), 0, 1)
    return scaled


def _opaque(image: Image.Image) -> Image.Image:
    """Lay a picture with transparency on the background its visible ink stands out from."""
    if image.mode != "RGBA":
        return image
    tiny = np.asarray(image.resize((64, 64), Image.Resampling.BOX), np.float32) / 255
    grey, alpha = tiny[..., :3] @ (0.299, 0.587, 0.114), tiny[..., 3]
    visible = (grey * alpha).sum() / max(alpha.sum(), 1e-9)
    background = Image.new("RGBA", image.size, "black" if visible > 0.5 else "white")
    return Image.alpha_composite(background, image)


def shrunk(picture: GreyImage, longest: int, shortest: int = 0) -> GreyImage:
    """Return the picture with its longer side no longer than this, areas averaged.

    Args:
        picture: ``(h, w)``.
        longest: Pixels of the longer side.
        shortest: Pixels of the shorter side below which a strip is not brought while it has no more
            pixels than a square of `longest`.
    """
    height, width = picture.shape
    size = _brought_down((width, height), longest, shortest)
    if size == (width, height):
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _brought_down(size: tuple[int, int], longest: int, shortest: int) -> tuple[int, int]:
    """Return the width and height of a picture of this size once it is `shrunk`."""
    width, height = size
    scale = longest / max(size)
    strip = min(shortest / min(size), longest / math.sqrt(width * height))
    if max(scale, strip) >= 1:
        return size
    if strip > scale:  # rounded down, so that bringing down the result changes nothing
        return int(strip * width), max(1, int(strip * height))
    return max(1, round(scale * width)), max(1, round(scale * height))
