"""Accuracy on six-digit numbers, composed of MNIST's digits on simulated paper as JPEG files.

Digits keep their writers' strokes; size, slant, distance, ink, paper, light, blur and compression
are drawn for each number. In a quarter of the numbers, two digits are moved together until they
touch. A number counts as right if all six digits are right and nothing else is read.

    python benchmarks/composed_numbers.py                    # MNIST's test rows: only for figures
    python benchmarks/composed_numbers.py --rows train --show wrong/
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from measured import record
from PIL import Image
from scipy import ndimage

from inkfast.core.digits import Digits
from inkfast.data import mnist
from inkfast.evaluation import wilson_interval
from inkfast.inference.page import open_page, read_page
from inkfast.inference.page_result import Page
from inkfast.inference.reader import Reader

PAPERS = ("textured", "ruled", "squared", "shadowed")
INKS = (
    (25, 25, 30),
    (20, 40, 130),
    (150, 25, 30),
    (20, 90, 50),
    (75, 75, 80),
)  # RGB; the last one is pencil
OUTCOMES = ("right", "unsure", "wrong")
MAX_ERRORS = (None, 0.01)  # `--max-error`: the shipped reader's own, and 1 %
DIGITS = 6
TOUCHING = 0.25  # of the numbers have two digits that touch


def compose(
    digits: Digits, rows: np.ndarray, paper: str, rng: np.random.Generator
) -> tuple[bytes, str]:
    """Return a JPEG file of one number and the number."""
    height = int(rng.integers(26, 90))  # pixels of a digit of 20 in MNIST
    ink = _line(digits.images[rows], height, rng)
    return photograph(ink, height, paper, rng), "".join(map(str, digits.known_labels[rows]))


def photograph(ink: np.ndarray, height: int, paper: str, rng: np.random.Generator) -> bytes:
    """Return a JPEG file of ink ``(h, w)`` in [0, 1] on paper; `height` is that of a digit."""
    room = rng.integers(height // 3, 2 * height, 4)
    ink = np.pad(ink, ((room[0], room[1]), (room[2], room[3])))
    page = _paper(paper, ink.shape, height, rng)
    colour = np.array(INKS[rng.integers(len(INKS))])
    page = page * (1 - ink[..., None] * (1 - colour / 255 * rng.uniform(0.8, 1.1)))
    page = ndimage.gaussian_filter(page, (*[rng.uniform(0, 0.03) * height] * 2, 0))
    page += rng.normal(0, rng.uniform(0, 0.02), page.shape)
    buffer = io.BytesIO()
    photo = Image.fromarray(np.rint(255 * np.clip(page, 0, 1)).astype(np.uint8))
    photo.save(buffer, "JPEG", quality=int(rng.integers(50, 95)))
    return buffer.getvalue()


def _line(images: np.ndarray, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return the ink ``(h, w)`` of digits in a line, in [0, 1]."""
    slant, scale = rng.uniform(-0.25, 0.35), height / 20
    touching = rng.integers(1, DIGITS) if rng.random() < TOUCHING else 0
    canvas = np.zeros((2 * height, 2 * height * (len(images) + 1)), np.float32)
    right = height // 2
    for index, image in enumerate(images):
        digit = _enlarged(image, scale * rng.uniform(0.85, 1.15), slant)
        top = (len(canvas) - len(digit)) // 2 + round(rng.normal(0, 0.05) * height)
        if index and index == touching:
            left = _until_touching(canvas, digit, top, right)
        else:
            left = right + round(rng.uniform(0.12, 0.5) * height)
        region = canvas[top : top + digit.shape[0], left : left + digit.shape[1]]
        np.maximum(region, digit, out=region)
        right = left + digit.shape[1]
    rows, columns = np.nonzero(canvas > 0.1)
    return canvas[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _enlarged(image: np.ndarray, scale: float, slant: float) -> np.ndarray:
    """Return a digit's ink, enlarged and slanted, without margins."""
    side = round(28 * scale)
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    wide = (2 * side, side)
    shear = (1, slant, -side / 2 - slant * side / 2, 0, 1, 0)
    ink = np.asarray(large.transform(wide, Image.Transform.AFFINE, shear, Image.Resampling.BICUBIC))
    rows, columns = np.nonzero(ink > 60)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] / np.float32(255)
    return np.clip(1.6 * ink - 0.25, 0, 1)


def _until_touching(canvas: np.ndarray, digit: np.ndarray, top: int, right: int) -> int:
    """Return the column at which a digit, moved to the left, first touches ink."""
    before = canvas[top : top + len(digit)]
    for left in range(right, 0, -1):
        if (before[:, left : left + digit.shape[1]] * digit).max() > 0.3:
            return left
    return right


