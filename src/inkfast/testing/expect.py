"""What the contract suites share: assertions with a message, and digits that are easy to learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError


def expect(condition: object, message: str) -> None:
    """Raise `AssertionError` with a message unless a condition holds; `python -O` keeps it."""
    if not condition:
        raise AssertionError(message)


def expect_refusal(call: Callable[[], object], part: str, what: str) -> None:
    """Raise `AssertionError` unless a call raises `InkfastError` with a text in its message."""
    try:
        call()
    except InkfastError as error:
        expect(part in str(error), f"{what}: expected {part!r} in the message, got {error}")
        expect("\n" not in str(error), f"{what}: expected a message of one line, got {error}")
        return
    raise AssertionError(f"{what}: expected InkfastError, got none.")


def easy_digits() -> Digits:
    """Return 400 digits that are easy to learn: one bar each, whose position tells the class."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10), 40).astype(np.int64)
    images = np.zeros((400, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 5)
        top, left = 3 + 11 * row + rng.integers(3), 1 + 5 * column + rng.integers(2)
        image[top : top + 8, left : left + 3] = rng.integers(150, 256)
    images[:, 27, 27] = np.arange(400) // 10  # faint, so that no two images of a class are equal
    return Digits(images, labels, "strokes")
