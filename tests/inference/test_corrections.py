"""Corrections: where they are stored, what is refused, and that nothing is lost or overwritten."""

from __future__ import annotations

import csv
import json
import os
import signal
from itertools import count
from pathlib import Path
from select import select

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.inference.corrections import NOTHING, check_corrected, load_corrections
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.inference.numbers import ALPHABET

NUMBERS = (
    "file,page,line,number,text,confidence,unsure,left,top,width,height,error\n"
    'a.png,1,1,1,407,0.99,,10,20,90,30,\n"b, c.png",1,1,1,12.5,0.5,faint,1,2,3,4,\n'
    "d.png,1,,,,,no number was found,,,,,\n"
)
DIGITS = (
    "file,page,digit,confidence,runner_up,runner_up_confidence,unsure,error\n"
    "a.png,1,7,0.99,1,0.01,,\nb.png,2,,,,,no ink was found,\n"
)


def answers(folder: Path, kind: str = ".csv", content: str = NUMBERS) -> Path:
    """Write answers in a format."""
    path = folder / f"answers{kind}"
    rows = list(csv.DictReader(content.splitlines()))
    if kind == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif kind == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(content)
    return path


def test_a_csv_gets_three_columns(tmp_path):
    """Answers stay as they are; the correction, who made it and when stand behind them."""
    path = answers(tmp_path)
    with CorrectionsFile(path) as file:
        file.set(2, " 12.6 ", "ana")
        file.set(1, "NONE", "ana")
    lines = path.read_text().splitlines()
    assert lines[0] == NUMBERS.splitlines()[0] + ",corrected,corrected_by,corrected_at"
    for line, before in zip(lines[1:], NUMBERS.splitlines()[1:], strict=True):
        assert line.startswith(before + ",")
    assert lines[3].endswith(",,,")
    one, two = load_corrections(path)
    assert (one.row, one.answer, one.corrected, one.text, one.by) == (1, "407", NOTHING, "", "ana")
    assert (two.file, two.page, two.box, two.turned) == ("b, c.png", 1, (1, 2, 3, 4), 0)
    assert (two.text, two.is_wrong, two.is_sure, two.at[-6:]) == ("12.6", True, False, "+00:00")


@pytest.mark.parametrize("kind", [".jsonl", ".parquet"])
def test_other_formats_get_a_file_beside_them(tmp_path, kind):
    """The answers are not touched; the file alone, or the answers, give the same corrections."""
    path = answers(tmp_path, kind)
    before = path.read_bytes()
    with CorrectionsFile(path) as file:
        file.set(2, "12.5", "ana")
    assert path.read_bytes() == before
    beside = tmp_path / "answers.corrections.csv"
    assert load_corrections(path) == load_corrections(beside)
    assert [(one.row, one.is_wrong) for one in load_corrections(beside)] == [(2, False)]


def test_a_review_goes_on_later(tmp_path):
    """A file that is opened again knows its corrections; one can be changed or taken back."""
    path = answers(tmp_path, content=DIGITS)
    with CorrectionsFile(path) as file:
        file.set(1, "1", "ana")
        file.set(2, NOTHING, "ana")
    with CorrectionsFile(path) as file:
        assert {row: one.corrected for row, one in file.corrections.items()} == {1: "1", 2: "none"}
        assert not file.corrections[2].is_wrong
        file.set(1, "", "ben", was="1")
        file.set(2, "3", "ben", was="none")
    assert [(one.row, one.corrected, one.by) for one in load_corrections(path)] == [(2, "3", "ben")]


def test_spreadsheets_may_have_saved_the_file(tmp_path):
    """A byte order mark and Windows' ends of lines are kept, and corrections typed there count."""
    path = answers(tmp_path)
    lines = NUMBERS.splitlines()
    text = "\r\n".join(
        [lines[0] + ",corrected", lines[1] + ",401", *(f"{one}," for one in lines[2:])]
    )
    path.write_bytes(("\ufeff" + text + "\r\n").encode())
    assert [one.text for one in load_corrections(path)] == ["401"]
    with CorrectionsFile(path) as file:
        file.set(2, "1", "ana")
    saved = path.read_bytes()
    assert saved.startswith("\ufefffile,".encode())
    assert saved.count(b"\r\n") == saved.count(b"\n") == 4


@pytest.mark.parametrize(
    ("text", "what", "stored"),
    [
        ("12,50", "number", "12,50"), (ALPHABET.strip(), "number", ALPHABET.strip()),
        ("", "number", ""), (" None ", "digit", NOTHING), ("0", "digit", "0"),
    ],
)  # fmt: skip
def test_a_text_is_stored_as_it_was_meant(text, what, stored):
    """A number has characters that the reader knows, a digit is one of ten."""
    assert check_corrected(text, what) == stored


@pytest.mark.parametrize(
    ("text", "what", "words"),
    [
        ("4O7", "number", "expected a number"), ("1" * 101, "number", "at most 100"),
        ("12", "digit", "expected a digit from 0 to 9, or none, got '12'"), ("²", "digit", "digit"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_number_is_refused(tmp_path, text, what, words):
    """It is refused when it is typed and when it is read from a file, and nothing is written."""
    path = answers(tmp_path, content=NUMBERS if what == "number" else DIGITS)
    before = path.read_bytes()
    with CorrectionsFile(path) as file, pytest.raises(InkfastError, match=words):
        file.set(1, text, "ana")
    assert path.read_bytes() == before
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0] + ",corrected", *(f"{one},{text}" for one in lines[1:])]))
    with pytest.raises(InkfastError, match=f"row 1: .*{words}"):
        load_corrections(path)


