"""What `inkfast adapt` gains: hands that were left out of training, MNIST, the guarantee, seconds.

Run: .venv/bin/python benchmarks/adaptation.py

UniPen's writers that training left out, and handwriting/bhmsds.npz of $INKFAST_DATA. A correction
and the digits that are tested afterwards never come from one pen stroke.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from handwriting_composed import draw_digit, load_left_out
from handwritten_sets import prepare
from measured import record, spread
from scipy import stats

from inkfast import data
from inkfast.adaptation.adaptation import Adaptation, adapt_layer
from inkfast.adaptation.corrected_digits import CorrectedDigits
from inkfast.adaptation.last_layer import LastLayer, SplitNetwork
from inkfast.core.digits import Images, Indices
from inkfast.core.errors import InkfastError
from inkfast.inference.reader import SHIPPED_FOLDER, Reader

FEWEST = 28  # pen strokes of a writer, so that there are over 20 writers
FOLDS = 3  # of a writer's strokes: two thirds are corrected, one third is tested
BHMSDS_TURNS = 5
COUNTS = (50, 100)  # corrected digits
MOST_STROKES = 100  # of a writer
DRAWN = 150  # digits of a writer at least, so that two thirds are enough


def main() -> None:
    """Measure everything and record it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    processes = parser.parse_args().processes
    metadata = Reader.open().classifier.metadata
    writers = names_of_writers()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        turns = list(pool.map(measure_writer, writers))
        scans = pool.submit(measure_scans).result()
    figures: dict[str, Any] = {
        "sha256": Reader.open().classifier.fingerprint,
        "max_error": metadata.number("max_error"),
        "writers": [
            {"corrected": n, **across([one[n] for one in turns], metadata.number("max_error"))}
            for n in COUNTS
        ],
    }
    if scans:
        figures["bhmsds"] = scans
    seconds = [second for one in turns for second in one["seconds"]]
    record("adaptation", "python benchmarks/adaptation.py", figures | {"seconds": spread(seconds)})


class Shipped:
    """The shipped reader, MNIST's test digits as it sees them, and the seconds of adaptations."""

    def __init__(self) -> None:
        self.reader = Reader.open(threads=1)
        path = SHIPPED_FOLDER / "reader.onnx"
        self.network = SplitNetwork(path.read_bytes(), "reader", threads=1)
        self.max_error = self.reader.classifier.metadata.number("max_error")
        self.seconds: list[float] = []
        test = data.load("mnist").test
        assert test is not None  # noqa: S101 - MNIST has one
        self.mnist = self.network.features(test.images)
        self.mnist_labels = test.known_labels
        self.mnist_wrong = self.mnist_errors(self.network.layer)

    def correct(self, views: list[Images], labels: np.ndarray) -> CorrectedDigits:
        """Return corrected digits of the shipped reader."""
        return CorrectedDigits(self.network, self.reader.classifier, views, labels)

    def mnist_errors(self, layer: LastLayer) -> float:
        """Return the share of MNIST's test digits that is misread."""
        return float((layer.logits(self.mnist).argmax(axis=1) != self.mnist_labels).mean())

    def adapt(self, corrected: CorrectedDigits, rows: Indices, tested: Indices) -> dict[str, float]:
        """Adapt to some rows, and compare the answers on others."""
        start = time.perf_counter()
        try:
            found: Adaptation | None = adapt_layer(
                corrected, self.max_error, self.reader.threshold, rows
            )
        except InkfastError:  # the adapted network is worse, so the shipped one is kept
            found = None
        self.seconds.append(time.perf_counter() - start)
        before = corrected.answers(corrected.shipped, tested, 1.0, self.reader.threshold)
        sure = before[0] >= self.reader.threshold
        scores = {"n": len(tested), "refused": float(found is None),
                  "wrong_before": float(before[1].sum()), "wrong_after": float(before[1].sum()),
                  "answered_before": float(sure.sum()), "answered_after": float(sure.sum()),
                  "answered_wrong_before": float(before[1][sure].sum()),
                  "answered_wrong_after": float(before[1][sure].sum()), "mnist": 0.0}  # fmt: skip
        if found is None:
            return scores
        threshold = found.guarantee.threshold
        confidence, wrong = corrected.answers(found.layer, tested, found.temperature, threshold)
        sure = confidence >= threshold
        return scores | {
            "wrong_after": float(wrong.sum()), "answered_after": float(sure.sum()),
            "answered_wrong_after": float(wrong[sure].sum()),
            "guarantee": found.guarantee.max_error,
            "mnist": self.mnist_errors(found.layer) - self.mnist_wrong,
        }  # fmt: skip

    def writer(self, corrected: CorrectedDigits, strokes: np.ndarray, n: int) -> dict[str, float]:
        """Return the sums over the folds of a writer's strokes."""
        rng = np.random.default_rng(n)
        folds = np.array_split(rng.permutation(np.unique(strokes)), FOLDS)
        turns = [
            self.adapt(
                corrected,
                rng.permutation(np.flatnonzero(~np.isin(strokes, fold)))[:n],
                np.flatnonzero(np.isin(strokes, fold)),
            )
            for fold in folds
        ]
        return {key: sum(turn[key] for turn in turns) for key in turns[0] if key != "guarantee"}

    def scans(self, views: list[Images], labels: np.ndarray, n: int) -> dict[str, Any]:
        """Adapt to some scans of a set several times; return each turn."""
        corrected, rng = self.correct(views, labels), np.random.default_rng(0)
        turns = []
        for _ in range(BHMSDS_TURNS):
            order = rng.permutation(len(labels))
            turns.append(self.adapt(corrected, order[:n], order[n:]))
        return {"corrected": n, "turns": turns}


