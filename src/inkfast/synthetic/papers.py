"""Papers: what a number is written on.

A paper is float32 ``(height, width)`` in [0, 1], 1 for white: a pattern, times shades. Rules and
boxes whose places depend on the number are in `inkfast.synthetic.marks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Grey: TypeAlias = NDArray[Any]  # float32 (height, width) in [0, 1]


def sample_paper(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return a paper.

    Args:
        size: Height and width in pixels.
        height: Height of a digit in pixels, to which patterns are in proportion.
        rng: Random generator.
    """
    paper = np.ones(size, np.float32)
    if rng.random() < _PLAIN:
        return paper
    shares = [share for share, _ in PATTERNS.values()]
    kind = int(np.searchsorted(np.cumsum(shares), rng.random()))
    if kind < len(PATTERNS):
        paper *= list(PATTERNS.values())[kind][1](size, height, rng)
    for share, shade in SHADES.values():
        if rng.random() < share:
            paper *= shade(size, height, rng)
    return paper


def _guilloche(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return one to three families of wavy lines."""
    paper = np.ones(size, np.float32)
    for _ in range(rng.integers(1, 4)):
        paper *= 1 - rng.uniform(0.05, 0.5) * _waves(size, height, rng)
    return paper


def _waves(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return the ink of a family of wavy lines, as printed on cheques."""
    y, x = np.ogrid[: size[0], : size[1]]
    period = max(2.5, height * rng.uniform(0.07, 0.3))
    turn = rng.normal(0, 0.25) if rng.random() < 0.75 else rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    bend = (
        height
        * rng.uniform(0, 0.3)
        * np.sin(along * 2 * np.pi / (height * rng.uniform(0.8, 6)) + rng.uniform(0, 6.3))
    )
    if rng.random() < 0.4:  # circles
        cx, cy = rng.uniform(-0.5, 1.5) * size[1], rng.uniform(-3, 4) * size[0]
        across = np.hypot(x - cx, y - cy)
    phase = np.sin((across + bend) * (2 * np.pi / period))
    lines: Grey = np.clip((phase - rng.uniform(-0.2, 0.7)) * rng.uniform(1.2, 3), 0, 1)
    return lines.astype(np.float32)


def _lattice(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return a lattice of dots or fine print."""
    y, x = np.ogrid[: size[0], : size[1]]
    period = max(2.5, height * rng.uniform(0.06, 0.25))
    shift = rng.uniform(0, 1)
    waves = np.sin(x * 2 * np.pi / period + shift * y) * np.sin(
        y * 2 * np.pi / (period * rng.uniform(0.7, 1.4))
    )
    dots: Grey = 1 - rng.uniform(0.05, 0.4) * np.clip(waves * rng.uniform(1, 3), 0, 1)
    return dots.astype(np.float32)


def _ruling(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return ruled or squared paper."""
    pitch = height * rng.uniform(0.5, 2.2)
    thick = max(0.6, height * rng.uniform(0.01, 0.06))
    ink = np.zeros(size, np.float32)
    y = np.arange(size[0]) + rng.uniform(0, pitch)
    ink += (np.minimum(y % pitch, pitch - y % pitch) < thick / 2 + 0.2)[:, None]
    if rng.random() < 0.55:
        x = np.arange(size[1]) + rng.uniform(0, pitch)
        ink += (np.minimum(x % pitch, pitch - x % pitch) < thick / 2 + 0.2)[None]
    ruled: Grey = 1 - rng.uniform(0.1, 0.7) * np.minimum(ink, 1)
    return ruled.astype(np.float32)


def _clouds(size: tuple[int, int], scale: float, rng: Rng) -> Grey:
    """Return smooth random shades with a scale in pixels, in [0, 1]."""
    rows, columns = (max(2, int(side / scale) + 2) for side in size)
    coarse = rng.random((rows, columns), np.float32)
    y = np.linspace(0, rows - 1.001, size[0], dtype=np.float32)
    x = np.linspace(0, columns - 1.001, size[1], dtype=np.float32)
    yi, xi = y.astype(int), x.astype(int)
    fy, fx = (y - yi)[:, None], (x - xi)[None]
    top = coarse[yi][:, xi] * (1 - fx) + coarse[yi][:, xi + 1] * fx
    low = coarse[yi + 1][:, xi] * (1 - fx) + coarse[yi + 1][:, xi + 1] * fx
    shades: Grey = top * (1 - fy) + low * fy
    return shades


def _light(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return uneven light: a slope, at times with the edge of a shadow."""
    y, x = np.linspace(-1, 1, size[0])[:, None], np.linspace(-1, 1, size[1])[None]
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    light: Grey = 1 - rng.uniform(0, 0.4) * (along + 1.4) / 2.8
    if rng.random() < 0.4:
        edge = 1 / (1 + np.exp(-(along - rng.uniform(-1, 1)) * rng.uniform(3, 40)))
        light = light * (1 - rng.uniform(0.1, 0.55) * edge)
    return light.astype(np.float32)


def _stains(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return paper with stains as large as digits."""
    clean: Grey = 1 - rng.uniform(0.02, 0.25) * _clouds(size, rng.uniform(0.5, 4) * height, rng)
    return clean


def _fibres(size: tuple[int, int], height: float, rng: Rng) -> Grey:
    """Return the fine texture of rough paper."""
    smooth: Grey = 1 - rng.uniform(0.02, 0.2) * _clouds(size, rng.uniform(1, 4), rng)
    return smooth


_Paper: TypeAlias = Callable[[tuple[int, int], float, Rng], Grey]
_PLAIN = 0.3  # share of white paper without any shade
# What is printed on paper that is not plain, of which a third has no print, and how it is shaded
PATTERNS: dict[str, tuple[float, _Paper]] = {
    "guilloche": (0.45, _guilloche),
    "lattice": (0.12, _lattice),
    "ruled or squared": (0.12, _ruling),
}
SHADES: dict[str, tuple[float, _Paper]] = {
    "stains": (0.5, _stains),
    "fibres": (0.5, _fibres),
    "light and shadow": (0.35, _light),
}