def test_corrections_of_other_answers_are_refused(tmp_path):
    """The file beside the answers must be about their rows, and so must one that is merged."""
    path = answers(tmp_path, ".jsonl")
    with CorrectionsFile(path) as file:
        file.set(2, "1", "ana")
    beside = tmp_path / "answers.corrections.csv"
    answers(tmp_path, ".jsonl", NUMBERS.replace("12.5", "12.8"))
    for use in (load_corrections, CorrectionsFile):
        with pytest.raises(InkfastError, match="has corrections of other answers than"):
            use(path)
    other = answers(tmp_path, content=DIGITS)
    with CorrectionsFile(other) as file, pytest.raises(InkfastError, match="of other answers"):
        file.merge(beside)
    with pytest.raises(InkfastError, match="holds corrections: expected the answers"):
        CorrectionsFile(beside)


def test_two_people_who_disagree_are_named(tmp_path):
    """Corrections of two files are taken together or merged, unless they differ."""
    path = answers(tmp_path, ".jsonl")
    beside, other = tmp_path / "answers.corrections.csv", tmp_path / "ben.csv"
    for text, by in (("1", "ana"), ("2", "ben")):
        with CorrectionsFile(path) as file:
            file.set(2, text, by)
            file.set(1, "407", by)
        if by == "ana":
            beside.rename(other)
    said = r"b, c.png, page 1, number 1 is . for \w+ and . for \w+. Decide"
    with pytest.raises(InkfastError, match=said):
        load_corrections(beside, other)
    with CorrectionsFile(path) as file:
        with pytest.raises(InkfastError, match=said):
            file.merge(other)
        assert file.corrections[2].corrected == "2"
        file.set(2, "", "ben")
        assert file.merge(other) == 1
        assert file.corrections[2].by == "ana"
    assert len(load_corrections(beside, other)) == 4


def test_what_another_program_wrote_is_not_overwritten(tmp_path):
    """A file that changed, appeared or vanished meanwhile is left alone, with one line."""
    path = answers(tmp_path)
    with CorrectionsFile(path) as file:
        file.set(1, "401", "ana")
        path.write_text(path.read_text().replace("401", "402"))
        with pytest.raises(InkfastError, match="was changed by another program"):
            file.set(2, "1", "ana")
        assert [one.text for one in load_corrections(path)] == ["402"]
        path.unlink()
        with pytest.raises(InkfastError, match="was changed by another program"):
            file.set(2, "1", "ana")
        assert not path.exists()


def test_only_one_review_at_a_time(tmp_path):
    """A second review is refused until the first ends; a page out of date changes nothing."""
    path = answers(tmp_path)
    with CorrectionsFile(path) as file:
        with pytest.raises(InkfastError, match="another review of"):
            CorrectionsFile(path)
        file.set(1, "401", "ana", was="")
        with pytest.raises(InkfastError, match="was corrected to 401 on another page meanwhile"):
            file.set(1, "402", "ana", was="")
        assert file.corrections[1].corrected == "401"
    CorrectionsFile(path).close()
    assert [one.name for one in tmp_path.iterdir()] == ["answers.csv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "text or digit is missing"), ("file;page;text\n", "separated by commas"),
        (NUMBERS.replace("unsure", "x", 1), "unsure is missing"),
        (NUMBERS + "a.png,1\n", "row 4: expected 12 cells"), (NUMBERS + '"', "is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_answers_is_refused(tmp_path, content, words):
    """Missing columns, other separators and torn rows are told in one line."""
    with pytest.raises(InkfastError, match=words):
        CorrectionsFile(answers(tmp_path, content=content))
    assert len(list(tmp_path.iterdir())) == 1


def test_files_without_corrections_are_refused(tmp_path):
    """The line says how to make some; so does one for a format that holds none, or no file."""
    with pytest.raises(InkfastError, match="got none. Correct some: inkfast review"):
        load_corrections(answers(tmp_path))
    with pytest.raises(InkfastError, match="got none"):
        load_corrections(answers(tmp_path, ".jsonl"))
    with pytest.raises(InkfastError, match=r"expected a .csv, .jsonl or .parquet file"):
        load_corrections(answers(tmp_path, ".xlsx"))
    with pytest.raises(InkfastError, match="there is no such file"):
        load_corrections(tmp_path / "x.csv")


def correct_endlessly(path: Path, said: int) -> None:
    """Save corrections one after the other, and write the number of each that was saved."""
    with CorrectionsFile(path) as file:
        for number in count(1):
            file.set(number % 2 + 1, str(number), "ana")
            os.write(said, f"{number}\n".encode())


def test_nothing_saved_is_lost_when_the_process_is_killed(tmp_path):
    """Killed at 50 random moments, the file is whole and has every correction that was saved."""
    path, rng = answers(tmp_path), np.random.default_rng(0)
    for _ in range(50):
        hears, says = os.pipe()
        if not (child := os.fork()):
            try:
                correct_endlessly(path, says)
            finally:
                os._exit(1)
        os.close(says)
        with open(hears, encoding="ascii") as file:
            saved = [file.readline() for _ in range(rng.integers(2, 6))]
            select([], [], [], rng.uniform(0, 0.005))
            os.kill(child, signal.SIGKILL)
            saved += file.readlines()
        os.waitpid(child, 0)
        last = int(saved[-1])
        found = {int(one.corrected) for one in load_corrections(path)}
        assert found in ({last - 1, last}, {last, last + 1})
