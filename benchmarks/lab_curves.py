"""Accuracy at every strength of each slider of the Noise Lab: the data of the page's chart.

Writes src/inkfast/serving/page/curves.json, and samples.png, the sample digits of the page: of each
class the first test digits of MNIST that all networks classify correctly.

Run: .venv/bin/python benchmarks/lab_curves.py [DIGITS]   (10,000 by default; needs MNIST)
"""

from __future__ import annotations

import json
import sys

import numpy as np
from PIL import Image

from inkfast import data, noise
from inkfast.core.digits import Digits
from inkfast.core.io import sha256, write_text
from inkfast.inference.reader import SHIPPED_FOLDER, Reader
from inkfast.serving.page_noise import SLIDERS, Slider
from inkfast.serving.routes_lab import PAGE, SHOWN

POINTS = 13  # strengths of a slider, both ends included
SAMPLES = 3  # of each digit
SEED = 0


def strengths(slider: Slider) -> list[float]:
    """Return the strengths at which accuracy is measured, including the neutral one."""
    steps = np.linspace(slider.low, slider.high, POINTS)
    return sorted({round(float(value), 4) for value in (*steps, slider.neutral)})


def accuracies(digits: Digits, readers: dict[str, Reader]) -> dict[str, float]:
    """Return the accuracy of each network, in [0, 1]."""
    found = {
        name: reader.classifier.probabilities(digits.images) for name, reader in readers.items()
    }
    labels = digits.known_labels
    return {name: float((rows.argmax(axis=1) == labels).mean()) for name, rows in found.items()}


def curve(slider: Slider, digits: Digits, readers: dict[str, Reader]) -> dict[str, object]:
    """Return accuracy by network at every strength of a slider."""
    values = strengths(slider)
    rows = []
    for value in values:
        chain = noise.build_noise("none" if value == slider.neutral else slider.spec(value))
        rows.append(accuracies(noise.noisy(digits, chain, SEED), readers))
        print(slider.name, value, rows[-1], flush=True)
    return {
        "strengths": values,
        "accuracy": {name: [row[name] for row in rows] for name in readers},
    }


def write_samples(digits: Digits, readers: dict[str, Reader]) -> None:
    """Write the page's sample digits as one image, one column per class."""
    answers = [
        r.classifier.probabilities(digits.images[:500]).argmax(axis=1) for r in readers.values()
    ]
    labels = digits.known_labels[:500]
    read = np.all([answer == labels for answer in answers], axis=0)
    columns = [
        np.concatenate(digits.images[np.flatnonzero(read & (labels == digit))[:SAMPLES]])
        for digit in range(10)
    ]
    Image.fromarray(np.concatenate(columns, axis=1)).save(PAGE / "samples.png", optimize=True)


def main() -> None:
    """Measure every slider on evenly spaced test digits."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    test = data.load("mnist").test
    assert test is not None  # noqa: S101 - MNIST has one
    rows = np.linspace(0, len(test) - 1, n).astype(int)
    digits = Digits(test.images[rows], test.known_labels[rows], f"{n} of MNIST's test digits")
    readers = {name: Reader.open(name) for name in SHOWN}
    write_samples(test, readers)
    content = {
        "command": f"python benchmarks/lab_curves.py {n}",
        "n": n,
        "networks": {
            name: sha256((SHIPPED_FOLDER / f"{name}.onnx").read_bytes()) for name in SHOWN
        },
        "curves": {slider.name: curve(slider, digits, readers) for slider in SLIDERS},
    }
    write_text(PAGE / "curves.json", json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
