"""A folder of pictures with one subfolder per class, named ``0`` to ``9``.

A ``train/`` and a ``test/`` folder of such folders give both parts. Pictures that are 28x28 with
ink bright on dark are taken as they are; all others are brought to MNIST's frame.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from inkfast.data.digits import CLASSES, SIDE, Digits, Images, Source
from inkfast.data.framing import frame, ink_of
from inkfast.errors import InkfastError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
MAX_PIXELS = 50_000_000
_LAYOUT = "one subfolder per class named 0 to 9, each with PNG, JPEG, WebP, BMP, GIF or TIFF files"


def load(path: Path) -> Source:
    """Read a folder of class folders, or its ``train`` and ``test`` parts.

    Raises:
        InkfastError: For an empty folder, a subfolder that is no digit, or a picture that is
            corrupt or larger than 50 million pixels.
    """
    if (path / "train").is_dir():
        test = _part(path / "test") if (path / "test").is_dir() else None
        return Source(_part(path / "train"), test, path.name)
    return Source(_part(path), None, path.name)


def _part(path: Path) -> Digits:
    images, labels = [], []
    for folder in sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")):
        if folder.name not in {str(digit) for digit in range(CLASSES)}:
            raise InkfastError(f"{folder}: expected {_LAYOUT}, got a folder named {folder.name!r}.")
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in SUFFIXES:
                images.append(read_picture(file))
                labels.append(int(folder.name))
    if not images:
        raise InkfastError(f"{path}: expected {_LAYOUT}, got no pictures.")
    return Digits(np.stack(images), np.array(labels, np.int64), path.name)


def read_picture(path: Path) -> Images:
    """Return one picture file as uint8 ``(28, 28)``, ink bright.

    Raises:
        InkfastError: If the file is no picture, is damaged or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; we refuse them below
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InkfastError(
                        f"{path}: expected at most {MAX_PIXELS // 10**6} million pixels, "
                        f"got {image.width} x {image.height}. Make it smaller."
                    )
                ink = ink_of(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ) as e:
        if isinstance(e, InkfastError):
            raise
        raise InkfastError(
            f"{path}: expected a picture, but it cannot be decoded. Remove or replace it."
        ) from None
    if ink.shape == (SIDE, SIDE):
        return np.asarray(np.rint(255 * ink), np.uint8)
    return frame(ink)
