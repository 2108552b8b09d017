"""Documents: every page is read or reported, one at a time, whatever the suffix of the file."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.imaging import pdf
from inkfast.imaging.documents import iter_pages, open_document
from inkfast.imaging.file_kind import file_kind
from inkfast.imaging.page_selection import MAX_PAGES, PageSelection
from tests.imaging import document_makers as makers

PAGES = [makers.drawn_page(place) for place in (1, 2, 3)]


def places(source, **options) -> list[int | str]:
    """Return what each page shows, or its error."""
    return [
        page.error or makers.place_of(page.image.grey)
        for page in iter_pages(source, name="scan", **options)
    ]


def heif(pages, **options) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    return makers.pages_file(pages, "HEIF", quality=90, **options)


@pytest.fixture
def scan() -> bytes:
    pytest.importorskip("pypdfium2")
    return makers.pages_file(PAGES, "PDF")


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_tiff_pages_are_read_in_order(compression, tmp_path):
    """All pages of a TIFF file are read, from a path and from its content."""
    content = makers.pages_file(PAGES, "TIFF", compression=compression)
    (tmp_path / "scan").write_bytes(content)
    assert places(content) == places(tmp_path / "scan") == [1, 2, 3]


def test_pdf_pages_are_drawn_at_the_resolution_of_their_scan(scan, tmp_path):
    """A scanned page keeps the pixels of its scan; a path and a content give the same."""
    (tmp_path / "scan.jpg").write_bytes(scan)
    assert places(scan) == places(tmp_path / "scan.jpg") == [1, 2, 3]
    sizes = {page.image.size for page in iter_pages(scan)}
    assert sizes == {(120, 80)}


def test_pdf_pages_without_a_scan_are_drawn_at_300_dpi():
    """An A4 page of lines has 300 dots per inch, and its longer side can be limited."""
    pytest.importorskip("pypdf")
    content = makers.pdf_with_content(b"100 100 50 600 re f")
    (page,) = iter_pages(content)
    assert page.image.size == page.image.image.size == (2479, 3508)
    assert page.image.grey[1000, 500] < 0.1
    assert page.image.grey[1000, 1500] > 0.9
    (small,) = iter_pages(content, 1000)
    assert small.image.size == (2479, 3508)
    assert max(small.image.image.size) == 1000


def test_huge_pdf_pages_are_drawn_smaller():
    """A page of 5 by 3.5 metres stays within the limit of pixels."""
    pytest.importorskip("pypdf")
    (page,) = iter_pages(makers.blank_pdf([(14_000, 10_000)]))
    width, height = page.image.size
    assert width * height <= 1.01 * 16_000_000
    assert width / height == pytest.approx(1.4, abs=0.01)


def test_heif_images_are_pages(tmp_path):
    """Each image of a HEIC file is a page."""
    content = heif(PAGES)
    assert places(content) == [1, 2, 3]
    assert places(heif(PAGES, primary_index=1)) == [1, 2, 3]


@pytest.mark.parametrize(("orientation", "turn"), [(1, None), (3, 3), (6, 2), (8, 4)])
def test_a_heic_photograph_is_turned_upright(orientation, turn):
    """What a phone stores on its side is upright, and has the upright size."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = PAGES[0] if turn is None else PAGES[0].transpose(Image.Transpose(turn))
    (page,) = iter_pages(heif([stored], exif=exif.tobytes()))
    assert page.image.size == PAGES[0].size
    assert np.abs(255 * page.image.grey - np.asarray(PAGES[0], float)).mean() < 3


def test_smaller_copies_in_a_tiff_file_are_no_pages():
    """A preview beside a page is not counted as a page."""
    whole = makers.pages_file(PAGES, "TIFF", tiffinfo={254: 2})
    assert places(whole) == [1, 2, 3]
    with_preview = makers.patched_tiff(whole, 2, 254, 1)
    assert open_document(with_preview).frames == (0, 2)
    assert places(with_preview) == [1, 3]


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_torn_page_is_reported_and_the_others_are_read(compression, capfd):
    """A page whose pixels are missing gives one sentence, and nothing is printed."""
    first, torn, last = places(makers.torn_tiff(3, 2, compression=compression))
    assert (first, last) == (1, 3)
    assert torn.startswith("scan, page 2: expected an image")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_file_that_is_cut_off_loses_no_page_in_silence(compression, capfd):
    """Wherever a TIFF file of three pages ends, its last page is a page or an error."""
    content = makers.pages_file(PAGES, "TIFF", compression=compression)
    for share in np.linspace(0.4, 0.99, 20):
        found = places(content[: int(share * len(content))])
        assert found[0] == 1
        assert found == [1, 2, 3] or str(found[-1]).startswith("scan, page")
    assert capfd.readouterr().err == ""


def test_big_endian_and_big_tiff_pages_are_counted():
    """The chain of pages is followed in both byte orders and in BigTIFF."""
    big = makers.pages_file(PAGES, "TIFF", big_tiff=True)
    assert places(big) == [1, 2, 3]
    deep = [
        Image.frombytes("I;16B", page.size, (np.asarray(page, ">u2") * 257).astype(">u2").tobytes())
        for page in PAGES
    ]
    content = makers.pages_file(deep, "TIFF")
    assert content[:2] == b"MM"
    assert places(content) == [1, 2, 3]


def test_a_tiff_file_whose_pages_form_a_circle_ends():
    """A chain of pages that leads back to its beginning is followed once."""
    content = makers.pages_file(PAGES, "TIFF")
    circle = makers.patched_tiff(content, 3, 0, int.from_bytes(content[4:8], "little"))
    assert places(circle) == [1, 2, 3]


