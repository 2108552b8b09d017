"""Accuracy and speed of the shipped reader: corruptions, other writers, non-digits, 8 bits.

Run: .venv/bin/python benchmarks/reader.py

Handwriting of writers that are not in MNIST is read where it lies, see `handwritten_sets`. Without
it, figures that an earlier call measured of the same file are kept, with their machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from handwritten_sets import LabelledSet, handwritten_sets, prepare, read_set
from inference import side_by_side
from measured import ROOT, load_recorded, record, spread

sys.path.insert(0, str(ROOT))

from sklearn.metrics import roc_auc_score

from inkfast import data, noise
from inkfast.core.digits import Images
from inkfast.core.io import sha256
from inkfast.experiments.onnx_export import quantize
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import SHIPPED_FOLDER, Prediction, Reader
from tests.inference.non_digits import KINDS, make

TURNS = 15
SUITE_TURNS = 1


def main() -> None:
    """Measure everything, and record it with the SHA-256 of the reader's file."""
    source = data.load("mnist")
    test = source.test or source.train
    reader = Reader.open(threads=1)
    content = (SHIPPED_FOLDER / "reader.onnx").read_bytes()
    about = reader.classifier.metadata.values
    figures: dict[str, Any] = {
        "sha256": sha256(content), "bytes": len(content),
        "about": {key: about[key] for key in ABOUT},
        "non_digits": non_digits(reader, test.images),
        "float": speed(reader.classifier, test.images),
        "process_seconds": spread([process_seconds(test.images[0]) for _ in range(TURNS)]),
        "corruptions": corruptions(),
    }  # fmt: skip
    training_noise = noise.build_noise(about["training_noise"])
    seen = noise.noisy(source.train.pick(np.arange(1000), "for the ranges"), training_noise, 0)
    smaller = quantize(content, seen.images)
    small = OnnxClassifier(smaller, "in 8 bits", threads=1)
    figures["int8"] = {"bytes": len(smaller), **eight_bits(reader, small, test, training_noise)}
    classifiers = {"ONNX Runtime": reader.classifier, "ONNX Runtime, 8 bits": small}
    figures["inference"] = side_by_side(classifiers, test.images[:2000], turns=TURNS, threads=1)
    if found := handwriting(reader):
        figures["handwriting"] = found
    draw_failures(reader, test)
    record("reader", "python benchmarks/reader.py", figures | kept(figures))


def kept(figures: dict[str, Any]) -> dict[str, Any]:
    """Return handwriting figures of an earlier call for the same file, with their machine."""
    before = load_recorded("reader")
    if "handwriting" in figures or "handwriting" not in before:
        return {}
    if before["sha256"] != figures["sha256"]:
        return {}
    return {
        "handwriting": before["handwriting"],
        "handwriting_machine": before.get("handwriting_machine", before["machine"]),
    }


def corruptions() -> dict[str, Any]:
    """Run `inkfast robustness` on the shipped file; return seconds and scores."""
    words = [
        "robustness",
        str(SHIPPED_FOLDER / "reader.onnx"),
        "--suite",
        "mnist-c",
        "--data",
        "mnist",
    ]
    with tempfile.TemporaryDirectory() as folder:
        words += ["--out", folder, "--overwrite"]
        spent = [seconds(lambda: inkfast(*words)) for _ in range(SUITE_TURNS)]
        found = json.loads(Path(folder, "robustness.json").read_text(encoding="utf-8"))
    images = sum(row["n"] for row in found["rows"] if row["noise"] != "clean")
    return {
        "seconds": spread(spent), "images": images,
        **{key: found[key] for key in ("suite", "seed", "max_error", "models", "rows")},
    }  # fmt: skip


def inkfast(*words: str) -> None:
    """Run a command in a new process, without its output."""
    program = [sys.executable, "-c", "from inkfast.cli import main; main()", *words]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


ABOUT = ("model", "max_error", "threshold", "temperature", "calibration_digits", "promises", "seed")


def handwriting(reader: Reader) -> list[dict[str, Any]]:
    """Return the scores on every set of other people's handwriting that is on this machine."""
    rows = []
    for images in handwritten_sets():
        scores, answers = read_set(images, reader)
        if images.name == SHOWN:
            scores["unsure_files"] = unsure(answers, images)
        rows.append(scores)
    return rows


SHOWN = "phone, left out"  # the set whose unsure digits are named and drawn


