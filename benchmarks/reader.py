"""Measure the shipped reader: on handwriting of others, on what is no digit, and how fast it is.

Run: .venv/bin/python benchmarks/reader.py [HANDWRITING]

Figures under noise come from benchmarks/recipes.py. HANDWRITING is a folder with `phone/D/*.png`
and `bhmsds.npz`, digits of writers that MNIST has none of; without it that part is left out. The
8-bit file is made from the run folder of recipes/flagship.toml, if there is one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measured import ROOT, record, spread

sys.path.insert(0, str(ROOT))

from sklearn.metrics import roc_auc_score

from inkfast import data, noise
from inkfast.data.folder import load as load_folder
from inkfast.data.paper import normalise
from inkfast.evaluation.scores import wilson_interval
from inkfast.files import sha256
from inkfast.reading.classifier import Classifier
from inkfast.reading.reader import SHIPPED, Reader
from tests.reading.nondigits import KINDS, make

TURNS = 15
FLAGSHIP = Path("runs") / "flagship"


def main() -> None:
    """Measure everything that can be, and record it with the SHA-256 of the file it is about."""
    source = data.load("mnist")
    test = source.test or source.train
    reader = Reader.open(threads=1)
    content = (SHIPPED / "reader.onnx").read_bytes()
    about = reader.classifier.about.values
    figures: dict[str, Any] = {
        "sha256": sha256(content), "bytes": len(content),
        "about": {key: about[key] for key in ABOUT},
        "non_digits": non_digits(reader, test.images),
        "float": speed(reader.classifier, test.images),
        "process_seconds": spread([process_seconds(test.images[0]) for _ in range(TURNS)]),
    }  # fmt: skip
    if len(sys.argv) > 1:
        figures["handwriting"] = handwriting(reader, Path(sys.argv[1]))
    if FLAGSHIP.is_dir():
        figures["int8"] = eight_bits(reader, test)
    draw_failures(reader, test)
    record("reader", "python benchmarks/reader.py HANDWRITING", figures)


ABOUT = ("model", "max_error", "threshold", "temperature", "calibration_digits", "promises", "seed")


def handwriting(reader: Reader, folder: Path) -> list[dict[str, Any]]:
    """Read both sets from their files, brought to MNIST's frame as any picture is."""
    phone = load_folder(folder / "phone").train
    with np.load(folder / "bhmsds.npz") as held:
        images, labels = held["images"], held["labels"]
    sets = {
        "phone": (phone.images, phone.known_labels),
        "bhmsds": (np.stack([normalise(image / 255) for image in images]), labels),
        "bhmsds, as it is": (images, labels),
    }
    return [{"set": name, **judged(reader, *pair)} for name, pair in sets.items()]


def judged(reader: Reader, images: Any, labels: Any) -> dict[str, Any]:
    """Return accuracy of all, and what is answered and wrong among the answers."""
    answers = reader.answers(images)
    right = np.array([a.digit for a in answers]) == labels
    sure = np.array([not a.unsure for a in answers])
    return {
        "n": len(labels), "accuracy": float(right.mean()),
        "accuracy_ci95": wilson_interval(float(right.mean()), len(labels)),
        "answered": float(sure.mean()), "wrong_of_those": float((~right[sure]).mean()),
    }  # fmt: skip


def non_digits(reader: Reader, digits: Any) -> list[dict[str, Any]]:
    """Return how well confidence tells each kind from test digits, and how much is refused."""
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
    """Draw digits that it reads wrong and is sure of: three of each corruption, the surest."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = ["clean", *noise.MNIST_C]
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 6.2), layout="constrained")
        grid = figure.subplots(6, 8)
        for place, name in enumerate(names):
            digits = test if name == "clean" else noise.noisy(test, noise.build(name), 2)
            found = reader.classifier.probabilities(digits.images)
            wrong = np.flatnonzero(found.argmax(axis=1) != digits.known_labels)
            surest = wrong[np.argsort(-found[wrong].max(axis=1))][:3]
            for step, axes in enumerate(grid[3 * (place // 8) : 3 * (place // 8) + 3, place % 8]):
                axes.set_axis_off()
                if step == 0:
                    axes.set_title(name.removeprefix("mnist-c-").replace("-", " "))
                if step < len(surest):
                    row = surest[step]
                    axes.imshow(digits.images[row], cmap="gray_r", vmin=0, vmax=255)
                    axes.text(
                        0.5, -0.02, f"{digits.known_labels[row]}, read {found[row].argmax()}",
                        ha="center", va="top", transform=axes.transAxes,
                    )  # fmt: skip
        figure.savefig(ROOT / "docs" / "reader-fails.png", dpi=110)


def speed(classifier: Classifier, images: Any) -> dict[str, Any]:
    """Return images a second on one thread, and milliseconds of one image alone."""
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
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def process_seconds(image: Any) -> float:
    """Return seconds from starting a process to the answer for one picture file."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digit.png")
        Image.fromarray(image).save(path)
        words = [sys.executable, "-c", "from inkfast.cli import main; main()", "predict", str(path)]
        return seconds(lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL))


def eight_bits(reader: Reader, test: data.Digits) -> dict[str, Any]:
    """Return speed of the 8-bit file beside the float one, and accuracy lost, clean and noisy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "reader-int8.onnx")
        words = ["export", str(FLAGSHIP), "--int8", "--to", str(path)]
        subprocess.run([sys.executable, "-c", "from inkfast.cli import main; main()", *words],
                       check=True)  # fmt: skip
        small = Classifier.open(path, threads=1)
        size = path.stat().st_size
    noisy = noise.noisy(test, noise.build(reader.classifier.about.text("training_noise")), 1)
    lost = {
        name: accuracy(reader.classifier, digits) - accuracy(small, digits)
        for name, digits in (("clean", test), ("training noise", noisy))
    }
    return {"bytes": size, "points_lost": lost, **speed(small, test.images)}


def accuracy(classifier: Classifier, digits: data.Digits) -> float:
    """Return the share read right."""
    found = classifier.probabilities(digits.images).argmax(axis=1)
    return float((found == digits.known_labels).mean())


if __name__ == "__main__":
    main()
