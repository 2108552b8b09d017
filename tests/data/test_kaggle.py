"""Kaggle's CSV: read exactly, refused precisely."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import data
from tests.data.makers import kaggle_csv


def loaded(tmp_path, content: str | bytes):
    path = tmp_path / "train.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return data.load(str(path))


def test_labels_and_pixels_are_those_of_the_file(tmp_path):
    """Columns become rows of 28 pixels in order."""
    text = kaggle_csv(25)
    digits = loaded(tmp_path, text).train
    expected = np.loadtxt(text.splitlines()[1:], delimiter=",", dtype=np.int64)
    np.testing.assert_array_equal(digits.labels, expected[:, 0])
    np.testing.assert_array_equal(digits.images.reshape(25, 784), expected[:, 1:])


def test_without_labels(tmp_path):
    """A test.csv gives digits without labels, and training on them is refused."""
    digits = loaded(tmp_path, kaggle_csv(5, labelled=False)).train
    assert digits.labels is None
    with pytest.raises(ValueError, match=r"train\.csv has no labels"):
        _ = digits.known_labels


@pytest.mark.parametrize("change", [
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.rstrip("\n"),
])  # fmt: skip
def test_harmless_differences(tmp_path, change):
    """A byte order mark, CRLF and a missing last line end change nothing."""
    text = kaggle_csv(4)
    plain = loaded(tmp_path, text).train
    assert loaded(tmp_path, change(text)).train.fingerprint == plain.fingerprint


def cell(text: str, value: str) -> str:
    """Put a value into row 2, column pixel1."""
    lines = text.splitlines()
    cells = lines[2].split(",")
    cells[2] = value
    lines[2] = ",".join(cells)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("value", ["256", "-1", "3.5", "NaN", "abc", "", "1e2"])
def test_a_bad_pixel_is_located(tmp_path, value):
    """The error gives row, column, what was expected and what came."""
    with pytest.raises(
        ValueError, match=r"row 2, column pixel1: expected a whole number from 0 to 255"
    ):
        loaded(tmp_path, cell(kaggle_csv(3), value))


@pytest.mark.parametrize(("change", "message"), [
    (lambda t: t.replace("\n1,", "\n11,", 1), "labels must be 0 to 9, got 11 in row 2"),
    (lambda t: t[: t.rindex(",")] + "\n", "expected 785 columns, got 784"),
    (lambda t: t.rstrip("\n") + ",7\n", "expected 785 columns, got 786"),
    (lambda t: t.replace("pixel783", "pixel784"), "expected the header label,pixel0,...,pixel783"),
    (lambda t: t.split("\n", 1)[1], "expected the header label,pixel0,...,pixel783"),
    (lambda t: t.split("\n")[0] + "\n", "expected at least one row"),
    (lambda t: "", "expected the header"),
    (lambda t: b"\x89PNG\r\n\x1a\n", "expected the header"),
])  # fmt: skip
def test_a_broken_file_is_explained(tmp_path, change, message):
    """Missing and extra columns, wrong headers and empty files are told apart."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        loaded(tmp_path, change(kaggle_csv(3)))
    assert message in str(error.value)
    assert "train.csv" in str(error.value)
    assert "\n" not in str(error.value)
