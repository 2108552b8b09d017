"""Pen strokes: what a file holds is returned; a file that is wrong is refused with a reason."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.synthetic.pen_strokes import load_pen_strokes, read_pen_strokes


def stroke_arrays() -> dict[str, np.ndarray]:
    """Return a made-up 7 with a bar, a 1 and a 0 by two writers."""
    seven, bar = [[0, 0], [600, 0], [200, 1000]], [[100, 500], [500, 480]]
    one, dot = [[300, 0], [280, 1000]], [[0, 0]]
    lines = [seven, bar, one, dot]
    return {
        "points": np.array([*seven, *bar, *one, *dot], np.int16),
        "stroke_start": np.cumsum([0, *map(len, lines)]).astype(np.int32),
        "sample_start": np.array([0, 2, 3, 4], np.int32),
        "labels": np.array([7, 1, 0], np.uint8),
        "writers": np.array([0, 1, 1], np.int16),
        "writer_names": np.array(["aga-001", "syn-002"]),
        "size": np.array([1, np.nan, 0], np.float32),
    }


@pytest.fixture
def stroke_file(tmp_path):
    path = tmp_path / "unipen" / "digits.npz"
    path.parent.mkdir()
    np.savez(path, **stroke_arrays())
    return path


def test_samples_are_returned_as_they_were_saved(stroke_file):
    """Strokes, labels, writers and sizes of a file are those of its arrays."""
    strokes = read_pen_strokes(stroke_file)
    assert len(strokes) == 3
    seven, bar = strokes.strokes(0)
    assert seven.tolist() == [[0, 0], [600, 0], [200, 1000]]
    assert bar.tolist() == [[100, 500], [500, 480]]
    assert [one.tolist() for one in strokes.strokes(2)] == [[[0, 0]]]
    assert [strokes.label(i) for i in range(3)] == ["7", "1", "0"]
    assert [strokes.writer(i) for i in range(3)] == ["aga-001", "syn-002", "syn-002"]
    assert strokes.samples_of(1).tolist() == [1, 2]
    assert strokes.size[[0, 2]].tolist() == [1, 0]
    assert np.isnan(strokes.size[1])


def test_labels_of_symbols_are_text(stroke_file):
    """Labels may be text of more than one character."""
    np.savez(stroke_file, **{**stroke_arrays(), "labels": np.array(["-", ".", "\\@"])})
    assert [read_pen_strokes(stroke_file).label(i) for i in range(3)] == ["-", ".", "\\@"]


FAULTS = {
    "points beyond the box": ({"points": np.full((8, 2), 1001, np.int16)}, "`points` .* 0 to 1000, got 1001"),
    "points below zero": ({"points": np.full((8, 2), -1, np.int16)}, "`points` .* got -1"),
    "float points": ({"points": np.zeros((8, 2))}, r"`points` must be int16 of shape \(8, 2\)"),
    "points in one row": ({"points": np.zeros(16, np.int16)}, "`points` must be int16 of shape"),
    "offsets that end early": ({"stroke_start": np.array([0, 3, 5, 7, 7], np.int32)}, "`stroke_start` .* 0 to 8"),
    "offsets that fall": ({"stroke_start": np.array([0, 5, 3, 7, 8], np.int32)}, "`stroke_start` must be increasing"),
    "an empty stroke": ({"stroke_start": np.array([0, 3, 3, 7, 8], np.int32)}, "`stroke_start` must be increasing"),
    "an empty sample": ({"sample_start": np.array([0, 2, 2, 4], np.int32)}, "`sample_start` must be increasing"),
    "strokes left over": ({"sample_start": np.array([0, 1, 2, 3], np.int32)}, "`sample_start` .* 0 to 4"),
    "too few offsets": ({"sample_start": np.array([0, 2, 4], np.int32)}, r"`sample_start` .* shape \(4,\)"),
    "an unknown writer": ({"writers": np.array([0, 1, 2], np.int16)}, "`writers` .* 0 to 1, got 0 to 2"),
    "wide writers": ({"writers": np.array([0, 1, 1], np.int64)}, "`writers` must be int16"),
    "names as numbers": ({"writer_names": np.array([1, 2])}, "`writer_names` must be str"),
    "an empty label": ({"labels": np.array(["1", "", "2"])}, "`labels` .* got an empty label"),
    "labels as floats": ({"labels": np.zeros(3)}, "`labels` must be str"),
    "a negative size": ({"size": np.array([1, -1, 1], np.float32)}, "`size` must be finite"),
    "too few sizes": ({"size": np.ones(2, np.float32)}, r"`size` .* shape \(3,\)"),
    "an infinite size": ({"size": np.array([1, np.inf, 1], np.float32)}, "`size` must be finite"),
    "nothing at all": ({name: array[:0] for name, array in stroke_arrays().items()}, "must be"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_wrong_arrays_are_refused(stroke_file, kind):
    """An array with the wrong type, shape, order or range is named with the path."""
    change, message = FAULTS[kind]
    np.savez(stroke_file, **{**stroke_arrays(), **change})
    with pytest.raises(InkfastError, match=message) as caught:
        read_pen_strokes(stroke_file)
    assert str(caught.value).startswith(str(stroke_file))


def test_a_missing_array_is_named(stroke_file):
    """The first missing array is named."""
    arrays = stroke_arrays()
    del arrays["writers"]
    np.savez(stroke_file, **arrays)
    with pytest.raises(InkfastError, match="`writers` is missing"):
        read_pen_strokes(stroke_file)


def array_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("content", ["nothing", "text", "cut off", "one array", "pickled"])
def test_other_files_are_refused(stroke_file, content):
    """A file that is empty, damaged, no archive or pickled is refused in one line."""
    good = stroke_file.read_bytes()
    stroke_file.write_bytes(
        {"nothing": b"", "text": b"label,x,y\n", "cut off": good[: len(good) // 2],
         "one array": array_bytes(np.zeros(3)), "pickled": b""}[content]
    )  # fmt: skip
    if content == "pickled":
        with zipfile.ZipFile(stroke_file, "w") as archive:
            archive.writestr("points.npy", array_bytes(np.array([{}], object)))
    with pytest.raises(InkfastError, match="pen strokes") as caught:
        read_pen_strokes(stroke_file)
    assert "\n" not in str(caught.value)


def test_strokes_are_found_in_the_data_folder(stroke_file, monkeypatch):
    """Strokes are read from $INKFAST_DATA/unipen."""
    monkeypatch.setenv("INKFAST_DATA", str(stroke_file.parent.parent))
    assert load_pen_strokes("digits").name == str(stroke_file)


def test_missing_strokes_name_the_folders_and_the_command(monkeypatch, tmp_path):
    """Without the file, the message names both folders and the command that fetches it."""
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    with pytest.raises(
        InkfastError, match=r"symbols.npz .*unipen and .*unipen\..* data fetch unipen$"
    ):
        load_pen_strokes("symbols")


def test_unknown_kinds_are_refused():
    """The known kinds are listed."""
    with pytest.raises(InkfastError, match="'digits', 'symbols', 'letters', got 'words'"):
        load_pen_strokes("words")  # type: ignore[arg-type]
