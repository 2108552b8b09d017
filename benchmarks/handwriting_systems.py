"""The programs that read the same files of handwriting: inkfast, RapidOCR and Tesseract.

Each has settings. Those of the other programs are tried on some images of every set, and the
setting that reads most of them right is taken for the whole set, which favours these programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from handwriting_judging import Answer
from handwriting_sets import HandwritingSet
from PIL import Image, ImageOps

import inkfast

PREPARED_HEIGHT = 64  # pixels: about the height of text at 300 dots per inch that OCR expects
TESSERACT_MODES = {"digit": (10, 13, 7), "number": (7, 13), "page": (6, 11, 7)}


@dataclass(frozen=True)
class Setting:
    """How a program is used.

    Attributes:
        name: What a user would write.
        prepared: Whether images are made dark on white, large enough and with a margin first.
        arguments: Arguments of the program.
    """

    name: str
    prepared: bool = False
    arguments: tuple[str, ...] = ()


class System(Protocol):
    """A program that reads handwriting on one thread."""

    name: str
    versions: dict[str, str]

    def settings(self, images: HandwritingSet) -> Sequence[Setting]:
        """Return the settings to choose from."""

    def read(self, paths: Sequence[Path], images: HandwritingSet, setting: Setting) -> list[Answer]:
        """Return the answer to each file."""


class MissingSystemError(Exception):
    """Says why a program cannot be measured."""


class Inkfast:
    """inkfast, as Python's users call it and as the commands `predict` and `read` do."""

    name = "inkfast"

    def __init__(self, model: str | None = None) -> None:
        self._reader = inkfast.load_reader(model, threads=1)
        self.versions = {"inkfast": version("inkfast"), "onnxruntime": version("onnxruntime")}

    def settings(self, images: HandwritingSet) -> Sequence[Setting]:
        """Return the one setting, with the options of the set."""
        command = "predict" if images.kind == "digit" else "read"
        flags = [
            f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}")
            for name, value in images.options.items()
        ]
        return [Setting(" ".join([command, *flags]))]

    def read(self, paths: Sequence[Path], images: HandwritingSet, setting: Setting) -> list[Answer]:
        """Return the answer to each file; an image that is refused is unsure."""
        answer = self._predict if images.kind == "digit" else self._read
        return [answer(path, images.options) for path in paths]

    def _predict(self, path: Path, options: dict[str, Any]) -> Answer:
        try:
            prediction = self._reader.predict(path, **options)[0]
        except inkfast.InkfastError as error:
            return Answer("", str(error))
        return Answer(str(prediction.digit), prediction.unsure)

    def _read(self, path: Path, options: dict[str, Any]) -> Answer:
        try:
            page = self._reader.read(path, **options)
        except inkfast.InkfastError as error:
            return Answer("", str(error))
        return page_answer(page)


def page_answer(page: inkfast.Page) -> Answer:
    """Return the numbers of a page, line by line, with the best guess of each."""
    lines: dict[int, list[str]] = {}
    for number in page.numbers:
        lines.setdefault(number.line, []).append(number.text)
    reasons = dict.fromkeys(number.unsure for number in page.numbers if number.unsure)
    return Answer("|".join(" ".join(line) for line in lines.values()), "; ".join(reasons))


class RapidOcr:
    """RapidOCR with its PP-OCR models: text is found, turned upright and recognised."""

    name = "RapidOCR"

    def __init__(self) -> None:
        self._engine = _open_rapidocr()
        self.versions = {"rapidocr_onnxruntime": version("rapidocr_onnxruntime")}

    def settings(self, images: HandwritingSet) -> Sequence[Setting]:
        """Return both ways to give an image."""
        return _given_or_prepared("defaults")

    def read(self, paths: Sequence[Path], images: HandwritingSet, setting: Setting) -> list[Answer]:
        """Return the answer to each file."""
        return [Answer(join_boxes(self._engine(str(path))[0] or [])) for path in paths]


class RapidOcrRecognition(RapidOcr):
    """The recognition of RapidOCR alone, on the whole image as one line."""

    name = "RapidOCR, recognition alone"

    def settings(self, images: HandwritingSet) -> Sequence[Setting]:
        """Return both ways to give an image."""
        return _given_or_prepared("use_det=False, use_cls=False")

    def read(self, paths: Sequence[Path], images: HandwritingSet, setting: Setting) -> list[Answer]:
        """Return the answer to each file."""
        found = [self._engine(str(path), use_det=False, use_cls=False)[0] or [] for path in paths]
        return [Answer(" ".join(text for text, _ in lines)) for lines in found]


