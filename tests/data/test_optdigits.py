"""The bitmaps of optdigits: as text and as arrays, centred; and what is wrong with a file."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import data
from inkfast.core.errors import InkfastError
from inkfast.imaging.centering import center_digit

HEADER = "entwidth\t32\nentheight\t32\n\n"


def bitmap(row: int) -> np.ndarray:
    """Return a bar whose position depends on the row."""
    image = np.zeros((32, 32), np.uint8)
    image[2:30, 3 + row : 9 + 2 * row] = 255
    return image


def as_text(labels: list[int], end: str = "\n") -> str:
    lines = []
    for row, label in enumerate(labels):
        lines += ["".join("01"[int(pixel > 0)] for pixel in line) for line in bitmap(row)]
        lines.append(f" {label}")
    return HEADER + end.join([*lines, ""])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    (tmp_path / "optdigits").mkdir()
    return tmp_path / "optdigits"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_texts_are_read(folder, end):
    """The bitmaps of both files follow each other, centred, with their labels."""
    (folder / "optdigits-orig.tra").write_bytes(as_text([7, 0], end).encode())
    (folder / "optdigits-orig.cv").write_bytes(as_text([3], end).encode())
    source = data.load("optdigits")
    assert source.train.labels.tolist() == [7, 0, 3]
    for image, row in zip(source.train.images, (0, 1, 0), strict=True):
        np.testing.assert_array_equal(image, center_digit(bitmap(row)))
    assert source.test is None


def test_arrays_are_read_where_there_is_no_text(folder):
    """The arrays images and labels give the same digits."""
    images = np.stack([bitmap(row) for row in range(3)])
    np.savez(folder / "optdigits.npz", images=images, labels=np.array([1, 2, 3], np.uint8))
    source = data.load("optdigits")
    assert source.train.labels.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(source.train.images[2], center_digit(bitmap(2)))


def test_missing_bitmaps_name_the_folder(folder, monkeypatch):
    """Without the files, and without INKFAST_DATA, the message says what is expected where."""
    for _ in range(2):
        with pytest.raises(InkfastError, match=r"not on this machine: expected optdigits-orig.tra"):
            data.load("optdigits")
        monkeypatch.delenv("INKFAST_DATA", raising=False)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda text: text[:-600], 1),
        (lambda text: text.replace("0", "2"), 0),
        (lambda text: HEADER, 0),
        (lambda text: text + "more", 2),
        (lambda text: text.replace(" 0\n", "\n"), 1),
    ],
)
def test_a_damaged_text_is_refused(folder, change, count):
    """The message says after how many digits something else came."""
    (folder / "optdigits-orig.tra").write_text(change(as_text([7, 0])))
    with pytest.raises(InkfastError, match=f"something else after {count} of them"):
        data.load("optdigits")


def test_other_arrays_are_refused(folder):
    """Images of another size, missing labels and damaged files give one line."""
    path = folder / "optdigits.npz"
    np.savez(path, images=np.zeros((2, 8, 8), np.uint8), labels=np.zeros(2, int))
    with pytest.raises(InkfastError, match=r"expected images uint8 \(n, 32, 32\) and labels"):
        data.load("optdigits")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InkfastError, match="optdigits.npz cannot be read"):
        data.load("optdigits")
