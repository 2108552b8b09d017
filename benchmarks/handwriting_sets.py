"""The sets of handwriting on which inkfast and other programs are compared.

A further set is an entry of `SETS` and a function that lists its images. Images that lie in arrays
are written as PNG files first, so that every program reads the same files.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from handwriting_composed import (
    CLEAR_GAP,
    draw_mnist_numbers,
    draw_numbers,
    draw_stroke_digits,
    separated_texts,
    six_digits,
)
from handwriting_judging import DIGITS, PAGE, SEPARATED
from PIL import Image

from inkfast.data.mnist import load_mnist

Kind: TypeAlias = Literal["digit", "number", "page"]

NOT_TRAINED = "choosing and testing only"
OTHER_WRITERS = "choosing and testing only; other writers are used for training"
OTHER_ROWS = "neither; MNIST's training digits are used for training"
COMPOSED = 400  # composed numbers in a set
CASES = {  # folder: file and text
    "form-boxes": {"joined.png": "90210", "red_boxes.png": "90210", "two_boxes.png": "47"},
    "gaps": {"gap48.png": "25 38"},
    "separators": {"3.14.png": "3.14", "-27.png": "-27", "12_slash_05.png": "12/05"},
}


class MissingSetError(Exception):
    """Says why a set cannot be measured."""


@dataclass(frozen=True)
class Folders:
    """Where sets are found.

    Attributes:
        data: Folder with one folder per set.
        cases: Folder with small inputs.
        scratch: Empty folder for the images that lie in arrays.
    """

    data: Path
    cases: Path
    scratch: Path


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes:
        path: Its file.
        truth: What is written on it; lines are joined by ``|``, words by a space.
        group: Its writer; "" if the writers of the set are not known.
    """

    path: Path
    truth: str
    group: str = ""


@dataclass(frozen=True)
class HandwritingSet:
    """Images of one origin.

    Attributes:
        name: Name in results and on the command line.
        kind: What an image shows: one digit, one number or a page of numbers.
        about: What the images are, and where they are from.
        licence: Their licence.
        use: What the set was used for: training, choosing, or neither.
        load: Function that lists the images, or raises `MissingSetError`.
        keep: Characters that are compared.
        options: Arguments of inkfast's `predict` or `read` that a user would give.
        groups: Whose mean the shares are, such as "authors"; "" for the mean over images.
    """

    name: str
    kind: Kind
    about: str
    licence: str
    use: str
    load: Callable[[Folders], list[Sample]]
    keep: str = DIGITS
    options: dict[str, Any] = field(default_factory=dict)
    groups: str = ""


def _need(path: Path) -> Path:
    if not path.exists():
        raise MissingSetError(f"{path} is not there")
    return path


def _write_images(images: np.ndarray, labels: np.ndarray, folder: Path) -> list[Sample]:
    """Write each image as a PNG file."""
    folder.mkdir(parents=True)
    samples = [
        Sample(folder / f"{row:05}-{label}.png", str(label)) for row, label in enumerate(labels)
    ]
    for sample, image in zip(samples, images, strict=True):
        Image.fromarray(image).save(sample.path)
    return samples


