"""A review of 60 numbers by keyboard in Chromium, and of a server that is killed 50 times.

Run: .venv/bin/python benchmarks/review.py
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from measured import ROOT, record, spread
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(ROOT))

from inkfast.inference.corrections import load_corrections
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.serving.limits import Limits
from inkfast.serving.review_app import build_review_app
from inkfast.serving.review_items import Review
from inkfast.serving.server import Server
from tests.serving.review_makers import TOKEN, number_answers, reviewing, truth

NUMBERS, KILLS = 60, 50
_MOST_SAVES = 8  # before a server is killed


def main() -> None:
    """Measure both."""
    with tempfile.TemporaryDirectory() as folder:
        killed = kill_servers(number_answers(Path(folder)))
        typed = review_by_keyboard(number_answers(Path(folder), NUMBERS, "numbers.csv"))
    record("review", "python benchmarks/review.py", {"keyboard": typed, "killed": killed})


def review_by_keyboard(answers: Path) -> dict[str, Any]:
    """Check every number with keys alone, as fast as the page takes them."""
    with reviewing(answers) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page()
        page.goto(address)
        seconds = [_check_shown(page) for _ in range(NUMBERS)]
        page.wait_for_function("() => document.body.dataset.unsaved === '0'")
        chromium.close()
    saved = load_corrections(answers)
    return {
        "numbers": NUMBERS,
        "saved": sum(one.corrected == truth(int(one.values["number"])) for one in saved),
        "seconds_per_number": spread(seconds),
    }


def _check_shown(page: Page) -> float:
    """Wait for the image of a number, accept or correct it, and return the seconds taken."""
    start = time.perf_counter()
    page.wait_for_function("() => document.getElementById('photo').complete")
    place = int(page.inner_text("#source").rpartition(" ")[2])
    if place % 3 == 0:
        page.keyboard.type(truth(place))
    page.keyboard.press("Enter")
    return time.perf_counter() - start


def kill_servers(answers: Path) -> dict[str, Any]:
    """Save corrections until the server is killed; count those that were acknowledged and lost."""
    rng = np.random.default_rng(0)
    counts = [_kill_one(answers, rng) for _ in range(KILLS)]
    return {
        "kills": KILLS,
        "acknowledged": sum(acknowledged for acknowledged, _ in counts),
        "lost": sum(lost for _, lost in counts),
    }


def _kill_one(answers: Path, rng: np.random.Generator) -> tuple[int, int]:
    """Return how many corrections a server acknowledged, and how many of the last are lost.

    It is killed at a random moment of the two saves that follow a random number of others.
    """
    known = {one.row: one.corrected for one in _corrections(answers)}
    child, url = _start_server(answers)
    acknowledged, last, asked = 0, int(rng.integers(1, _MOST_SAVES)), dict(known)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    client = httpx.Client(base_url=url, headers=headers, timeout=60)
    with suppress(httpx.HTTPError), client:
        while True:
            row, text = acknowledged % 6 + 1, str(acknowledged)
            asked[row] = text
            start = time.perf_counter()
            body = {"corrected": text, "was": known.get(row, "")}
            client.put(f"/v1/review/{row}", json=body).raise_for_status()
            known[row] = text
            acknowledged += 1
            if acknowledged == last:
                after = rng.uniform(0, 2 * (time.perf_counter() - start))
                threading.Timer(after, os.kill, (child, signal.SIGKILL)).start()
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = {one.row: one.corrected for one in _corrections(answers)}
    lost = [row for row, text in known.items() if found.get(row) not in (text, asked[row])]
    return acknowledged, len(lost)


def _start_server(answers: Path) -> tuple[int, str]:
    """Return the process of a server that has been started, and its address."""
    hears, says = os.pipe()
    child = os.fork()
    if not child:
        try:
            _serve_forked(answers, says)
        finally:
            os._exit(1)
    os.close(says)
    with open(hears, encoding="ascii") as pipe:
        return child, pipe.readline().strip()


def _corrections(answers: Path) -> list[Any]:
    with CorrectionsFile(answers) as file:
        return list(file.corrections.values())


def _serve_forked(answers: Path, says: int) -> None:
    def ready(url: str) -> None:
        os.write(says, f"{url}\n".encode())

    with CorrectionsFile(answers) as file:
        app = build_review_app(Review(file, "least-sure", None, "ana"), TOKEN, Limits())
        Server(app, "127.0.0.1", 0, Limits(), ready).run()


if __name__ == "__main__":
    main()
