"""Answers about a page of numbers, and a server that reviews them."""

from __future__ import annotations

import csv
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from PIL import Image

from inkfast.inference.columns import DIGIT_COLUMNS, NUMBER_COLUMNS
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.serving.limits import Limits
from inkfast.serving.review_app import build_review_app
from inkfast.serving.review_items import Review
from inkfast.serving.server import Server
from tests.serving.makers import drawn

TOKEN = "t" * 32
DOCUMENTS = Path(__file__).parents[2] / "docs"
_WIDE, _HIGH = 300, 120  # pixels of a number's place on the page


def number_answers(folder: Path, n: int = 6, name: str = "answers.csv") -> Path:
    """Write a page of numbers and answers about it, of which those with an even number are unsure.

    Number 1 is 10, number 2 is 20, and so on; every third answer is wrong.
    """
    page = Image.new("L", (4 * _WIDE, -(-n // 4) * _HIGH), 240)
    rows = []
    for place in range(1, n + 1):
        left, top = (place - 1) % 4 * _WIDE + 30, (place - 1) // 4 * _HIGH + 10
        for at, sign in enumerate(truth(place)):
            page.paste(drawn(int(sign), 100), (left + 70 * at, top))
        answer = "77" if place % 3 == 0 else truth(place)
        values = {
            "file": "page.png", "page": 1, "line": 1, "number": place, "text": answer,
            "confidence": 0.5 + place / (4 * n), "runner_up_text": truth(place),
            "runner_up_confidence": 0.25, "unsure": "" if place % 2 else "it may be 1 or 7",
            "left": left, "top": top, "width": 70 * len(truth(place)) + 30, "height": 100,
            "slope": 0.0, "turned": 0, "error": "",
        }  # fmt: skip
        rows.append([values[name] for name in NUMBER_COLUMNS])
    page.save(folder / "page.png")
    return _written(folder / name, NUMBER_COLUMNS, rows)


def example_answers(folder: Path) -> Path:
    """Write what was read on the example form of the documents."""
    shutil.copy(DOCUMENTS / "example-form.jpg", folder)
    file, unsure = "example-form.jpg", "it may be 1.250,68 or 1250,68"
    rows: list[list[object]] = [
        [file, 1, 1, 1, "12/05/26", 0.9977, "12/05126", 0.0015, "", 509, 33, 327, 78, 0.64, 0, ""],
        [file, 1, 2, 2, "1.250,68", 0.83, "1250,68", 0.14, unsure, 90, 146, 312, 95, 1.89, 0, ""],
        [file, 1, 3, 3, "90210", 0.9373, "90270", 0.036, "", 105, 283, 338, 95, 0.07, 0, ""],
    ]
    return _written(folder / "form.csv", NUMBER_COLUMNS, rows)


def truth(place: int) -> str:
    """Return what is written at a place of the page."""
    return str(10 * place)


def digit_answers(folder: Path) -> Path:
    """Write images of one digit and answers about them: 4 was read as 9, an empty one as nothing."""
    drawn(4).save(folder / "4.png")
    Image.new("L", (280, 280), 255).save(folder / "empty.png")
    rows = [
        ["4.png", 1, 9, 0.6, 4, 0.3, "it may be 9 or 4", ""],
        ["empty.png", 1, "", "", "", "", "no ink was found", ""],
        ["lost.png", 1, 3, 0.99, 8, 0.01, "", ""],
    ]
    return _written(folder / "digits.csv", DIGIT_COLUMNS, rows)


def _written(path: Path, columns: tuple[str, ...], rows: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return path


@contextmanager
def reviewing(answers: Path, order: str = "least-sure") -> Iterator[str]:
    """Run the server of a review in a thread; its address with the token."""
    limits = Limits()
    urls: Queue[str] = Queue()
    with CorrectionsFile(answers) as file:
        app = build_review_app(Review(file, order, None, "ana"), TOKEN, limits)
        server = Server(app, "127.0.0.1", 0, limits, urls.put)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield f"{urls.get(timeout=60)}#token={TOKEN}"
        finally:
            server.should_exit = True
            thread.join(20)