def unsure(answers: list[Prediction], images: LabelledSet) -> list[dict[str, Any]]:
    """Return file, label and prediction of each digit that the reader is unsure of; draw them."""
    doubtful = [
        (one, answer) for one, answer in zip(images.images, answers, strict=True) if answer.unsure
    ]
    draw(
        [(prepare(one.grey)[0], f"{one.label}, read {answer.digit}") for one, answer in doubtful],
        ROOT / "docs" / "reader-unsure.png",
    )
    return [
        {
            "file": one.name, "label": one.label, "digit": answer.digit,
            "confidence": answer.confidence, "reason": answer.unsure,
        }
        for one, answer in doubtful
    ]  # fmt: skip


def non_digits(reader: Reader, digits: Any) -> list[dict[str, Any]]:
    """Return the AUROC of confidence and the share rejected, for each kind of non-digit."""
    sure = confidence(reader, digits)
    rows = []
    for kind in KINDS:
        others = confidence(reader, make(kind, 1000, digits, seed=1))
        truth = np.append(np.ones(len(sure)), np.zeros(len(others)))
        rows.append({
            "kind": kind, "n": len(others),
            "auroc": float(roc_auc_score(truth, np.append(sure, others))),
            "refused": float((others < reader.threshold).mean()),
        })  # fmt: skip
    return rows


def confidence(reader: Reader, images: Any) -> Any:
    """Return the greatest probability of each image."""
    return reader.classifier.probabilities(images).max(axis=1)


def draw_failures(reader: Reader, test: data.Digits) -> None:
    """Draw the three most confident errors under each corruption."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = ["clean", *noise.MNIST_C]
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 6.2), layout="constrained")
        grid = figure.subplots(6, 8)
        for place, name in enumerate(names):
            digits = test if name == "clean" else noise.noisy(test, noise.build_noise(name), 2)
            found = reader.classifier.probabilities(digits.images)
            wrong = np.flatnonzero(found.argmax(axis=1) != digits.known_labels)
            surest = wrong[np.argsort(-found[wrong].max(axis=1))][:3]
            for step, axes in enumerate(grid[3 * (place // 8) : 3 * (place // 8) + 3, place % 8]):
                axes.set_axis_off()
                if step == 0:
                    axes.set_title(name.removeprefix("mnist-c-").replace("-", " "))
                if step < len(surest):
                    row = surest[step]
                    label = f"{digits.known_labels[row]}, read {found[row].argmax()}"
                    show(axes, digits.images[row], label)
        figure.savefig(ROOT / "docs" / "reader-fails.png", dpi=110)


def draw(shown: list[tuple[Images, str]], path: Path) -> None:
    """Draw images with a caption below each, ten per row."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    lines = max(1, -(-len(shown) // 10))
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 1.05 * lines), layout="constrained")
        for place, axes in enumerate(figure.subplots(lines, 10, squeeze=False).flat):
            axes.set_axis_off()
            if place < len(shown):
                show(axes, *shown[place])
        figure.savefig(path, dpi=110)


def show(axes: Any, image: Images, label: str) -> None:
    """Draw one image with a caption below it."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
    axes.text(0.5, -0.02, label, ha="center", va="top", transform=axes.transAxes)


def speed(classifier: OnnxClassifier, images: Any) -> dict[str, Any]:
    """Return images per second on one thread, and milliseconds for a single image."""
    many, one = images[:2000], images[:1]
    classifier.probabilities(many)
    return {
        "images_per_second": spread([
            len(many) / seconds(lambda: classifier.probabilities(many)) for _ in range(TURNS)
        ]),
        "one_image_ms": spread([
            1e3 * seconds(lambda: classifier.probabilities(one)) for _ in range(10 * TURNS)
        ]),
    }  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def process_seconds(image: Any) -> float:
    """Return seconds from the start of a process to the prediction of one image file."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digit.png")
        Image.fromarray(image).save(path)
        words = [sys.executable, "-c", "from inkfast.cli import main; main()", "predict", str(path)]
        return seconds(lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL))


def eight_bits(
    reader: Reader, small: OnnxClassifier, test: data.Digits, training_noise: noise.Chain
) -> dict[str, Any]:
    """Return speed and loss of accuracy of the 8-bit file, clean and under its training noise."""
    noisy = noise.noisy(test, training_noise, 1)
    lost = {
        name: accuracy(reader.classifier, digits) - accuracy(small, digits)
        for name, digits in (("clean", test), ("training noise", noisy))
    }
    return {"points_lost": lost, "digits": len(test), **speed(small, test.images)}


def accuracy(classifier: OnnxClassifier, digits: data.Digits) -> float:
    """Return the accuracy."""
    found = classifier.probabilities(digits.images).argmax(axis=1)
    return float((found == digits.known_labels).mean())


if __name__ == "__main__":
    main()
