"""Confidence intervals of shares."""

from __future__ import annotations

from math import sqrt

_Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share measured on `n` draws, such as an accuracy on digits.

    It covers the draw of another test set of this size, not another training seed. Source: Wilson
    (1927), Probable inference; unlike the normal interval it stays inside [0, 1].
    """
    centre = share + _Z95**2 / (2 * n)
    half = _Z95 * sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2))
    scale = 1 + _Z95**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