@pytest.mark.parametrize(
    ("user", "message"),
    [("secret", "protected by a password. Save a copy without a password"), ("", "")],
)
def test_a_password_is_asked_for_in_one_sentence(scan, user, message):
    """A PDF that needs a password is refused; one that only restricts printing is read."""
    pytest.importorskip("pypdf")
    content = makers.encrypted_pdf(scan, user, "owner")
    if not message:
        assert places(content) == [1, 2, 3]
        return
    with pytest.raises(InkfastError, match=f"^scan: .*{message}"):
        places(content)


def test_an_empty_pdf_is_refused_whatever_was_opened_before(scan):
    """A PDF without pages is said to have none, also after one that needs a password."""
    pytest.importorskip("pypdf")
    for before in (makers.encrypted_pdf(scan, "secret", "owner"), b"%PDF-1.4 no more"):
        with pytest.raises(InkfastError):
            places(before)
        with pytest.raises(InkfastError, match="at least one page, got none"):
            places(makers.blank_pdf([]))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"II*\0\0\0\0\0", "at least one page, got none"), (b"MM\0*", "cut off"), (b"", "decoded")],
)
def test_a_file_without_a_page_is_refused(content, message):
    """A TIFF file without a page, one that ends in its header, and an empty file."""
    with pytest.raises(InkfastError, match=f"^scan: .*{message}"):
        open_document(content, "scan").load(1)


def test_a_pdf_that_is_cut_off_is_refused(scan):
    """Half of a PDF file gives one sentence."""
    with pytest.raises(InkfastError, match="^scan: the PDF file is damaged"):
        places(scan[: len(scan) // 2])


def test_a_broken_scan_is_reported_and_the_others_are_read(scan):
    """A page that would come out white because its scan is broken is an error."""
    pytest.importorskip("pypdf")
    first, broken, last = places(makers.pdf_with_broken_scan(scan, 2))
    assert (first, last) == (1, 3)
    assert broken.startswith("scan, page 2: the page is damaged")


def test_a_page_that_takes_too_long_is_given_up(monkeypatch):
    """A page of very many shapes is an error after a limit of time."""
    pytest.importorskip("pypdf")
    monkeypatch.setattr(pdf, "MAX_SECONDS", 0.0)
    lines = b"".join(b"0 0 m %d 842 l 595 %d l h f\n" % (i % 595, i) for i in range(2000))
    (page,) = iter_pages(makers.pdf_with_content(lines), name="scan")
    assert "drawn within 0 seconds" in page.error


def test_too_many_pages_are_refused_and_some_can_be_chosen(scan):
    """More pages than the limit are refused as a whole; chosen ones are read."""
    pytest.importorskip("pypdf")
    content = makers.blank_pdf([(20, 20)] * (MAX_PAGES + 1))
    with pytest.raises(InkfastError, match=rf"at most {MAX_PAGES} .* has 501. .*such as 1-500"):
        next(iter_pages(content))
    chosen = PageSelection.parse("500-")
    assert [page.number for page in iter_pages(content, pages=chosen)] == [500, 501]
    assert places(scan, pages=PageSelection.parse("3,1")) == [1, 3]


@pytest.mark.parametrize(
    ("text", "count", "pages"),
    [("1-3,7", 9, [1, 2, 3, 7]), ("7, 2 - 3,2", 9, [2, 3, 7]), ("8-", 9, [8, 9]), ("1-999", 2, [1, 2])],
)  # fmt: skip
def test_pages_are_chosen_by_numbers_and_ranges(text, count, pages):
    """Numbers and ranges choose pages; each is read once, in order."""
    assert PageSelection.parse(text).choose(count, "scan") == pages


@pytest.mark.parametrize("text", ["", "0", "3-1", "1-2-3", "a", "-3", "1,,2", "1 2", "²"])
def test_a_selection_that_is_none_is_refused(text):
    """What is no number or range from 1 is refused, with an example."""
    with pytest.raises(InkfastError, match="such as 1-3,7"):
        PageSelection.parse(text)


def test_pages_that_a_file_lacks_are_an_error():
    """A file with none of the chosen pages is refused."""
    with pytest.raises(InkfastError, match="^scan: expected pages 4-, got a file of 3 pages"):
        PageSelection.parse("4-").choose(3, "scan")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_image_is_read(form):
    """An animation has one page, its first image, and a note says so."""
    document = open_document(makers.pages_file(PAGES, form), "wave")
    assert (document.count, makers.place_of(document.load(1).grey)) == (1, 1)
    assert document.note == "wave: an animation of 3 images, of which the first is read."
    assert open_document(makers.pages_file(PAGES[:1], form)).note == ""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF"])
def test_the_kind_of_a_file_is_told_by_its_content(form, tmp_path):
    """Images of every format are read under a suffix that says something else."""
    file = io.BytesIO()
    PAGES[0].convert("RGB").save(file, form)
    path = tmp_path / "image.heic"
    path.write_bytes(file.getvalue())
    assert file_kind(file.getvalue()) in ("image", "animation", "tiff")
    assert places(path) == [1]


@pytest.mark.parametrize(
    "head", [b"", b"file,text\n1.png,12\n", b"PK\x03\x04", b"BMW and others\n" * 3, b"P5", b"\0" * 99]
)  # fmt: skip
def test_other_files_have_no_kind(head):
    """Text, archives and empty files are no images."""
    assert file_kind(head) == ""


@pytest.mark.parametrize("package", ["pypdfium2", "pillow_heif"])
def test_without_the_extra_one_sentence_says_what_to_install(package, scan, monkeypatch):
    """Without the packages for documents, the error names the package and how to install it."""
    content = scan if package == "pypdfium2" else heif(PAGES)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InkfastError) as caught:
        places(content)
    assert package.replace("_", "-") in str(caught.value)
    assert "pip install -c constraints.txt -e '.[documents]'" in str(caught.value)