def _listed(folder: Path) -> list[Sample]:
    """Return the images that a folder's ``labels.csv`` lists."""
    with _need(folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [Sample(folder / row["file"], row["text"]) for row in csv.DictReader(file)]


def _own_digits(folders: Folders) -> list[Sample]:
    paths = sorted(_need(folders.data / "own-digits").glob("author-*/*"))
    return [Sample(path, path.name[0], path.parent.name) for path in paths]


def _phone(folders: Folders) -> list[Sample]:
    paths = sorted(_need(folders.data / "handwriting" / "phone").glob("[0-9]/*.png"))
    return [Sample(path, path.parent.name) for path in paths]


def _bhmsds(folders: Folders) -> list[Sample]:
    with np.load(_need(folders.data / "handwriting" / "bhmsds.npz")) as held:
        return _write_images(held["images"], held["labels"], folders.scratch / "bhmsds")


def _mnist(folders: Folders) -> list[Sample]:
    _need(folders.data / "mnist")
    test = load_mnist().test
    assert test is not None  # noqa: S101 - MNIST has both parts
    return _write_images(test.images[:1000], test.known_labels[:1000], folders.scratch / "mnist")


def _optdigits(folders: Folders) -> list[Sample]:
    with np.load(_need(folders.data / "optdigits" / "optdigits.npz")) as held:
        chosen = held["part"] == list(held["part_names"]).index("cv")
        images, labels = held["images"][chosen], held["labels"][chosen]
    return _write_images(images, labels, folders.scratch / "optdigits")


def _new_folder(folders: Folders, name: str) -> Path:
    folder = folders.scratch / name
    folder.mkdir()
    return folder


def _mnist_numbers(folders: Folders) -> list[Sample]:
    _need(folders.data / "mnist")
    test = load_mnist().test
    assert test is not None  # noqa: S101 - MNIST has both parts
    drawn = draw_mnist_numbers(test, COMPOSED, _new_folder(folders, "mnist-numbers"))
    return [Sample(path, text) for path, text in drawn]


def _stroke_digits(folders: Folders) -> list[Sample]:
    _need(folders.data / "unipen")
    return [Sample(*one) for one in draw_stroke_digits(_new_folder(folders, "unipen"))]


def _stroke_numbers(folders: Folders) -> list[Sample]:
    _need(folders.data / "unipen")
    drawn = draw_numbers(six_digits(COMPOSED), _new_folder(folders, "unipen-numbers"))
    return [Sample(path, text) for path, text in drawn]


def _separators(folders: Folders) -> list[Sample]:
    _need(folders.data / "unipen")
    folder = _new_folder(folders, "separators")
    drawn = draw_numbers(separated_texts(COMPOSED), folder, CLEAR_GAP)
    return [Sample(path, text) for path, text in drawn]


def _cases(folders: Folders) -> list[Sample]:
    return [
        Sample(_need(folders.cases / folder / name), truth)
        for folder, truths in CASES.items()
        for name, truth in truths.items()
    ]


SETS = (
    HandwritingSet(
        "cheques", "number", "amounts cut from real cheques, with a printed background",
        "unknown", NOT_TRAINED, lambda folders: _listed(folders.data / "cheques"),
        options={"digits_only": True},
    ),
    HandwritingSet(
        "numbers", "page", "numbers that people photographed or drew, 16 authors",
        "unknown", NOT_TRAINED, lambda folders: _listed(folders.data / "numbers"), PAGE,
    ),
    HandwritingSet(
        "own-digits", "digit", "people's own images of single digits, from drawings of 28x28 "
        "pixels to whole photographs", "unknown", NOT_TRAINED, _own_digits, groups="authors",
    ),
    HandwritingSet(
        "phone", "digit", "single digits photographed with a phone", "MIT",
        "choosing", _phone,
    ),
    HandwritingSet(
        "bhmsds", "digit", "single digits of few writers, 28x28 pixels, unchanged", "MIT",
        "choosing", _bhmsds,
    ),
    HandwritingSet(
        "mnist", "digit", "MNIST, the first 1,000 test digits (LeCun et al. 1998)", "CC BY-SA 3.0",
        OTHER_ROWS, _mnist,
    ),
    HandwritingSet(
        "optdigits", "digit", "Optical Recognition of Handwritten Digits, 32x32 bitmaps, part cv "
        "(Alpaydin and Kaynak, UCI)", "CC BY 4.0",
        "neither; part tra of the same 30 writers is used for training", _optdigits,
    ),
    HandwritingSet(
        "mnist-numbers", "number", "six-digit numbers composed of MNIST's test digits on "
        "simulated paper, a quarter with touching digits (benchmarks/composed_numbers.py)",
        "CC BY-SA 3.0", OTHER_ROWS, _mnist_numbers,
        PAGE,
    ),
    HandwritingSet(
        "unipen", "digit", "UniPen's pen strokes (Guyon et al. 1994), drawn on white paper; "
        "writers left out of training", "CC BY 4.0", OTHER_WRITERS, _stroke_digits,
        groups="writers",
    ),
    HandwritingSet(
        "unipen-numbers", "number", "six-digit numbers composed of UniPen's strokes on the paper "
        "of mnist-numbers; writers left out of training",
        "CC BY 4.0", OTHER_WRITERS, _stroke_numbers, PAGE,
    ),
    HandwritingSet(
        "separators", "number", "decimals, negative numbers, dates, times and amounts, composed "
        "likewise", "CC BY 4.0", OTHER_WRITERS, _separators, SEPARATED,
    ),
    HandwritingSet(
        "cases", "number", "numbers in form boxes, two numbers in a line, numbers with separators",
        "made from MNIST's digits", "choosing", _cases, SEPARATED,
    ),
)  # fmt: skip


def spread_out(samples: list[Sample], most: int) -> list[Sample]:
    """Return at most `most` samples, evenly spaced."""
    if len(samples) <= most:
        return samples
    return [samples[row] for row in np.linspace(0, len(samples) - 1, most).round().astype(int)]
