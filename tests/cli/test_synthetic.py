"""Synthetic numbers on the command line: a figure, and a folder of images with texts."""

from __future__ import annotations

import csv

from PIL import Image

from tests.cli.test_commands import refused


def test_a_folder_of_numbers_has_an_image_for_each_text(inkfast, tmp_path):
    """Each row of labels.csv names an image; fewer numbers are the first ones of more."""
    few, more = tmp_path / "few", tmp_path / "more"
    assert inkfast("synthetic", "make", few, "--count", 2)[0] == 0
    code, out, _ = inkfast("synthetic", "make", more, "--count", 4)
    assert code == 0
    assert f"4 images and labels.csv: {more}" in out
    rows = _labels(more)
    assert [row["file"] for row in rows] == [f"00000{i}.png" for i in (1, 2, 3, 4)]
    assert rows[:2] == _labels(few)
    for row in rows[:2]:
        assert (few / row["file"]).read_bytes() == (more / row["file"]).read_bytes()


def _labels(folder):
    return list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))


def test_a_folder_with_files_is_left_alone(inkfast, tmp_path):
    """A folder that holds anything is refused, and so is a count of none."""
    (tmp_path / "mine.txt").write_text("mine")
    assert "is there already" in refused(inkfast("synthetic", "make", tmp_path))
    assert "count" in refused(inkfast("synthetic", "make", tmp_path / "new", "--count", 0))
    assert "drawn" in refused(inkfast("synthetic", "make", tmp_path / "new", "--strokes", "drwan"))
    assert not (tmp_path / "new").exists()


def test_strokes_that_are_not_there_are_refused_with_the_command_that_gets_them(
    inkfast, tmp_path, monkeypatch
):
    """Without UniPen the message says how to get it."""
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = inkfast("synthetic", "make", tmp_path / "new", "--strokes", "unipen")
    assert "data fetch unipen" in refused(result)


def test_the_figure_shows_every_kind(inkfast, tmp_path):
    """The figure is written once; it is not replaced without being asked."""
    path = tmp_path / "kinds.png"
    assert inkfast("synthetic", "show", "--out", path)[0] == 0
    with Image.open(path) as figure:
        assert figure.size[1] > 1000
    assert "--overwrite" in refused(inkfast("synthetic", "show", "--out", path))
