"""Six-digit numbers composed of MNIST's digits on simulated paper, as JPEG files.

Digits keep their writers' strokes; size, slant, distance, ink, paper, light, blur and compression
are drawn for each number. In a quarter of the numbers, two digits are moved together until they
touch.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage

from inkfast.core.digits import Digits

PAPERS = ("textured", "ruled", "squared", "shadowed")
INKS = (
    (25, 25, 30),
    (20, 40, 130),
    (150, 25, 30),
    (20, 90, 50),
    (75, 75, 80),
)  # RGB; the last one is pencil
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
