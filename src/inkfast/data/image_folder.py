"""Folders of images with one subfolder per class, named ``0`` to ``9``.

``train/`` and ``test/`` folders of such folders give both parts. Images of 28x28 pixels are taken
unchanged; others are cropped, scaled and centred as in MNIST.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from inkfast.core.digits import CLASSES, Digits, Images, Source, Survey
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.centering import center_digit, to_bright_ink
from inkfast.imaging.normalization import DIGIT_PIXELS, preprocess
from inkfast.imaging.opening import IMAGE_SUFFIXES, GreyImage, open_image

_PARTS = ("train", "test")
_LAYOUT = "one subfolder per class named 0 to 9, each with PNG, JPEG, WebP, BMP, GIF or TIFF files"


def load_folder(path: Path) -> Source:
    """Read a folder of class folders, or its ``train`` and ``test`` parts.

    Raises:
        InkfastError: For an empty folder, a subfolder that is not named after a digit, or an image
            that is damaged or larger than 50 million pixels.
    """
    return survey_folder(path, most_unreadable=0).source


def survey_folder(path: Path, most_unreadable: float = float("inf")) -> Survey:
    """Read a folder with the names, sizes and faults of its files.

    Args:
        path: Path of the folder.
        most_unreadable: Number of unreadable images to leave out; one more raises.
    """
    name = path.resolve().name
    parts = {"train": path}
    if (path / "train").is_dir():
        others = sorted(p.name for p in _visible(path) if p.is_dir() and p.name not in _PARTS)
        if others:
            raise InkfastError(
                f"{path}: expected nothing but train and test beside each other, got {others[0]!r}."
            )
        parts = {part: path / part for part in _PARTS if (path / part).is_dir()}
    digits, files = {}, {}
    sizes: Counter[tuple[int, int]] = Counter()
    unreadable: list[str] = []
    for part, folder in parts.items():
        digits[part], read = _read_part(folder, sizes, unreadable, most_unreadable)
        files[part] = tuple(str(file.relative_to(path)) for file in read)
    return Survey(
        source=Source(digits["train"], digits.get("test"), name),
        files=files,
        sizes=dict(sizes.most_common()),
        unreadable=tuple(unreadable),
    )


def _visible(folder: Path) -> list[Path]:
    """Return the entries of a folder in order, without hidden files such as those of macOS."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _read_part(
    path: Path, sizes: Counter[tuple[int, int]], unreadable: list[str], most: float
) -> tuple[Digits, list[Path]]:
    """Return the digits of one part and their files; add to `sizes` and `unreadable`."""
    images, labels, files = [], [], []
    for folder in filter(Path.is_dir, _visible(path)):
        if folder.name not in {str(digit) for digit in range(CLASSES)}:
            raise InkfastError(f"{folder}: expected {_LAYOUT}, got a folder named {folder.name!r}.")
        for file in _visible(folder):
            if file.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            try:
                if not os.path.isfile(file):  # opening a pipe would block
                    raise InkfastError(f"{file}: expected an image, got no regular file.")
                loaded = open_image(file, DIGIT_PIXELS)
                image = _at_28(loaded.grey)
            except InkfastError as error:
                unreadable.append(str(error))
                if len(unreadable) > most:
                    raise
                continue
            sizes[loaded.size] += 1
            images.append(image)
            labels.append(int(folder.name))
            files.append(file)
    if not images:
        got = f"none that can be read: {unreadable[0]}" if unreadable else "no images."
        raise InkfastError(f"{path}: expected {_LAYOUT}, got {got}")
    return Digits(np.stack(images), np.array(labels, np.int64), path.resolve().name), files


def read_image(path: Path) -> Images:
    """Return an image file as uint8 ``(28, 28)`` with bright ink.

    Raises:
        InkfastError: If the file is no image, is damaged or too large.
    """
    return _at_28(open_image(path, DIGIT_PIXELS).grey)


def _at_28(grey: GreyImage) -> Images:
    try:
        return preprocess(grey)
    except NoInkError:  # the faintest trace of a labelled digit is better than none
        return center_digit(to_bright_ink(grey))
