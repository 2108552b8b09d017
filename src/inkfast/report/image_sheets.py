"""Digits as PNG images: sheets, and data URIs for a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from inkfast.core.digits import SIDE, Images

_GAP = 2  # pixels between digits


def image_sheet(rows: list[Images]) -> Image.Image:
    """Lay digits out in a grid: rows of uint8 ``(columns, 28, 28)``."""
    height, width = len(rows), max(len(row) for row in rows)
    step = SIDE + _GAP
    canvas = np.full((height * step - _GAP, width * step - _GAP), 128, np.uint8)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            canvas[y * step : y * step + SIDE, x * step : x * step + SIDE] = image
    return Image.fromarray(canvas)


def png_data_uri(image: Images | Image.Image) -> str:
    """Return an image as a ``data:`` URI, so that a page needs no other file."""
    buffer = io.BytesIO()
    opened = image if isinstance(image, Image.Image) else Image.fromarray(image)
    opened.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
