"""Answers until the drift test gives an alarm, on streams of many kinds, and how often a false one.

Run: .venv/bin/python benchmarks/drift.py [MODEL.onnx]

Handwriting is read where it lies, see `handwritten_sets`. Orders of the digits are random.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from handwritten_sets import MOSTLY_TRAINED_ON, handwritten_sets, prepare
from measured import record, spread
from numpy.typing import NDArray

from inkfast import data, noise
from inkfast.core.errors import InkfastError
from inkfast.inference.drift import CONFIDENCES, LEVEL, DriftTest, summarize_confidences
from inkfast.inference.reader import DEFAULT_MODEL, Prediction, Reader, guaranteed_error
from inkfast.inference.single_digit import predict_views

NOISES = {
    "MNIST": "none",
    "MNIST under MNIST-C's rotation": "mnist-c-rotate",
    "MNIST under noisy-mnist, turned by up to 72 degrees": "noisy-mnist",
    "MNIST turned by 72 degrees": "rotate(degrees=72, extremes=True)",
}
DIGITS = 2000  # test digits of MNIST under each noise
ORDERS = 21  # in which the digits of a set arrive
STREAMS, LENGTH = 400, 2000  # simulated, like the calibration's
Stream = tuple[str, list[Prediction], Sequence[int]]


def main(model: str = DEFAULT_MODEL) -> None:
    """Measure everything, and record it with the SHA-256 of the reader's file."""
    reader = Reader.open(model, threads=1)
    about = reader.classifier.metadata
    summary = about.pairs(CONFIDENCES)
    if not summary:
        raise InkfastError(f"{about.name} has no {CONFIDENCES}. Export it again.")
    rows = [alarms(reader, summary, *stream) for stream in streams(reader)]
    record("drift", "python benchmarks/drift.py", {
        "sha256": reader.classifier.fingerprint, "level": LEVEL, "orders": ORDERS,
        "max_error": guaranteed_error(about, reader.threshold), "threshold": reader.threshold,
        "calibration_digits": int(summary[-1][0]), "rows": rows,
        "false_alarms": false_alarms(summary),
    })  # fmt: skip


def streams(reader: Reader) -> Iterator[Stream]:
    """Yield what the reader says of MNIST under noise and of other people's handwriting."""
    source = data.load("mnist")
    test = (source.test or source.train).pick(np.arange(DIGITS), "test digits")
    for name, chain in NOISES.items():
        digits = noise.noisy(test, noise.build_noise(chain), seed=1)
        yield name, reader.predict(digits.images), digits.known_labels.tolist()
    for images in handwritten_sets():
        if images.used != MOSTLY_TRAINED_ON:
            views = [prepare(one.grey) for one in images.images]
            found = [prediction for _, prediction in predict_views(reader, views)]
            yield images.name, found, [one.label for one in images.images]


def alarms(
    reader: Reader, summary: Sequence[Sequence[float]], name: str, found: list[Prediction],
    labels: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    """Return after how many digits of a set there is an alarm, and what its answers are worth."""
    confidence = np.array([one.confidence for one in found])
    wrong = np.array([one.digit for one in found]) != labels
    answered = confidence >= reader.threshold
    rng = np.random.default_rng(0)
    delays = [first_alarm(summary, rng.permutation(confidence)) for _ in range(ORDERS)]
    heard = [delay for delay in delays if delay]
    return {
        "set": name, "n": len(found), "answered": float(answered.mean()),
        "wrong_of_answered": float(wrong[answered].mean()), "wrong_of_all": float(wrong.mean()),
        "alarms": len(heard), "digits_until_alarm": spread(heard) if heard else None,
    }  # fmt: skip


def first_alarm(summary: Sequence[Sequence[float]], confidence: NDArray[np.float64]) -> int:
    """Return after how many answers there is an alarm; 0 for none."""
    test = DriftTest(summary)
    return next((at for at, one in enumerate(confidence, 1) if test.update([one])), 0)


def false_alarms(summary: Sequence[Sequence[float]]) -> dict[str, int]:
    """Return how many streams like the calibration's have an alarm.

    Calibration set and stream are drawn anew each time from one distribution: that of the stored
    confidences, straight between them.
    """
    rng = np.random.default_rng(0)
    ranks, confidences = np.array([[0, 0], *summary]).T

    def draw(n: int) -> NDArray[np.float64]:
        return np.interp(rng.random(n) * ranks[-1], ranks, confidences)

    count = sum(
        first_alarm(summarize_confidences(draw(int(ranks[-1]))), draw(LENGTH)) > 0
        for _ in range(STREAMS)
    )
    return {"streams": STREAMS, "digits": LENGTH, "alarms": count}


if __name__ == "__main__":
    main(*sys.argv[1:])
