"""Contact sheets of the images that a program does not read right, each with truth and answer."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handwriting_judging import Answer, comparable, judge
from handwriting_sets import HandwritingSet, Sample
from PIL import Image, ImageDraw, ImageFont, ImageOps

MARGIN, LINE, TITLE = 10, 17, 34  # pixels
LINES = 4  # of text below an image
COLOURS = {"wrong": (190, 30, 45), "unsure": (176, 120, 0)}
INK, FAINT, CARD, PAPER = (30, 30, 30), (120, 120, 120), (255, 255, 255), (236, 236, 238)
MOST_ENLARGED = 6


@dataclass(frozen=True)
class Layout:
    """Images per sheet, and the size at which each is shown."""

    columns: int
    rows: int
    width: int
    height: int


LAYOUTS = {"digit": Layout(8, 5, 136, 112), "number": Layout(4, 8, 290, 84),
           "page": Layout(3, 3, 390, 230)}  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """An image that was not read right: its answer, and whether it is wrong or unsure."""

    sample: Sample
    answer: Answer
    outcome: str


def write_sheets(
    folder: Path,
    images: HandwritingSet,
    system: str,
    samples: Sequence[Sample],
    answers: Sequence[Answer],
) -> list[Path]:
    """Write all answers as CSV and sheets of those that are wrong or unsure; older ones go.

    Returns:
        The sheets: wrong answers first, then unsure ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{images.name}-{system.lower().replace(', ', '-').replace(' ', '-')}"
    for old in folder.glob(f"{stem}-sheet-*.png"):
        old.unlink()
    judged = [
        Failure(sample, answer, judge(answer, sample.truth, images.keep))
        for sample, answer in zip(samples, answers, strict=True)
    ]
    _write_answers(folder / f"{stem}.csv", judged)
    layout = LAYOUTS[images.kind]
    failures = [one for name in COLOURS for one in judged if one.outcome == name]
    counts = ", ".join(f"{sum(f.outcome == n for f in failures)} {n}" for n in COLOURS)
    title = f"{images.name}, {system}: {counts} of {len(judged)}"
    size = layout.columns * layout.rows
    parts = [failures[start : start + size] for start in range(0, len(failures), size)]
    sheets = []
    for number, part in enumerate(parts, start=1):
        sheets.append(folder / f"{stem}-sheet-{number:02}.png")
        heading = f"{title}   (sheet {number} of {len(parts)})"
        draw_sheet(part, heading, images.keep, layout).save(sheets[-1])
    return sheets


def _write_answers(path: Path, judged: Sequence[Failure]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "truth", "answer", "outcome", "unsure"])
        for one in judged:
            file_name = str(Path(one.sample.group, one.sample.path.name))
            writer.writerow(
                [file_name, one.sample.truth, one.answer.text, one.outcome, one.answer.unsure]
            )


def draw_sheet(failures: Sequence[Failure], title: str, keep: str, layout: Layout) -> Image.Image:
    """Return a sheet of images with truth, answer and file name below each."""
    wide, high = layout.width + MARGIN, layout.height + LINES * LINE + 2 * MARGIN
    rows = -(-len(failures) // layout.columns)
    sheet = Image.new("RGB", (layout.columns * wide + MARGIN, rows * high + TITLE), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 9), title, INK, ImageFont.load_default(16))
    for place, failure in enumerate(failures):
        row, column = divmod(place, layout.columns)
        at = MARGIN + column * wide, TITLE + row * high
        _draw_failure(sheet, failure, at, keep, layout)
    return sheet


def _draw_failure(
    sheet: Image.Image, failure: Failure, at: tuple[int, int], keep: str, layout: Layout
) -> None:
    draw, (left, top) = ImageDraw.Draw(sheet), at
    right, foot = left + layout.width, top + layout.height
    colour = COLOURS[failure.outcome]
    draw.rectangle((left, top, right - 1, foot + LINES * LINE + 5), CARD)
    draw.rectangle((left, top, right - 1, top + 3), colour)
    shown = _fitted(failure.sample.path, layout.width - 8, layout.height - 12)
    corner = (
        left + (layout.width - shown.width) // 2,
        top + 8 + (layout.height - 12 - shown.height) // 2,
    )
    sheet.paste(shown, corner)
    answer = comparable(failure.answer.text, keep) or "nothing"
    captions = (
        (f"truth  {failure.sample.truth.replace(' ', '   ')}", INK, 14),
        (f"answer  {answer.replace(' ', '   ')}", colour, 14),
        (failure.answer.unsure, colour, 11),
        (str(Path(failure.sample.group, failure.sample.path.name)), FAINT, 11),
    )
    for line, (text, ink, size) in enumerate(captions):
        font = ImageFont.load_default(size)
        cut = _cut(text, font, layout.width - 8)
        draw.text((left + 4, foot + 2 + line * LINE), cut, ink, font)


def _fitted(path: Path, width: int, height: int) -> Image.Image:
    """Return an image, upright and on white, as large as fits."""
    with Image.open(path) as opened:
        rgba = ImageOps.exif_transpose(opened).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    scale = min(width / image.width, height / image.height, MOST_ENLARGED)
    size = (max(1, round(scale * image.width)), max(1, round(scale * image.height)))
    return image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return the text, cut with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
