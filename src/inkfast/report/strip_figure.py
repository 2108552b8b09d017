"""A figure of synthetic numbers: one row of images for each pen, paper, mark and effect."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inkfast.core.io import write_bytes


def write_strip_figure(rows: Mapping[str, Sequence[NDArray[np.uint8]]], path: Path) -> None:
    """Write a PNG of images in rows, each row with its name on the left."""
    columns = max(len(images) for images in rows.values())
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(1.9 * columns + 1.8, 0.56 * len(rows)), dpi=130)
        grid = figure.subplots(len(rows), columns, squeeze=False)
        figure.subplots_adjust(1.7 / (1.9 * columns + 1.8), 0.005, 0.995, 0.995, 0.03, 0.08)
        for line, (name, images) in zip(grid, rows.items(), strict=True):
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
            for axes, image in zip(line, images, strict=False):
                axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            for axes in line:
                axes.set(xticks=[], yticks=[])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
