"""`inkfast read`: numbers on the terminal or in a file, pictures to look at, faults listed."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from inkfast.imaging import documents
from inkfast.inference import page as reading_page
from inkfast.inference.columns import CHARACTER_COLUMNS, NUMBER_COLUMNS
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.examples import even_layout
from inkfast.synthetic.hands import WriterHand
from inkfast.synthetic.layout import place_text
from inkfast.synthetic.pens import Pen, draw_lines
from tests.imaging.document_makers import blank_pdf, encrypted_pdf, pages_file, patched_tiff
from tests.imaging.photographs import file_of, page, photographed


@pytest.fixture
def photo(tmp_path):
    """Return a photograph of two lines; the last character of the first one is a letter."""
    ink = page("2460 13", "975")
    left = int(np.flatnonzero(ink[:100].any(axis=0)).max()) + 10
    across = np.arange(32)
    for width in range(5):
        ink[40 + across, left + width + across] = ink[71 - across, left + width + across] = 1
    path = tmp_path / "photo.jpg"
    path.write_bytes(file_of(photographed(ink), "JPEG", quality=90))
    return path


def summary(numbers: int, unsure: int, failed: int = 0) -> str:
    """Return the last line on standard error."""
    return (
        f"inkfast: {numbers} numbers, {unsure} unsure, {failed} file{'s' * (failed != 1)} failed, "
        "0 marks left out"
    )


SAID = summary(3, 1) + "\n"


def test_numbers_are_printed_line_by_line(inkfast, photo):
    """The numbers go to standard output, and how many there are to standard error."""
    assert inkfast("read", photo) == (0, "2460  13?\n975\n", SAID)


def test_json_lines_have_one_row_per_number(inkfast, photo):
    """Each row has all columns; the text is the best guess even if it is unsure."""
    code, out, err = inkfast("read", photo, photo, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [tuple(row) for row in rows] == [NUMBER_COLUMNS] * 6
    assert rows[:3] == rows[3:]
    assert [row["text"] for row in rows[:3]] == ["2460", "13?", "975"]
    assert [(row["page"], row["line"], row["number"]) for row in rows[:3]] == [
        (1, 1, 1), (1, 1, 2), (1, 2, 3),
    ]  # fmt: skip
    assert [row["unsure"] for row in rows[:3]] == [
        "", "it has a sign that is not known", "",
    ]  # fmt: skip
    with Image.open(photo) as image:
        width, height = image.size
    for row in rows:
        assert 0 <= row["left"] < row["left"] + row["width"] <= width
        assert 0 <= row["top"] < row["top"] + row["height"] <= height
        assert 0 <= row["confidence"] <= 1
    assert err.splitlines()[-1] == summary(6, 2)


def test_characters_have_rows_on_request(inkfast, photo):
    """With --each character every character has its own box, inside that of its number."""
    numbers = rows_of(inkfast("read", photo, "--format", "jsonl")[1])
    rows = rows_of(inkfast("read", photo, "--format", "jsonl", "--each", "character")[1])
    assert [tuple(row) for row in rows] == [CHARACTER_COLUMNS] * 10
    for number in numbers:
        own = [row for row in rows if row["number"] == number["number"]]
        assert "".join(row["text"] for row in own) == number["text"]
        assert [row["character"] for row in own] == [*range(1, len(own) + 1)]
        assert number["left"] <= own[0]["left"]
        assert own[-1]["left"] + own[-1]["width"] <= number["left"] + number["width"]
        assert number["confidence"] <= min(row["confidence"] for row in own)
        assert bool(number["unsure"]) == any(row["unsure"] for row in own)
    words = ("read", photo, "--format", "jsonl", "--each", "character", "--digits", 9)
    found = rows_of(inkfast(*words)[1])
    assert {row["unsure"] for row in found if row["number"] == 1} == {"expected 9 digits, found 4"}


def rows_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_csv_goes_into_a_file(inkfast, photo, tmp_path):
    """The file has one row per number under one header; standard output stays empty."""
    to = tmp_path / "new" / "a.csv"
    code, out, err = inkfast("read", photo, "--format", "csv", "--to", to)
    rows = list(csv.DictReader(io.StringIO(to.read_text())))
    assert (code, out, err) == (0, "", f"{summary(3, 1)}: {to}\n")
    assert [row["text"] for row in rows] == ["2460", "13?", "975"]
    assert {row["file"] for row in rows} == {str(photo)}


def test_the_format_follows_the_file_as_in_predict(inkfast, photo, tmp_path):
    """The suffix of --to decides unless --format is given; an unknown suffix writes nothing."""
    begins = {"a.csv": "file,page,line,", "a.jsonl": '{"file": ', "a.txt": "2460"}
    for name, start in begins.items():
        assert inkfast("read", photo, "--to", tmp_path / name)[0] == 0
        assert (tmp_path / name).read_text().startswith(start)
    inkfast("read", photo, "--to", tmp_path / "b.csv", "--format", "text")
    assert (tmp_path / "b.csv").read_text() == "2460  13?\n975\n"
    for name in ("a", "a.doc"):
        code, out, err = inkfast("read", photo, "--to", tmp_path / name)
        assert (code, out, err.count("\n"), (tmp_path / name).exists()) == (2, "", 1, False)
        assert "`to` must end in .csv, .jsonl, .txt, .parquet, .xlsx, got" in err
    assert "it needs --to FILE" in inkfast("read", photo, "--format", "parquet")[2]
    pq = pytest.importorskip("pyarrow.parquet")
    for each in ("number", "character"):
        words = ("--each", each, "--overwrite", "--to")
        for name in ("a.parquet", "a.jsonl"):
            assert inkfast("read", photo, *words, tmp_path / name)[0] == 0
        rows = rows_of((tmp_path / "a.jsonl").read_text())
        assert pq.read_table(tmp_path / "a.parquet").to_pylist() == rows


def test_a_pattern_is_read_as_its_files(inkfast, photo, tmp_path):
    """In quotes, so that the shell leaves it; one that matches nothing is named."""
    assert inkfast("read", tmp_path / "ph*.jpg") == (0, "2460  13?\n975\n", SAID)
    (tmp_path / "phone").mkdir()
    photo.rename(tmp_path / "phone" / "1.jpg")
    assert inkfast("read", tmp_path / "ph*") == (0, "2460  13?\n975\n", SAID)
    code, _, err = inkfast("read", tmp_path / "no*.jpg")
    assert (code, "no*.jpg: there is no such file" in err) == (2, True)


def test_pictures_show_what_was_read(inkfast, photo, tmp_path):
    """The photograph with boxes, and each unsure digit beside what the network saw."""
    inkfast("read", photo, "--overlay", tmp_path / "seen", "--review", tmp_path / "unsure")
    with Image.open(tmp_path / "seen" / "photo-read.png") as seen, Image.open(photo) as original:
        assert seen.width >= original.width
        colours = np.asarray(seen, int)
    green = (colours[..., 1] - colours[..., 0] > 80).sum()
    red = (colours[..., 0] - colours[..., 1] > 120).sum()
    assert green > red > 0
    (review,) = (tmp_path / "unsure").iterdir()
    assert review.name == "photo-002-maybe-13_.png"
    with Image.open(review) as pair:
        assert pair.width > 0.8 * pair.height


def test_what_has_no_words_of_its_own_is_named(inkfast, photo, monkeypatch):
    """A picture for which memory does not suffice ends in one line as well."""

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(documents, "open_image", fail)
    assert inkfast("read", photo) == (2, "", "inkfast: out of memory\n")


def test_a_folder_is_read_as_its_pictures(inkfast, photo, tmp_path):
    """Those of the folders in it as well; one without any is named."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.JPG").write_bytes(photo.read_bytes())
    (tmp_path / "notes.txt").write_text("no picture")
    code, out, err = inkfast("read", tmp_path)
    names = [line for line in out.splitlines() if line.endswith(":")]
    assert (code, err.splitlines()) == (
        0,
        [
            f"inkfast: {tmp_path}: 1 file is left out, neither an image nor a PDF: notes.txt",
            f"[1/2] {tmp_path}/more/a.JPG", f"[2/2] {photo}", summary(6, 2),
        ],
    )  # fmt: skip
    assert names == [f"{tmp_path}/more/a.JPG:", f"{photo}:"]
    (tmp_path / "empty").mkdir()
    code, out, err = inkfast("read", tmp_path / "empty")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "empty: expected photographs in this folder, found none" in err


