"""Documents among the inputs: a row per page, and nothing is left out in silence."""

from __future__ import annotations

import io
import os
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.imaging.page_selection import PageSelection
from inkfast.inference import batch, inputs
from inkfast.inference.inputs import InputOptions
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import Reader
from tests.imaging import document_makers as makers
from tests.inference.makers import bars, classifier, png


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return a reader that is sure of bars and unsure of other images."""
    return Reader(OnnxClassifier(classifier().SerializeToString(), "bars", threads=1), 0.9)


PAGES = [Image.fromarray(image) for image in bars(3)]
TIFF = makers.pages_file(PAGES, "TIFF")


def rows(paths, reader: Reader, pages: str | None = None, said: list[str] | None = None) -> list:
    """Return source, page and digit (or error) of each row."""
    options = InputOptions(PageSelection.parse(pages), (said if said is not None else []).append)
    given = inputs.iter_inputs(map(str, paths), options)
    return [
        (row.source, row.page, row.prediction.digit if row.prediction else row.error)
        for row in batch.predict_inputs(given, reader)
    ]


def test_each_page_of_a_document_is_a_row(tmp_path, reader):
    """All pages of a TIFF file are read; a file of one page stays one row."""
    (tmp_path / "three").write_bytes(TIFF)
    (tmp_path / "one.tif").write_bytes(makers.pages_file(PAGES[2:], "TIFF"))
    three, one = str(tmp_path / "three"), str(tmp_path / "one.tif")
    expected = [(three, 1, 0), (three, 2, 1), (three, 3, 2), (one, 1, 2)]
    assert rows([three, one], reader) == expected
    assert rows([tmp_path], reader) == [expected[3], *expected[:3]]
    assert rows([tmp_path / "*"], reader) == [expected[3], *expected[:3]]


def test_pdf_pages_are_rows(tmp_path, reader):
    """Scanned digits in a PDF are read, page by page."""
    pytest.importorskip("pypdfium2")
    large = [page.resize((280, 280), Image.Resampling.NEAREST) for page in PAGES]
    path = tmp_path / "scan.pdf"
    path.write_bytes(makers.pages_file(large, "PDF"))
    found = rows([path], reader)
    assert [row[:2] for row in found] == [(str(path), page) for page in (1, 2, 3)]
    assert all(isinstance(row[2], int) for row in found)


def test_chosen_pages_are_read(tmp_path, reader):
    """A selection holds for every file, and a file without such a page is an error."""
    (tmp_path / "a.tif").write_bytes(TIFF)
    (tmp_path / "b.png").write_bytes(png(bars(1)[0]))
    document, image = str(tmp_path / "a.tif"), str(tmp_path / "b.png")
    found = rows([tmp_path], reader, "2-")
    assert found[:2] == [(document, 2, 1), (document, 3, 2)]
    assert found[2] == (image, 1, f"{image}: expected pages 2-, got a file of 1 page.")
    assert rows([tmp_path], reader, "1") == [(document, 1, 0), (image, 1, 0)]


def test_a_torn_page_is_a_row_with_an_error(tmp_path, reader):
    """The pages around a torn one are read, and so are the files around it."""
    pages = makers.pages_file(PAGES, "TIFF")
    (tmp_path / "a.tif").write_bytes(makers.patched_tiff(pages, 2, 273, len(pages) + 99))
    (tmp_path / "b.png").write_bytes(png(bars(1)[0]))
    first, torn, last, other = rows([tmp_path], reader)
    assert (first[2], last[2], other[2]) == (0, 2, 0)
    assert torn[1] == 2
    assert torn[2].startswith(f"{tmp_path}/a.tif, page 2: expected an image")


def test_a_document_that_cannot_be_opened_is_a_row_with_an_error(tmp_path, reader):
    """A PDF with a password, a damaged one and one with too many pages do not end the work."""
    pytest.importorskip("pypdf")
    scan = makers.pages_file([makers.drawn_page(1)], "PDF")
    (tmp_path / "a.pdf").write_bytes(makers.encrypted_pdf(scan, "secret", "owner"))
    (tmp_path / "b.pdf").write_bytes(scan[:200])
    (tmp_path / "c.pdf").write_bytes(makers.blank_pdf([(9, 9)] * 501))
    (tmp_path / "d.pdf").write_bytes(makers.blank_pdf([]))
    (tmp_path / "e.png").write_bytes(png(bars(1)[0]))
    *errors, good = rows([tmp_path], reader)
    said = ("protected by a password", "is damaged", "at most 500 pages", "at least one page")
    for (source, page, error), name, part in zip(errors, "abcd", said, strict=True):
        assert (source, page) == (f"{tmp_path}/{name}.pdf", 1)
        assert error.startswith(source)
        assert part in error
    assert good[2] == 0


def test_documents_in_an_archive_and_in_a_pipe_are_read(tmp_path, reader, monkeypatch):
    """Members of an archive, standard input and a pipe are documents too."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("scan", TIFF)
        archive.writestr("notes.txt", "no image")
    said: list[str] = []
    found = rows([tmp_path / "a.zip"], reader, said=said)
    assert found == [(f"{tmp_path}/a.zip/scan", page, page - 1) for page in (1, 2, 3)]
    assert said == [f"{tmp_path}/a.zip: 1 file is left out, neither an image nor a PDF: notes.txt"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TIFF)))
    assert rows(["-"], reader) == [("-", 1, 0), ("-", 2, 1), ("-", 3, 2)]
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(TIFF,))
    writer.start()
    assert [row[1:] for row in rows([tmp_path / "pipe"], reader)] == [(1, 0), (2, 1), (3, 2)]
    writer.join()


