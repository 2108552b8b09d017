"""`inkfast synthetic make`: synthetic numbers as image files with their texts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.cli._strokes import Strokes, load_library
from inkfast.core.errors import InkfastError, check_number
from inkfast.core.io import write_bytes
from inkfast.imaging.opening import encode_png
from inkfast.synthetic.strips import Handwriting, compose_strip


def synthetic_make(
    folder: Annotated[Path, typer.Argument(help="New folder for the images.", metavar="FOLDER")],
    count: Annotated[int, typer.Option("--count", help="Number of images.")] = 100,
    strokes: Strokes = "drawn",
    seed: options.Seed = None,
) -> None:
    """Compose images of numbers in a folder, with their texts in labels.csv."""
    check_number("count", count, low=1, high=1_000_000, whole=True)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InkfastError(f"{folder} is there already: expected a new name or an empty folder.")
    handwriting = Handwriting(load_library(strokes))
    labels = io.StringIO()
    rows = csv.writer(labels, lineterminator="\n")
    rows.writerow(["file", "text"])
    for place in range(count):
        # each image depends on its own number, so that a smaller count gives the same first images
        strip = compose_strip(handwriting, np.random.default_rng([seed or 0, place]))
        name = f"{place + 1:06}.png"
        write_bytes(folder / name, encode_png(Image.fromarray(strip.image)))
        rows.writerow([name, strip.text])
    write_bytes(folder / "labels.csv", labels.getvalue().encode())
    Printer(open_console()).say(f"{count:,} images and labels.csv: {folder}")