def across(writers: list[dict[str, float]], max_error: float) -> dict[str, Any]:
    """Return means over writers, and the sums over those that break the guarantee before."""
    shares = np.array([[one["wrong_before"], one["wrong_after"]] for one in writers])
    shares = (shares / np.array([one["n"] for one in writers])[:, None]).T
    broken = [
        one for one in writers if one["answered_wrong_before"] > max_error * one["answered_before"]
    ]
    keys = ("n", "answered_before", "answered_after", "answered_wrong_before",
            "answered_wrong_after")  # fmt: skip
    return {
        "writers": len(writers),
        "tests": int(sum(one["n"] for one in writers)),
        "wrong_before": float(shares[0].mean()),
        "wrong_after": float(shares[1].mean()),
        "wrong_less": mean_interval(shares[0] - shares[1]),
        "mnist_more": mean_interval(np.array([one["mnist"] / FOLDS for one in writers])),
        "refused": int(sum(one["refused"] for one in writers)),
        "broken": {"writers": len(broken), **{k: sum(one[k] for one in broken) for k in keys}},
        "each": writers,
    }


def mean_interval(values: np.ndarray) -> dict[str, float]:
    """Return a mean with the ends of its interval of 95 %, by Student's t."""
    low, high = stats.t.interval(
        0.95, len(values) - 1, values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    )
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


@cache
def open_shipped() -> Shipped:
    """Return the shipped reader of this process."""
    return Shipped()


def names_of_writers() -> list[str]:
    """Return the writers left out of training who wrote enough digits."""
    kinds, left_out = load_left_out()
    names = list(map(str, kinds[0].writer_names))
    return [
        name
        for place, name in enumerate(names)
        if name in left_out and len(kinds[0].samples_of(place)) >= FEWEST
    ]


def measure_writer(name: str) -> dict[Any, Any]:
    """Return the figures of one writer, by the number of corrections, and the seconds."""
    strokes = load_left_out()[0][0]
    place = list(map(str, strokes.writer_names)).index(name)
    rng = np.random.default_rng([7, place])
    chosen = rng.permutation(strokes.samples_of(place))[:MOST_STROKES]
    rows = np.repeat(chosen, max(2, ceil(DRAWN / len(chosen))))
    views = [
        prepare(np.asarray(draw_digit(strokes, int(row), rng), np.float32) / 255) for row in rows
    ]
    shipped = open_shipped()
    corrected = shipped.correct(views, np.array([int(strokes.label(row)) for row in rows]))
    shipped.seconds.clear()
    found = {n: shipped.writer(corrected, rows, n) | {"writer": name} for n in COUNTS}
    print(name, found, file=sys.stderr, flush=True)
    return found | {"seconds": list(shipped.seconds)}


def measure_scans() -> dict[str, Any] | None:
    """Return the figures of bhmsds, None if it is not on this machine."""
    return open_shipped().scans(*found, 100) if (found := bhmsds()) else None


def bhmsds() -> tuple[list[Images], np.ndarray] | None:
    """Return the scans that were left out of training, as they are."""
    path = Path(os.environ.get("INKFAST_DATA", "")) / "handwriting" / "bhmsds.npz"
    if not path.is_file():
        return None
    with np.load(path) as held:
        images, labels = held["images"], held["labels"].astype(np.int64)
    kept = np.flatnonzero(np.arange(len(labels)) % 10 >= 7)
    return [prepare(image / np.float32(255)) for image in images[kept]], labels[kept]


if __name__ == "__main__":
    main()