def _open_rapidocr() -> Any:
    try:
        import cv2
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        raise MissingSystemError(
            f"{error}; pip install -r benchmarks/requirements.txt, and opencv-python-headless "
            "where libGL is missing"
        ) from None
    cv2.setNumThreads(1)
    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def join_boxes(found: Iterable[Sequence[Any]]) -> str:
    """Return the texts of boxes, line by line, each line from left to right.

    Args:
        found: Four corners (x, y), the text and its score, for each box.
    """
    boxes = [
        (min(x for x, _ in corners), min(y for _, y in corners), max(y for _, y in corners), text)
        for corners, text, _ in found
    ]
    lines: list[list[tuple[float, float, float, str]]] = []
    for box in sorted(boxes, key=lambda box: box[1] + box[2]):
        middle = (box[1] + box[2]) / 2
        if lines and middle < lines[-1][0][2]:  # above the foot of the line's first box
            lines[-1].append(box)
        else:
            lines.append([box])
    return "|".join(" ".join(text for *_, text in sorted(line)) for line in lines)


class Tesseract:
    """Tesseract's LSTM for English, restricted to the characters of the set."""

    name = "Tesseract"

    def __init__(self) -> None:
        if not shutil.which("tesseract"):
            raise MissingSystemError("no tesseract on the path; apt-get install tesseract-ocr")
        shown = subprocess.run(["tesseract", "--version"], check=True, capture_output=True)
        self.versions = {"tesseract": shown.stdout.decode().split()[1]}

    def settings(self, images: HandwritingSet) -> Sequence[Setting]:
        """Return each page segmentation mode that suits, with both ways to give an image."""
        return [
            setting
            for mode in TESSERACT_MODES[images.kind]
            for setting in _given_or_prepared(f"--psm {mode}", "--psm", str(mode))
        ]

    def read(self, paths: Sequence[Path], images: HandwritingSet, setting: Setting) -> list[Answer]:
        """Return the answer to each file; one process reads all."""
        allowed = images.keep.replace(" ", "").replace("|", "")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
            listed.write("".join(f"{path}\n" for path in paths))
            listed.flush()
            words = ["tesseract", listed.name, "-", "-l", "eng", *setting.arguments,
                     "-c", f"tessedit_char_whitelist={allowed}"]  # fmt: skip
            environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
            ran = subprocess.run(words, check=True, capture_output=True, env=environment)
        pages = ran.stdout.decode().split("\f")
        if len(pages) != len(paths):
            raise RuntimeError(f"expected {len(paths)} pages of tesseract, got {len(pages)}")
        return [Answer("|".join(page.splitlines())) for page in pages]


def _given_or_prepared(name: str, *arguments: str) -> list[Setting]:
    return [Setting(name, False, arguments), Setting(f"{name}, prepared", True, arguments)]


def prepare(path: Path, to: Path) -> Path:
    """Write an image as other programs like it best, as PNG, and return its path.

    Text becomes dark on white, at least `PREPARED_HEIGHT` pixels high, with a margin.
    """
    with Image.open(path) as opened:
        rgba = ImageOps.exif_transpose(opened).convert("RGBA")
    grey = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L")
    edge = _border_brightness(grey)
    if edge < 128:
        grey, edge = ImageOps.invert(grey), 255 - edge
    scale = max(1.0, PREPARED_HEIGHT / grey.height)
    size = (round(scale * grey.width), round(scale * grey.height))
    enlarged = grey.resize(size, Image.Resampling.BICUBIC)
    ImageOps.expand(enlarged, border=min(size) // 4, fill=edge).save(to)
    return to


def _border_brightness(grey: Image.Image) -> int:
    """Return the median brightness of an image's outermost pixels."""
    pixels = np.asarray(grey)
    return int(np.median(np.concatenate([*pixels[[0, -1]], *pixels[:, [0, -1]].T])))


SYSTEMS = {
    "inkfast": Inkfast,
    "rapidocr": RapidOcr,
    "rapidocr-recognition": RapidOcrRecognition,
    "tesseract": Tesseract,
}