def test_files_count_by_content_and_others_are_named(tmp_path, reader):
    """An image is read under any suffix; the first of the files left out are named."""
    for name in ("a.jfif", "b.JPE", "c.HEIC", "d", "e.dat"):
        (tmp_path / name).write_bytes(png(bars(1)[0]))
    for name in ("f.txt", "g.doc", "sub/h.csv", "sub/i", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no image")
    said: list[str] = []
    found = rows([tmp_path], reader, said=said)
    assert [Path(row[0]).name for row in found] == ["a.jfif", "b.JPE", "c.HEIC", "d", "e.dat"]
    assert {row[2] for row in found} == {0}
    assert said == [
        f"{tmp_path}: 4 files are left out, neither an image nor a PDF: f.txt, g.doc, sub/h.csv "
        "and 1 more"
    ]


def test_an_animation_is_its_first_image_and_that_is_said(tmp_path, reader):
    """Of an animation one image is read; a sentence says so."""
    path = tmp_path / "a.gif"
    path.write_bytes(makers.pages_file(PAGES, "GIF"))
    said: list[str] = []
    assert rows([path], reader, said=said) == [(str(path), 1, 0)]
    assert said == [f"{path}: an animation of 3 images, of which the first is read."]


def test_pages_are_opened_when_they_are_asked_for(tmp_path, monkeypatch):
    """A document's pages are listed without opening one."""
    (tmp_path / "a.tif").write_bytes(TIFF)
    given = list(inputs.iter_inputs([str(tmp_path / "a.tif")]))
    (tmp_path / "a.tif").unlink()
    assert [one.page for one in given] == [1, 2, 3]
    with pytest.raises(InkfastError, match=r"a\.tif, page 2: there is no such file"):
        given[1].load()


def test_a_page_of_16_bits_keeps_its_brightness(tmp_path):
    """Pages of more than 8 bits are read like pages of 8."""
    deep = [Image.fromarray(np.asarray(page, np.uint16) * 257) for page in PAGES]
    (tmp_path / "a.tif").write_bytes(makers.pages_file(deep, "TIFF"))
    for one, page in zip(inputs.iter_inputs([str(tmp_path / "a.tif")]), PAGES, strict=True):
        with Image.open(io.BytesIO(one.load())) as image:
            assert np.array_equal(np.asarray(image.convert("L")), np.asarray(page))