def test_a_file_that_is_not_there_is_said_to_be_missing(inkfast, tmp_path):
    """Not to be removed or replaced."""
    told = f"inkfast: {tmp_path}/gone.jpg: there is no such file. Check its path."
    code, out, err = inkfast("read", tmp_path / "gone.jpg")
    assert (code, out, err.splitlines()) == (2, "", [told, summary(0, 0, 1)])


def test_the_help_says_what_the_columns_hold(inkfast):
    """Both commands list their columns, and say that an unsure answer is kept."""
    told = " ".join(inkfast("read", "--help")[1].split())
    assert (
        "file, page, line, number (these three from 1), text (the most probable one, even" in told
    )
    assert "digit (the most probable one, even if unsure)" in " ".join(
        inkfast("predict", "--help")[1].split()
    )


@pytest.mark.parametrize("height", [8, 14, 20, 60])
def test_it_says_where_digits_may_be_lost(height, inkfast, tmp_path, monkeypatch):
    """Where a picture is made so small that they are hardly seen, and nowhere else."""
    monkeypatch.setattr(reading_page, "PAGE_LONGEST", 400)
    monkeypatch.setattr(reading_page, "PAGE_SHORTEST", 133)
    ink = page(*["0123"] * (300 // height - 1), height=height, width=900)
    (tmp_path / "a.png").write_bytes(file_of(photographed(ink)))
    code, _, err = inkfast("read", tmp_path / "a.png")
    lost = (
        "the image was scaled down 2.2 times to be read, so digits lower than 21 pixels may be "
        "missing"
    )
    assert code == 0
    warning = f"inkfast: {tmp_path}/a.png: {lost}. Crop it into parts."
    said = [line for line in err.splitlines()[:-1] if "these numbers differ" not in line]
    assert said == ([warning] if height < 20 else [])


def test_overlays_spare_the_photographs_and_each_other(inkfast, photo, tmp_path):
    """In the photographs' own folder as well; names that are alike are told apart."""
    before = photo.read_bytes()
    assert inkfast("read", photo, "--overlay", photo.parent)[0] == 0
    assert photo.read_bytes() == before
    drawn = photo.with_name("photo-read.png")
    after = drawn.read_bytes()
    code, _, err = inkfast("read", photo, drawn, "--overlay", photo.parent)
    assert (code, err.count("\n")) == (2, 1)
    assert "which would be replaced" in err
    assert drawn.read_bytes() == after
    alike = [tmp_path / name for name in ("x/a.png", "y/a.png", "a-1.png")]
    for path in alike:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(before)
    inkfast("read", *alike, "--overlay", tmp_path / "seen")
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {
        "x-a-read.png", "y-a-read.png", "a-1-read.png",
    }  # fmt: skip
    code, _, err = inkfast("read", photo, "--overlay", photo.parent)
    assert (code, "photo-read.png exists. Add --overwrite" in err) == (2, True)
    assert drawn.read_bytes() == after
    assert inkfast("read", photo, "--overlay", photo.parent, "--overwrite")[0] == 0


def test_a_bad_file_is_listed_and_the_rest_is_read(inkfast, photo, tmp_path):
    """One damaged file among many costs one line and the exit code, not the others."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    code, out, err = inkfast("read", bad, photo, tmp_path / "missing.png")
    assert code == 1
    assert out == f"{photo}:\n2460  13?\n975\n"
    told = [line for line in err.splitlines() if line.startswith("inkfast: ")]
    assert told[0].startswith(f"inkfast: {bad}: expected an image")
    assert told[1].startswith(f"inkfast: {tmp_path / 'missing.png'}: there is no such file")
    assert told[2:] == [summary(3, 1, 2)]


def test_every_page_has_a_row(inkfast, photo, tmp_path):
    """A table of results has a row for a blank page and for a file that cannot be read."""
    blank, bad = tmp_path / "blank.png", tmp_path / "bad.png"
    Image.new("L", (200, 100), 230).save(blank)
    bad.write_bytes(b"no picture")
    for each, columns in (("number", NUMBER_COLUMNS), ("character", CHARACTER_COLUMNS)):
        words = ("--format", "csv", "--each", each)
        table = list(csv.DictReader(io.StringIO(inkfast("read", blank, bad, photo, *words)[1])))
        assert all(tuple(row) == columns for row in table)
        assert [(row["file"], row["page"], row["text"]) for row in table[:2]] == [
            (str(blank), "1", ""), (str(bad), "1", ""),
        ]  # fmt: skip
        assert (table[0]["unsure"], table[0]["error"]) == ("no number was found", "")
        assert (table[1]["unsure"], table[1]["error"][:40]) == (
            "",
            f"{bad}: expected an image"[:40],
        )
        assert {(row["file"], row["error"]) for row in table[2:]} == {(str(photo), "")}
    pq = pytest.importorskip("pyarrow.parquet")
    inkfast("read", blank, photo, "--to", tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet")["number"].to_pylist() == [None, 1, 2, 3]


def test_blank_paper_is_said_to_be_blank(inkfast, tmp_path):
    """No ink is no fault."""
    Image.new("L", (200, 100), 230).save(tmp_path / "blank.png")
    assert inkfast("read", tmp_path / "blank.png") == (0, "no ink\n", summary(0, 0) + "\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--format", "xml"],
            "`format` must be one of 'text', 'jsonl', 'csv', 'parquet', 'xlsx', got 'xml'",
        ),
        (["--model", "reeder"], "unknown shipped network 'reeder'"),
        (["--model", "."], "run"),
        (["--per-line", "0"], "`per_line` must be a whole number >= 1"),
        (["--digits", "-1"], "`digits` must be a whole number >= 1"),
        (["--each", "digit"], "`each` must be one of 'number', 'character', got 'digit'"),
        (["--max-error", "2"], "`max_error` must be a finite number"),
    ],
)
def test_bad_words_are_explained(inkfast, photo, tmp_path, words, message):
    """One line, exit code 2, nothing written."""
    code, out, err = inkfast("read", photo, *words, "--to", tmp_path / "out.txt")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out.txt").exists()


def test_what_is_there_is_replaced_on_request_alone(inkfast, photo, tmp_path):
    """An existing --to needs --overwrite; nothing is written where nothing could be read."""
    (tmp_path / "a.txt").write_text("mine")
    assert "Add --overwrite" in inkfast("read", photo, "--to", tmp_path / "a.txt")[2]
    assert "is a file" in inkfast("read", photo, "--overlay", tmp_path / "a.txt")[2]
    words = ("--to", tmp_path / "a.txt", "--overwrite")
    assert inkfast("read", tmp_path / "gone.png", *words)[0] == 2
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert inkfast("read", photo, *words)[0] == 0
    assert (tmp_path / "a.txt").read_text() == "2460  13?\n975\n"


def test_photographs_are_never_written_over(inkfast, photo):
    """Not even with --overwrite."""
    before = photo.read_bytes()
    code, out, err = inkfast("read", photo, "--to", photo, "--format", "csv", "--overwrite")
    assert (code, out, photo.read_bytes() == before) == (2, "", True)
    assert "is one of the photographs, which would be replaced" in err


def test_a_strange_name_stays_on_its_line(inkfast, photo, tmp_path):
    """A new line and bytes that are no text, in a name, are written as escapes."""
    name = tmp_path / "a\n\udcff.jpg"
    photo.rename(name)
    code, out, _ = inkfast("read", name, tmp_path / "b\n.png")
    assert (code, out) == (1, f"{tmp_path}/a\\n\\udcff.jpg:\n2460  13?\n975\n")
    assert inkfast("read", tmp_path / "b\n.png")[2].count("\n") == 2
    rows = rows_of(inkfast("read", name, "--format", "jsonl")[1])
    assert {row["file"] for row in rows} == {rf"{tmp_path}/a\n\udcff.jpg"}


@pytest.fixture
def scan(tmp_path):
    """Return a TIFF file of three pages: 12, 345 and 678."""
    pages = [photographed(page(text)) for text in ("12", "345", "678")]
    path = tmp_path / "scan.tif"
    path.write_bytes(pages_file([Image.fromarray(one) for one in pages], "TIFF"))
    return path


def test_every_page_of_a_document_is_read(inkfast, scan, tmp_path):
    """Each page has its heading in text and its number in the column `page`."""
    code, out, err = inkfast("read", scan)
    headings = [f"{scan}, page {number}:" for number in (1, 2, 3)]
    assert (code, out.splitlines()[::2], out.splitlines()[1::2]) == (
        0, headings, ["12", "345", "678"],
    )  # fmt: skip
    assert err == summary(3, 0) + "\n"
    inkfast("read", scan, "--to", tmp_path / "a.csv", "--overlay", tmp_path / "seen")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [(row["file"], row["page"], row["text"]) for row in rows] == [
        (str(scan), "1", "12"), (str(scan), "2", "345"), (str(scan), "3", "678"),
    ]  # fmt: skip
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {
        f"scan-page-{number}-read.png" for number in (1, 2, 3)
    }
    code, _, err = inkfast("read", scan, "--overlay", tmp_path / "seen")
    assert (code, "scan-page-1-read.png exists. Add --overwrite" in err) == (2, True)


def test_pages_can_be_chosen(inkfast, scan):
    """Only the chosen pages are read; a selection that is none is refused in one line."""
    code, out, _ = inkfast("read", scan, "--pages", "2-")
    assert (code, out.splitlines()[1::2]) == (0, ["345", "678"])
    code, out, err = inkfast("read", scan, "--pages", "3,7")
    assert (code, out.splitlines()[1::2]) == (0, ["678"])
    missing = f"inkfast: {scan}: expected pages 3,7, got a file of 3 pages; the others are missing."
    assert err.splitlines()[0] == missing
    code, out, err = inkfast("read", scan, "--pages", "x")
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, out, err = inkfast("read", scan, "--pages", "9")
    assert (code, out) == (2, "")
    assert err.startswith(f"inkfast: {scan}: expected pages 9, got a file of 3 pages.")


def test_a_torn_page_costs_one_line_and_the_others_are_read(inkfast, scan):
    """A page whose pixels are missing is named and counted; the exit code is 1."""
    content = scan.read_bytes()
    scan.write_bytes(patched_tiff(content, 3, 273, len(content) + 99))
    code, out, err = inkfast("read", scan)
    assert (code, out.splitlines()[1::2]) == (1, ["12", "345"])
    torn, told = err.splitlines()
    assert torn.startswith(f"inkfast: {scan}, page 3: expected an image")
    assert told == "inkfast: 2 numbers, 0 unsure, 0 files failed, 1 page failed, 0 marks left out"


def test_a_document_that_cannot_be_opened_costs_one_line(inkfast, photo, tmp_path):
    """A PDF with a password is named; the other files are read."""
    pytest.importorskip("pypdf")
    secret = encrypted_pdf(blank_pdf([(100, 100)]), "secret", "owner")
    (tmp_path / "a.pdf").write_bytes(secret)
    code, out, err = inkfast("read", tmp_path / "a.pdf", photo)
    assert (code, out) == (1, f"{photo}:\n2460  13?\n975\n")
    said = [line for line in err.splitlines() if line.startswith("inkfast: ")]
    assert said[0].startswith(f"inkfast: {tmp_path}/a.pdf: the PDF file is protected by a password")
    assert said[1] == summary(3, 1, 1)


def test_files_left_out_of_a_folder_are_named(inkfast, photo, tmp_path):
    """Images are read under any suffix; other files are counted and named in one line."""
    photo.rename(tmp_path / "photo.jfif")
    (tmp_path / "copy.HEIC").write_bytes((tmp_path / "photo.jfif").read_bytes())
    (tmp_path / "notes.txt").write_text("no image")
    code, out, err = inkfast("read", tmp_path)
    assert code == 0
    assert out.splitlines()[::3] == [f"{tmp_path}/copy.HEIC:", f"{tmp_path}/photo.jfif:"]
    assert err.startswith(
        f"inkfast: {tmp_path}: 1 file is left out, neither an image nor a PDF: notes.txt\n"
    )


def test_numbers_have_separators(inkfast, tmp_path):
    """The network of numbers reads separators, unless only digits are asked for."""
    rng = np.random.default_rng(3)
    hand = WriterHand(draw_library(), "drawn-002")
    placed = place_text("12/05", hand, even_layout(rng), rng)
    lines = [(line + 0.6) * 40 for one in placed for line in one.lines]
    ink = draw_lines(lines, (88, 260), Pen(4), rng)
    path = tmp_path / "date.png"
    path.write_bytes(file_of(np.uint8(255 - 220 * ink)))
    assert inkfast("read", path)[1] == "12/05\n"
    assert inkfast("read", path, "--digits-only")[1] == "1205\n"
    assert inkfast("read", path, "--expect", r"\d\d/\d\d")[1] == "12/05\n"
