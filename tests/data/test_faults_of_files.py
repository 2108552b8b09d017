"""Faults of single files and names of sources, each explained in one sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.data import load
from inkfast.data.idx import read_idx
from inkfast.data.kaggle_csv import _explain, csv_columns
from tests.data.makers import idx_labels, kaggle_csv

FIX = "Run `inkfast data fetch`."


@pytest.mark.parametrize(("content", "message"), [
    (b"\n <!DOCTYPE html>", "expected an IDX file (magic number 2051 for images, 2049 for labels), got a web page"),
    (bytes(4), "got magic number 0"),
    (idx_labels(np.arange(3))[:6], "expected a header of 8 bytes, got 6"),
    (idx_labels(np.arange(3)) + b"x", "its header announces 11 bytes (3), the file has 12"),
    (idx_labels(np.arange(99)), "expected at most 50 bytes of data, got more"),
])  # fmt: skip
def test_a_file_that_is_not_idx_is_explained(content, message, tmp_path):
    """The message says what was expected, what came, and how to get a good copy."""
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(InkfastError, match=re.escape(message)) as error:
        read_idx(tmp_path / "labels", 50, FIX)
    assert str(error.value).endswith(FIX)


def test_a_file_may_have_exactly_the_size_of_the_limit(tmp_path):
    """The limit is the largest accepted size."""
    content = idx_labels(np.arange(42) % 10)
    (tmp_path / "labels").write_bytes(content)
    assert read_idx(tmp_path / "labels", 50, FIX) == content


@pytest.mark.parametrize("source", ["digits.csv", "some/digits", "some/digits.csv"])
def test_a_path_that_does_not_exist_is_no_unknown_name(source):
    """An ending or a slash makes a path of it."""
    with pytest.raises(InkfastError, match=f"^{source}: there is no such file or folder"):
        load(source)


def test_a_word_that_is_no_source_is_an_unknown_name():
    """Without an ending or a slash it is taken for a name."""
    with pytest.raises(InkfastError, match="mnits"):
        load("mnits")
    with pytest.raises(InkfastError) as error:
        load("mnits")
    assert "no such file" not in str(error.value)


def test_a_csv_fault_that_is_not_located_is_still_reported(tmp_path):
    """If the slow second look finds no bad value, the parser's own message is shown."""
    path = tmp_path / "train.csv"
    path.write_text(kaggle_csv(2))
    with pytest.raises(InkfastError, match="is not readable as CSV: odd$"):
        _explain(path, csv_columns(path), ValueError("odd"))
