"""A folder of pictures with one subfolder per class, named ``0`` to ``9``.

A ``train/`` and a ``test/`` folder of such folders give both parts. Pictures that are 28x28 with
ink bright on dark are taken as they are; all others are brought to MNIST's frame.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from inkfast.data.digits import CLASSES, SIDE, Digits, Images, Source
from inkfast.data.framing import frame, ink_of
from inkfast.errors import InkfastError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_PARTS = ("train", "test")
MAX_PIXELS = 50_000_000
_LAYOUT = "one subfolder per class named 0 to 9, each with PNG, JPEG, WebP, BMP, GIF or TIFF files"


def load(path: Path) -> Source:
    """Read a folder of class folders, or its ``train`` and ``test`` parts.

    Raises:
        InkfastError: For an empty folder, a subfolder that is no digit, or a picture that is
            corrupt or larger than 50 million pixels.
    """
    name = path.resolve().name
    if not (path / "train").is_dir():
        return Source(_part(path), None, name)
    others = sorted(p.name for p in _visible(path) if p.is_dir() and p.name not in _PARTS)
    if others:
        raise InkfastError(
            f"{path}: expected nothing but train and test beside each other, got {others[0]!r}."
        )
    test = _part(path / "test") if (path / "test").is_dir() else None
    return Source(_part(path / "train"), test, name)


def _visible(folder: Path) -> list[Path]:
    """Return what a folder holds, in order, without hidden files such as macOS leaves."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _part(path: Path) -> Digits:
    images, labels = [], []
    for folder in filter(Path.is_dir, _visible(path)):
        if folder.name not in {str(digit) for digit in range(CLASSES)}:
            raise InkfastError(f"{folder}: expected {_LAYOUT}, got a folder named {folder.name!r}.")
        for file in _visible(folder):
            if file.suffix.lower() in SUFFIXES:
                images.append(read_picture(file))
                labels.append(int(folder.name))
    if not images:
        raise InkfastError(f"{path}: expected {_LAYOUT}, got no pictures.")
    return Digits(np.stack(images), np.array(labels, np.int64), path.resolve().name)


def read_picture(path: Path) -> Images:
    """Return one picture file as uint8 ``(28, 28)``, ink bright.

    Raises:
        InkfastError: If the file is no picture, is damaged or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; we refuse them below
            with Image.open(path, formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                ink = ink_of(image)
    except Image.DecompressionBombError:
        most = MAX_PIXELS // 10**6
        raise InkfastError(
            f"{path}: expected at most {most} million pixels. Make the picture smaller."
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be decoded"
        raise InkfastError(
            f"{path}: expected a picture, but {reason}. Remove or replace it."
        ) from None
    if ink.shape == (SIDE, SIDE):
        return np.asarray(np.rint(255 * ink), np.uint8)
    return frame(ink)