def _paper(kind: str, shape: tuple[int, ...], height: int, rng: np.random.Generator) -> np.ndarray:
    """Return a page ``(h, w, 3)`` in [0, 1]."""
    page = np.ones((*shape, 3)) * rng.uniform(0.8, 0.97, 3).clip(0.82)
    grain = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.5, 3))
    page *= 1 + rng.uniform(0.005, 0.025) * (grain / grain.std())[..., None]
    y, x = np.mgrid[: shape[0], : shape[1]]
    if kind in ("ruled", "squared"):
        step = height * rng.uniform(1.3, 1.8) if kind == "ruled" else height * rng.uniform(0.4, 0.8)
        width, tilt = max(1.0, rng.uniform(0.015, 0.04) * height), rng.uniform(-0.02, 0.02)
        shade = 1 - rng.uniform(0.12, 0.4) * np.array([1, 0.8, 0.4])
        away = [(y + tilt * x + rng.uniform(0, step)) % step]
        away += [(x - tilt * y + rng.uniform(0, step)) % step] if kind == "squared" else []
        lines = np.max(
            [np.clip(width / 2 + 0.5 - np.abs(a - step / 2), 0, 1) for a in away], axis=0
        )
        page *= 1 - lines[..., None] * (1 - shade)
    angle = rng.uniform(0, 2 * np.pi)
    along = (np.cos(angle) * x + np.sin(angle) * y) / max(shape)
    page *= 1 - rng.uniform(0, 0.25) * (along - along.min())[..., None]
    if kind == "shadowed":
        edge = (along - rng.uniform(along.min(), along.max())) * max(shape)
        page *= 1 - rng.uniform(0.2, 0.55) / (1 + np.exp(-edge / rng.uniform(2, 40)))[..., None]
    return page


def judge(page: Page, number: str) -> str:
    """Return right, unsure or wrong."""
    read = "".join(number.marked_text for number in page.numbers)
    return "right" if read == number else "unsure" if "?" in read else "wrong"


def main() -> None:
    """Compose numbers, read them and record the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", choices=("test", "train"), default="test")
    parser.add_argument("--numbers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--show", type=Path, help="folder for the numbers that were not read right")
    args = parser.parse_args()
    source = mnist.load_mnist()
    digits = source.test if args.rows == "test" else source.train
    assert digits is not None  # noqa: S101 - MNIST has both parts
    readers = [Reader.open(args.model, max_error, threads=1) for max_error in MAX_ERRORS]
    rng = np.random.default_rng(args.seed)
    counts = [{paper: dict.fromkeys(OUTCOMES, 0) for paper in PAPERS} for _ in readers]
    seconds = 0.0
    for turn in range(args.numbers):
        paper = PAPERS[turn % len(PAPERS)]
        file, number = compose(digits, rng.integers(len(digits), size=DIGITS), paper, rng)
        for index, reader in enumerate(readers):
            start = time.perf_counter()
            page = read_page(open_page(file), reader)
            seconds += time.perf_counter() - start
            outcome = judge(page, number)
            counts[index][paper][outcome] += 1
            if args.show and index == 0 and outcome != "right":
                show(args.show, file, page, f"{turn:05}-{outcome}-{number}-{paper}")
    name = "composed_numbers" if args.rows == "test" else "composed_numbers_train"
    record(
        name,
        f"python benchmarks/composed_numbers.py --rows {args.rows} --numbers {args.numbers}",
        {
            "rows": args.rows,
            "numbers": args.numbers,
            "seed": args.seed,
            "model": args.model,
            "promises": [
                {"max_error": max_error, **shares(own, args.numbers)}
                for max_error, own in zip(MAX_ERRORS, counts, strict=True)
            ],
            "milliseconds_per_number": 1000 * seconds / len(readers) / args.numbers,
        },
    )


def show(folder: Path, file: bytes, page: Page, name: str) -> None:
    """Write the image of a number with an overlay of what was read."""
    from inkfast.inference.overlay import draw_overlay

    folder.mkdir(parents=True, exist_ok=True)
    draw_overlay(open_page(file).rgb, page).save(folder / f"{name}.png")


def shares(papers: dict[str, dict[str, int]], n: int) -> dict[str, Any]:
    """Return the share of each outcome, and the counts on each paper."""
    right, unsure, wrong = (sum(paper[word] for paper in papers.values()) for word in OUTCOMES)
    return {
        "right": right / n,
        "right_ci95": wilson_interval(right / n, n),
        "unsure": unsure / n,
        "wrong": wrong / n,
        "papers": papers,
    }


if __name__ == "__main__":
    main()
