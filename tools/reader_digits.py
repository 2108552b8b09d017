"""Write the digits that the shipped reader is trained on, as one NumPy file.

Run: .venv/bin/python -m tools.reader_digits OUT.npz [--digits 90000] [--seed 0]

They are MNIST as it is, and varied digits (`inkfast.synthetic.varied_digits`) of MNIST's training
digits, UniPen's strokes and, where they lie in $INKFAST_DATA, optdigits and handwriting. Every
sixth UniPen writer and three in ten images of handwriting are left out, for testing. Parts that
are drawn are kept beside OUT, so that a call that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from inkfast import data
from inkfast.core.digits import SIDE, Digits, Images, Indices
from inkfast.synthetic.hands import RasterDigits, StrokeLibrary, split_writers
from inkfast.synthetic.pen_strokes import load_pen_strokes
from inkfast.synthetic.varied_digits import DigitMix, make_varied_digits

PART = 2500  # digits of a part
GROUPS = 250  # of the images of a set whose writers are not known
REPEATS = 3  # copies of each image of handwriting, beside MNIST's 60,000
SHARES = {"mnist": 0.5, "optdigits": 0.14, "phone": 0.16, "bhmsds": 0.2}  # among rasters


def main() -> None:
    """Draw all parts that are missing, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--digits", type=int, default=90_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    mnist = data.load("mnist")
    sets = {"mnist": mnist.train} | dict(other_sets())
    mix = DigitMix(stroke_libraries()[0], {RasterDigits(sets[name]): SHARES[name] for name in sets})
    folder = given.out.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    images, labels, writers = as_they_are(sets)
    for number, start in enumerate(range(0, given.digits, PART)):
        part = folder / f"{given.seed}-{number}.npz"
        if not part.is_file():
            drawn, names, hands = make_varied_digits(
                mix, min(PART, given.digits - start), seed=1000 * given.seed + number
            )
            unfinished = part.with_suffix(".unfinished.npz")
            np.savez(unfinished, images=drawn, labels=names, writers=hands)
            unfinished.replace(part)
        with np.load(part) as kept:
            images.append(kept["images"])
            labels.append(kept["labels"].astype(np.uint8))
            writers += kept["writers"].tolist()
    assert mnist.test is not None  # noqa: S101 - MNIST has one
    digits, classes = np.concatenate(images), np.concatenate(labels)
    inked = digits.any(axis=(1, 2))  # blank ones are all equal, and so would be one writer's
    groups = np.unique([writer_group(name) for name in writers], return_inverse=True)[1]
    np.savez(
        given.out,
        x_train=digits[inked], y_train=classes[inked],
        writers_train=groups[inked].astype(np.int64),
        x_test=mnist.test.images, y_test=mnist.test.known_labels.astype(np.uint8),
    )  # fmt: skip
    shutil.rmtree(folder)


def writer_group(writer: str) -> str:
    """Return a writer of pen strokes, or the group of an image of unknown writer.

    All framings of an image are in one group, and few groups are quick to split.
    """
    source, _, row = writer.rpartition(" ")
    return f"{source} {int(row) % GROUPS}" if source else writer


def stroke_libraries() -> tuple[StrokeLibrary, StrokeLibrary]:
    """Return UniPen's strokes of the writers to train on, and of those left out."""
    digits, symbols, letters = (load_pen_strokes(k) for k in ("digits", "symbols", "letters"))
    names = {str(name) for kind in (digits, symbols, letters) for name in kind.writer_names}
    train, left_out = (
        StrokeLibrary(digits, symbols, letters, writers) for writers in split_writers(names)
    )
    return train, left_out


def other_sets() -> Iterator[tuple[str, Digits]]:
    """Yield the training part of each other data set that lies in $INKFAST_DATA."""
    folder = Path(os.environ.get("INKFAST_DATA", ""))
    scans = folder / "optdigits" / "optdigits.npz"
    if scans.is_file():
        with np.load(scans) as held:
            rows = np.flatnonzero(held["part"] == 0)
            images, labels = held["images"][rows], held["labels"][rows]
        yield "optdigits", Digits(shrunk(images), labels.astype(np.int64), "optdigits")
    if (folder / "handwriting" / "phone").is_dir():
        photographs = data.load(str(folder / "handwriting" / "phone")).train
        yield "phone", photographs.pick(training_rows(len(photographs)), "phone")
    if (folder / "handwriting" / "bhmsds.npz").is_file():
        with np.load(folder / "handwriting" / "bhmsds.npz") as held:
            scanned = Digits(held["images"], held["labels"].astype(np.int64), "bhmsds")
        yield "bhmsds", scanned.pick(training_rows(len(scanned)), "bhmsds")


def training_rows(n: int) -> Indices:
    """Return the rows of a set of handwriting that train: seven of every ten."""
    rows = np.arange(n)
    return rows[rows % 10 < 7]


def shrunk(images: Images) -> Images:
    """Return images of another size at 28x28, areas averaged."""
    return np.stack([
        np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX))
        for image in images
    ])  # fmt: skip


def as_they_are(sets: dict[str, Digits]) -> tuple[list[Images], list[Images], list[str]]:
    """Return images, labels and writers of MNIST and of handwriting, without any framing."""
    images, labels, writers = [], [], []
    for name, digits in sets.items():
        for _ in range(1 if name == "mnist" else 0 if name == "optdigits" else REPEATS):
            images.append(digits.images)
            labels.append(digits.known_labels.astype(np.uint8))
            writers += [f"{digits.name} {row}" for row in range(len(digits))]
    return images, labels, writers


if __name__ == "__main__":
    main()
