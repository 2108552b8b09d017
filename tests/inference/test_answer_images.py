"""Images of answers: the cut, its box, and the strip that the network saw."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.imaging.documents import open_document
from inkfast.inference.answer_images import AnswerImages, region_of
from inkfast.inference.page import load_page, open_page_reader, read_page
from inkfast.inference.regions import Region

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-numbers.jpg"
BOX = {"left": "300", "top": "200", "width": "60", "height": "20"}


@pytest.fixture
def page() -> Image.Image:
    """Return a page with a black bar at `BOX`."""
    image = Image.new("L", (500, 400), 255)
    image.paste(0, (300, 200, 360, 220))
    return image


def row(file: object, **values: str) -> dict[str, str]:
    return {"file": str(file), "page": "1", "turned": "0", "slope": "0"} | values


@pytest.mark.parametrize(
    ("turned", "back"),
    [
        (0, None), (90, Image.Transpose.ROTATE_90), (180, Image.Transpose.ROTATE_180),
        (270, Image.Transpose.ROTATE_270),
    ],
)  # fmt: skip
def test_boxes_are_those_of_the_turned_page(tmp_path, page, turned, back):
    """A page is turned as it was to be read, and the box on the cut is where the ink is."""
    (page.transpose(back) if back is not None else page).save(tmp_path / "a.png")
    found = AnswerImages(tmp_path).of(row("a.png", **BOX, turned=str(turned)))
    assert found.box == (50, 30, 60, 20)
    cut = np.asarray(found.cut.convert("L"))
    assert cut[30:50, 50:110].max() == 0
    assert (cut == 0).sum() == 60 * 20
    assert found.seen.width > 2.5 * found.seen.height


@pytest.mark.parametrize("slope", [0.0, 3.0, -9.5, 30.0])
def test_a_region_is_known_by_its_box_and_slope(slope):
    """Length, height and place are found again, up to the rounding of the box."""
    region = Region(500.0, 300.0, 400.0, 90.0, np.radians(slope), 1.0)
    found = region_of(region.box, slope)
    for name, most in (("x", 1), ("y", 1), ("width", 4), ("height", 4), ("angle", 1e-9)):
        assert getattr(found, name) == pytest.approx(getattr(region, name), abs=most)


def test_the_strip_is_what_the_network_saw(tmp_path):
    """Cut again by the columns of the table, strips are those of the page, up to rounding."""
    document = open_document(EXAMPLE)
    read = read_page(load_page(document, 1), open_page_reader(threads=1))
    images = AnswerImages(tmp_path)
    for number, values in zip(read.numbers, read.rows(str(EXAMPLE)), strict=True):
        seen = images.of({name: str(value) for name, value in values.items()}).seen
        assert np.abs(np.subtract(seen.size[::-1], number.image.shape)).max() <= 3
        same = np.asarray(seen.resize(number.image.shape[::-1]), float)
        assert np.corrcoef(same.ravel(), number.image.ravel())[0, 1] > 0.9


def test_files_are_found_where_the_answers_are(tmp_path, page):
    """In their folder, in an archive and in a table of pixels."""
    page.save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "c/a.png")
    digits = np.zeros((2, 28, 28), np.uint8)
    digits[1, 5:20, 12:15] = 200
    np.save(tmp_path / "d.npy", digits)
    images = AnswerImages(tmp_path)
    assert images.of(row("a.png", **BOX)).cut == images.of(row("b.zip/c/a.png", **BOX)).cut
    assert np.asarray(images.of(row("d.npy#2")).cut).max() == 200
    assert not np.asarray(images.of(row("d.npy#1")).seen).any()


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("x.png", {}, "there is no such file"), ("b.zip/x.png", {}, "cannot be read from its archive"),
        ("d.npy#3", {}, "has 2 rows now"), ("a.png", BOX | {"left": "900"}, "outside of the image"),
        ("a.png", {"page": "one"}, "column page: expected whole numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_told(tmp_path, page, file, values, words):
    """A file that is lost or was changed since costs one line."""
    page.save(tmp_path / "a.png")
    zipfile.ZipFile(tmp_path / "b.zip", "w").close()
    np.save(tmp_path / "d.npy", np.zeros((2, 28, 28), np.uint8))
    with pytest.raises(InkfastError, match=words):
        AnswerImages(tmp_path).of(row(file, **values))
