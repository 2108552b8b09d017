"""The UNIPEN format: components, segments, includes, resolution, writers; and what is wrong in them."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.data.unipen_format import included_files, read_document, resolve_include
from tests.data.unipen_makers import unipen_files


def document(name: str, **others: str):
    files = {key.lower(): text for key, text in {**unipen_files(), **others}.items()}
    return read_document(name, files)


def plain(text: str):
    return document("a.dat", **{"a.dat": text})


def points(strokes) -> list:
    return [stroke.tolist() for stroke in strokes]


def test_a_segment_names_pen_down_and_pen_up_components():
    """Components with points count from 0, in the air too; only pen-down strokes are returned."""
    found = document("data/1a/abc/abc00/one.dat")
    assert [stroke is None for stroke in found.strokes] == [False, True, False, False, True, False]
    seven, bar = found.cut("0-2")
    assert seven[:, 0].tolist() == [100, 160, 160, 120]
    assert bar[:, 0].tolist() == [110, 150]
    assert points(found.cut("3")) == [[[220, 600], [216, 500]]]


def test_a_resolution_along_y_is_brought_to_that_along_x():
    """Points per inch and per millimetre may differ between axes."""
    assert document("data/1a/abc/abc00/one.dat").cut("0")[0][0].tolist() == [100, 600]
    mixed = plain(".X_POINTS_PER_MM 10\n.Y_POINTS_PER_INCH 127\n.PEN_DOWN\n3 4\n")
    assert points(mixed.cut("0")) == [[[3, 8]]]
    one = plain(".X_POINTS_PER_MM 10\n.Y_POINTS_PER_MM 0\n.PEN_DOWN\n3 4\n")
    assert points(one.cut("0")) == [[[3, 4]]]


def test_a_segment_may_begin_and_end_within_a_component():
    """A delineation is a list of components, each with its first and last point if not whole."""
    found = plain(".PEN_DOWN\n0 0 1 1 2 2 3 3\n.PEN_DOWN\n4 4 5 5\n.PEN_DOWN\n6 6 7 7 8 8\n")
    for text, expected in {
        "0:2-1": [[2, 3], [4, 5]],
        "0:1-0:2": [[1, 2]],
        "1-2:1": [[4, 5], [6, 7]],
        "0:3-2:0": [[3], [4, 5], [6]],
        "2, 0": [[6, 7, 8], [0, 1, 2, 3]],
        "0-1:0,2:2-2": [[0, 1, 2, 3], [4], [8]],
        "1:1": [[4, 5]],
    }.items():
        assert [stroke[:, 0].tolist() for stroke in found.cut(text)] == expected, text


@pytest.mark.parametrize(
    ("delineation", "message"),
    [
        ("3", "3 is outside of the 2 components"),
        ("0-2", "0-2 is outside of the 2"),
        ("1-0", "1-0 is outside of the 2"),
        ("0:2-1", "points 2 to 1 are outside of component 0 with 2"),
        ("0-1:5", "points 0 to 5 are outside of component 1 with 1"),
        ("x", "expected components such as 0-5:10,6, got 'x'"),
        ("", "expected components"),
        ("99999999999999999999", "is outside of the 2"),
    ],
)
def test_a_segment_that_points_outside_is_refused(delineation, message):
    """Components and points that do not exist are named."""
    found = plain(".PEN_DOWN\n0 0\n1 1\n.PEN_DOWN\n2 2\n")
    with pytest.raises(InkfastError, match=message):
        found.cut(delineation)


def test_labels_are_unescaped():
    """Within a label, a quote and a backslash are escaped; any quality, or none, may precede it."""
    text = "".join(
        f".SEGMENT {level} 0 {quality}{label}\n"
        for level, quality, label in (
            ("CHARACTER", "? ", '"7"'), ("CHAR", "GOOD ", r'"\""'), ("DIGIT", "", r'"\\"'),
            ("CHARACTER", "OK ", r'"\@"'), ("WORD", "? ", '"seven"'), ("CHARACTER", "? ", ""),
        )
    )  # fmt: skip
    found = plain(text + '.SEGMENT CHARACTER ? ? "x"\n').segments
    assert [segment.label for segment in found] == ["7", '"', "\\", "\\@"]
    assert {segment.delineation for segment in found} == {"0"}


def test_columns_are_those_of_coord():
    """X and Y are taken from their columns; a document without them has no strokes."""
    found = plain(".COORD T Y X P\n.PEN_DOWN\n1 20 30 4\n2 21 31 4\n9\n")
    assert points(found.cut("0")) == [[[30, 20], [31, 21]]]
    assert plain(".COORD T P\n.PEN_DOWN\n1 2\n").cut("0") == []


def test_points_end_where_the_numbers_end():
    """A word, or a number that is not finite, ends a component."""
    for end in ("and more", "nan 5", "1e999 5", ".5.6"):
        assert points(plain(f".PEN_DOWN\n1 2 3 4 {end}\n.PEN_UP\n").cut("0")) == [[[1, 2], [3, 4]]]
    assert plain(".PEN_DOWN\nnothing\n").strokes == []


def test_includes_are_found_below_include_and_beside_the_file():
    """Names are compared in lower case; a file that is not there is listed, a circle ends."""
    files = {"include/a/b.dat": "", "data/1a/c.doc": "", "data/1a/x.dat": ""}
    assert resolve_include("A/B.dat", "data/1a/x.dat", files) == "include/a/b.dat"
    assert resolve_include("c.doc", "data/1a/x.dat", files) == "data/1a/c.doc"
    assert resolve_include("../../etc/passwd", "data/1a/x.dat", files) is None
    assert document("data/2/abc/more.dat").missing == ["abc/not_there.dat"]
    assert included_files("x .INCLUDE no\n.INCLUDE a.doc\n.INCLUDE\tb.doc more\n") == [
        "a.doc",
        "b.doc",
    ]
    circle = plain(".INCLUDE a.dat\n.PEN_DOWN\n1 2\n")
    assert len(circle.strokes) < 20


def test_writers_are_those_in_force_when_a_component_was_written():
    """One file may hold the strokes of several writers, and a file may include its writer."""
    found = document("data/1b/xyz/two.dat")
    assert [found.writer_of(text) for text in ("0", "1", "2")] == ["12", "13", "13"]
    assert found.pen_file == "include/xyz/two.dat"
    assert document("data/1a/abc/abc00/one.dat").writer_of("3") == "Marieke"
    assert plain(".PEN_DOWN\n1 2\n").writer_of("0") == ""


def test_points_on_one_line_and_on_several_are_the_same():
    """Line ends, also those of other systems, do not matter between numbers."""
    for text in (
        ".PEN_DOWN\n1 2\n3 4\n",
        ".PEN_DOWN 1 2 3 4",
        ".PEN_DOWN\r\n1 2\r\n3 4\r\n",
        ".PEN_DOWN\r1 2\r3 4",
    ):
        np.testing.assert_array_equal(plain(text).cut("0")[0], [[1, 2], [3, 4]])
