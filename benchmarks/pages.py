"""Pages: what is found on them, whether they are turned upright, and how long that takes.

Pages are composed of the strokes of the UniPen writers that trained nothing. A number is found if
a box has its middle and that of no other number.

    python benchmarks/pages.py
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections import Counter
from typing import Any

import numpy as np
from handwriting_composed import load_left_out
from measured import record, spread
from PIL import Image

from inkfast.core.intervals import wilson_interval
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page import open_page, read_page
from inkfast.inference.page_result import Page, PixelBox
from inkfast.synthetic.hands import StrokeLibrary
from inkfast.synthetic.page_layouts import LAYOUTS
from inkfast.synthetic.pages import ComposedPage, compose_layout
from inkfast.synthetic.strips import Handwriting

SEED = 11
SIZE = (480, 640)  # height and width of a page, in pixels
HEIGHTS = (18, 48)  # pixels of a digit
FULL_PAGE = ((1600, 1250), 30)  # size of a page of about 100 numbers, and height of a digit
PHOTOGRAPH = (4000, 3000)  # width and height: 12 megapixels
TIMES = 5


def file_of(image: Image.Image) -> bytes:
    """Return a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def box_of(corners: np.ndarray) -> PixelBox:
    """Return the upright rectangle around corners ``(4, 2)``."""
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    left, top, right, bottom = (int(side) for side in (*low, *high))
    return left, top, right - left, bottom - top


def covers(box: PixelBox, other: PixelBox) -> bool:
    """Return whether a box has the middle of another one."""
    return all(box[k] <= other[k] + other[k + 2] / 2 <= box[k] + box[k + 2] for k in (0, 1))


def count_found(page: Page, composed: ComposedPage) -> Counter[str]:
    """Return how many numbers there are, are found, and are read where there is none."""
    height, width = composed.image.shape
    boxes = [box_of(corners) for corners in composed.numbers]
    numbers = [box for box in boxes if covers((0, 0, width, height), box)]
    ignored = [box_of(corners) for corners in composed.ignored]
    found = false = 0
    for read in page.numbers:
        inside = sum(covers(read.box, box) for box in numbers)
        found += inside == 1
        false += not inside and not any(covers(box, read.box) for box in numbers + ignored)
    return Counter(numbers=len(numbers), found=found, false=false, pages=1)


def measure_layouts(reader: NumberReader, hands: Handwriting, pages: int) -> list[dict[str, Any]]:
    """Return what is found on pages of each layout, and how many are turned upright."""
    rows = []
    for name in LAYOUTS:
        rng = np.random.default_rng(SEED)
        counts = Counter(kept=0, turned=0)
        for _ in range(pages):
            composed = compose_layout(hands, rng, name, SIZE, float(rng.uniform(*HEIGHTS)))
            image = Image.fromarray(composed.image)
            page = read_page(open_page(file_of(image)), reader)
            counts.update(count_found(page, composed))
            counts["kept"] += page.turned == 0
            turn = int(rng.choice([90, 180, 270]))
            turned = file_of(image.rotate(turn, expand=True))
            counts["turned"] += read_page(open_page(turned), reader).turned == turn
        rows.append({"layout": name, **counts})
    return rows


def measure_seconds(reader: NumberReader, hands: Handwriting) -> list[dict[str, Any]]:
    """Return the seconds that a page of many numbers takes, as it is and as a photograph."""
    size, height = FULL_PAGE
    composed = compose_layout(hands, np.random.default_rng(SEED), "columns", size, height)
    page = Image.fromarray(composed.image)
    rows = []
    for name, image in (("a page", page), ("12 megapixels", page.resize(PHOTOGRAPH[::-1]))):
        content, seconds = file_of(image), []
        for _ in range(TIMES):
            start = time.perf_counter()
            read = read_page(open_page(content), reader)
            seconds.append(time.perf_counter() - start)
        rows.append({"what": name, "numbers": len(read.numbers), "seconds": spread(seconds)})
    return rows


def main() -> None:
    """Compose pages, read them and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=40, help="pages of each layout")
    pages = parser.parse_args().pages
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    reader = NumberReader.open(threads=1)
    kinds, left_out = load_left_out()
    hands = Handwriting(StrokeLibrary(*kinds, left_out))
    layouts = measure_layouts(reader, hands, pages)
    written = [row for row in layouts if row["layout"] != "bare"]
    record("pages", f"python benchmarks/pages.py --pages {pages}", {
        "layouts": layouts,
        "found": share_of(written, "found", "numbers"),
        "kept": share_of(written, "kept", "pages"),
        "turned": share_of(written, "turned", "pages"),
        "seconds": measure_seconds(reader, hands),
    })  # fmt: skip


def share_of(rows: list[dict[str, Any]], key: str, whole: str) -> dict[str, Any]:
    """Return a count of all rows as a share of another one, with its 95 % interval."""
    n = sum(row[whole] for row in rows)
    share = sum(row[key] for row in rows) / n
    return {"value": share, "ci95": wilson_interval(share, n), "n": n}


if __name__ == "__main__":
    main()
