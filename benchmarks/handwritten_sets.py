"""Labelled images of single digits that benchmarks read: other people's, and framed strokes.

What lies in $INKFAST_DATA is used: own-digits/AUTHOR/LABEL-*, handwriting/phone/LABEL/*,
handwriting/bhmsds.npz, optdigits/optdigits.npz and unipen/.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measured import ROOT

sys.path.insert(0, str(ROOT))

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.core.intervals import wilson_interval
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import GreyImage, open_image
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.single_digit import digit_views, predict_views
from inkfast.synthetic.framings import FRAMINGS, frame_glyph
from inkfast.synthetic.hands import Glyph, StrokeLibrary
from tools.reader_digits import stroke_libraries

MOSTLY_TRAINED_ON = "seven in ten in training"
FRAMED = 200  # digits of each framing


@dataclass(frozen=True)
class LabelledImage:
    """An image of one digit.

    Attributes:
        grey: Brightness ``(h, w)`` in [0, 1].
        label: The digit.
        author: Who wrote it; "" if that is not known.
        name: Name of its file, if it has one.
    """

    grey: GreyImage
    label: int
    author: str = ""
    name: str = ""


@dataclass(frozen=True)
class LabelledSet:
    """Images of single digits.

    Attributes:
        name: Name of the set.
        used: What the set was used for before, as the tables say it.
        images: The images.
    """

    name: str
    used: str
    images: list[LabelledImage]


def prepare(grey: GreyImage) -> Images:
    """Return the views of an image that the network may see; all black without ink."""
    try:
        return digit_views(grey)[0]
    except NoInkError:
        return np.zeros((1, SIDE, SIDE), np.uint8)


def read_set(
    images: LabelledSet, reader: Reader, prepared: Callable[[GreyImage], Images] = prepare
) -> tuple[dict[str, Any], list[Prediction]]:
    """Read a set; return its scores, shares being means over authors, and the predictions."""
    views = [prepared(one.grey) for one in images.images]
    found = [prediction for _, prediction in predict_views(reader, views)]
    right = np.array([one.digit for one in found]) == [one.label for one in images.images]
    sure = np.array([not one.unsure for one in found])
    authors = np.array([one.author for one in images.images])

    def share(counted: Any) -> float:
        return float(np.mean([counted[authors == one].mean() for one in np.unique(authors)]))

    scores = {
        "set": images.name, "used": images.used, "n": len(found), "authors": len(set(authors)),
        "accuracy": share(right), "accuracy_ci95": wilson_interval(share(right), len(found)),
        "right": share(right & sure), "wrong": share(~right & sure), "unsure": share(~sure),
    }  # fmt: skip
    return scores, found


def handwritten_sets() -> Iterator[LabelledSet]:
    """Yield every set that is on this machine."""
    folder = Path(os.environ.get("INKFAST_DATA", ""))
    own = sorted(folder.glob("own-digits/*/*"))
    if own:
        rows = [LabelledImage(_grey(path), int(path.name[0]), path.parent.name) for path in own]
        yield LabelledSet("own digits", "choosing", rows)
    photographs = sorted(folder.glob("handwriting/phone/*/*"))
    if photographs:
        rows = [
            LabelledImage(
                _grey(path), int(path.parent.name), name=f"{path.parent.name}/{path.name}"
            )
            for path in photographs
        ]
        yield from _halves("phone", rows)
    if (folder / "handwriting" / "bhmsds.npz").is_file():
        with np.load(folder / "handwriting" / "bhmsds.npz") as held:
            rows = _from_arrays(held["images"], held["labels"])
        yield from _halves("bhmsds, as it is", rows)
    if (folder / "optdigits" / "optdigits.npz").is_file():
        with np.load(folder / "optdigits" / "optdigits.npz") as held:
            part = held["part"] == 1
            rows = _from_arrays(held["images"][part], held["labels"][part])
        yield LabelledSet("optdigits, 32x32", "testing; its writers in training", rows)
    try:
        _, left_out = stroke_libraries()
    except InkfastError:
        return
    for kind in FRAMINGS:
        yield framed(kind, left_out)


def framed(kind: str, hands: StrokeLibrary, n: int = FRAMED, seed: int = 1) -> LabelledSet:
    """Return digits of pen strokes in one framing."""
    rng = np.random.default_rng([seed, sorted(FRAMINGS).index(kind)])

    def other() -> Glyph:
        return hands.sample_hand(rng).glyph(str(rng.integers(10)), rng)

    rows = []
    for _ in range(n):
        hand, label = hands.sample_hand(rng), int(rng.integers(10))
        image = frame_glyph(hand.glyph(str(label), rng), FRAMINGS[kind](rng), rng, other)
        rows.append(LabelledImage(image.astype(np.float32) / 255, label))
    return LabelledSet(f"strokes, {kind}", "testing; framing in training", rows)


def _grey(path: Path) -> GreyImage:
    return open_image(path, DIGIT_PIXELS).grey


def _from_arrays(images: Images, labels: Any) -> list[LabelledImage]:
    return [
        LabelledImage(image / np.float32(255), int(label))
        for image, label in zip(images, labels, strict=True)
    ]


def _halves(name: str, rows: list[LabelledImage]) -> Iterator[LabelledSet]:
    """Yield the rows that were not trained on, and all rows."""
    kept = [row for place, row in enumerate(rows) if place % 10 >= 7]
    yield LabelledSet(f"{name}, left out", "testing; its writers in training", kept)
    yield LabelledSet(name, MOSTLY_TRAINED_ON, rows)
