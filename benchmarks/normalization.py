"""What each rule before the network contributes to reading images of one digit.

Run: .venv/bin/python benchmarks/normalization.py

Every set of `handwritten_sets` is read with all rules and without each of them.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
from handwritten_sets import MOSTLY_TRAINED_ON, handwritten_sets, prepare, read_set
from measured import record

from inkfast.core.digits import Images
from inkfast.imaging import normalization
from inkfast.imaging.opening import GreyImage
from inkfast.inference.reader import Reader


def median_contrast(grey: GreyImage) -> GreyImage:
    """Return the contrast with a paper that is equally bright everywhere."""
    away = grey - np.median(grey)
    return np.clip(away if (away**3).mean() > 0 else -away, 0, None)


def even_closeness(labels: Any, count: int) -> GreyImage:
    """Return that all pieces lie equally close to the centre."""
    return np.ones(count, np.float32)


# rule: what stands in its place when it is left out
RULES: dict[str, dict[str, Any]] = {
    "paper from a window": {"_contrast_with_paper": median_contrast},
    "ink ramps from paper to stroke": {"_PAPER": 0.0, "_STROKE": 1.0},
    "pieces at the edge removed": {"_touches_edge": lambda box, shape: False},
    "specks removed": {"_MIN_PIECE": 0.0},
    "main piece near the centre": {"_closeness_to_center": even_closeness},
    "main piece away from the edge": {"_AT_EDGE": 1.0},
    "bars above and below kept": {"_is_above_or_below": lambda box, main: False},
}
ALL = "all rules"
SECOND_VIEW = "a second view where the first is unsure"


def main() -> None:
    """Measure every rule on every set."""
    reader = Reader.open(threads=1)
    rows = []
    for images in handwritten_sets():
        if images.used == MOSTLY_TRAINED_ON:
            continue
        rows.append({"rule": ALL} | read_set(images, reader)[0])
        for rule, replaced in RULES.items():
            with mock.patch.multiple(normalization, **replaced):
                rows.append({"rule": rule} | read_set(images, reader)[0])
        rows.append({"rule": SECOND_VIEW} | read_set(images, reader, first_view)[0])
    record("normalization", "python benchmarks/normalization.py", {
        "sha256": reader.classifier.fingerprint, "threshold": reader.threshold, "rows": rows,
    })  # fmt: skip


def first_view(grey: GreyImage) -> Images:
    """Return the first view of an image alone, ``(1, 28, 28)``."""
    return prepare(grey)[:1]


if __name__ == "__main__":
    main()
