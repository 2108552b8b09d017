"""Files of results: complete, or a part that can be resumed to the same bytes."""

from __future__ import annotations

import csv
import errno
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inkfast.core import io
from inkfast.core.errors import InkfastError
from inkfast.inference import output_files
from inkfast.inference.columns import DIGIT_COLUMNS
from inkfast.inference.inputs import InputItem
from inkfast.inference.output_formats import OUTPUT_FORMATS
from inkfast.inference.reader import Prediction
from inkfast.inference.results import InputResult

ROWS = [
    InputResult("a.png", Prediction(7, 0.99999951, 1, 2e-7)),
    InputResult('b "quoted", ü\u202f.png', Prediction(3, 0.5, 5, 0.4, "it may be 3 or 5")),
    InputResult(
        "c\nd\x85\udcff.png", error="c\nd\x85\udcff.png: expected an image, but it is none."
    ),
    InputResult("e.png", Prediction(0, 1.0, 9, 0.0)),
]
JOB = {"model": "a"}


def written(path: Path, form: str, rows: list[InputResult]) -> bytes:
    output = output_files.TextFileWriter(path, OUTPUT_FORMATS[form], JOB, resume=False)
    try:
        for row in rows:
            output.write(row)
        output.finish()
    finally:
        output.abort()
    return path.read_bytes()


def answered(form: str) -> list[InputResult]:
    """Return the rows that a format can hold: Kaggle's has no place for an error."""
    return [row for row in ROWS if row.prediction] if form == "kaggle" else ROWS


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0, 1))
@example(share=0.0)
@example(share=1.0)
def test_an_interrupted_job_is_resumed_to_the_same_bytes(form, share, tmp_path):
    """Whatever byte was written last, no row is lost, written twice or cut."""
    rows = answered(form)
    whole = written(tmp_path / "whole", form, rows)
    cut = round(share * len(whole))
    path = tmp_path / "rows"
    output_files.partial_path(path).write_bytes(whole[:cut])
    (tmp_path / "rows.part.json").write_text(json.dumps(JOB))
    output = output_files.TextFileWriter(path, OUTPUT_FORMATS[form], JOB, resume=True)
    assert output.resumed == max(0, whole[:cut].count(b"\n") - bool(OUTPUT_FORMATS[form].header))
    kept = list(output.iter_resumed())
    assert [state for _, state in kept] == [
        "" if form == "kaggle" else row.state for row in rows[: output.resumed]
    ]
    assert all(
        source in ("", row.values()["file"]) for (source, _), row in zip(kept, rows, strict=False)
    )
    for row in rows[output.resumed :]:
        output.write(row)
    output.finish()
    assert path.read_bytes() == whole
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["rows", "whole"]
    path.unlink()


def test_every_row_is_one_line_that_can_be_parsed(tmp_path):
    """File names of any bytes survive CSV and JSON; numbers are rounded, missing values null."""
    lines = written(tmp_path / "a", "jsonl", ROWS).decode().splitlines()
    parsed = [json.loads(line) for line in lines]
    assert [tuple(values) for values in parsed] == [DIGIT_COLUMNS] * 4
    assert parsed[0] == {
        "file": "a.png", "page": 1, "digit": 7, "confidence": 1.0, "runner_up": 1,
        "runner_up_confidence": 0.0, "unsure": "", "error": "",
    }  # fmt: skip
    assert parsed[1]["digit"] == 3
    assert parsed[2]["file"] == r"c\nd\x85\udcff.png"
    written(tmp_path / "b", "csv", ROWS)
    with (tmp_path / "b").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    for row, values in zip(table, parsed, strict=True):
        assert row["file"] == values["file"]
        assert row["digit"] == ("" if values["digit"] is None else str(values["digit"]))
    assert len(written(tmp_path / "c", "text", ROWS).decode().splitlines()) == 5
    assert (
        written(tmp_path / "d", "kaggle", answered("kaggle")) == b"ImageId,Label\n1,7\n2,3\n3,0\n"
    )


def test_kaggles_format_refuses_a_row_without_a_digit(tmp_path):
    """The message names the row and a format that can hold it."""
    with pytest.raises(InkfastError, match="expected an image.*use --format csv"):
        written(tmp_path / "a", "kaggle", ROWS)


def test_a_part_is_neither_deleted_nor_mixed_with_another_job(tmp_path):
    """Without --resume, with another model, or if damaged, the part is left unchanged."""
    path = tmp_path / "rows.csv"
    output = output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], JOB, resume=False)
    output.write(ROWS[0])
    output.abort()
    left = output.part.read_bytes()
    with pytest.raises(
        InkfastError, match="the rows of an interrupted job. Continue with --resume"
    ):
        output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], JOB, resume=False)
    with pytest.raises(InkfastError, match="left by a job with another model, format or pages"):
        output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], {"model": "b"}, resume=True)
    assert output.part.read_bytes() == left
    output.part.write_bytes(left + b"junk\n")
    again = output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], JOB, resume=True)
    with pytest.raises(InkfastError, match="row 2 cannot be parsed"):
        list(again.iter_resumed())
    again.abort()


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("csv", b"\xff"),
        ("csv", b"a.png,1,1,\r,1,0,,"),
        ("csv", b"a" * 200_000 + b",1,1,1,1,0,,"),
        ("jsonl", b"\xff"),
        ("jsonl", b'{"file": ' + b"[" * 100_000),
        ("jsonl", b"[]"),
        ("jsonl", b'{"file": "a", "digit": 1%s}' % (b"0" * 5000)),
    ],
)
def test_a_damaged_row_is_named(form, row, tmp_path):
    """A row of a part that cannot be parsed is named in one sentence."""
    path = tmp_path / "rows"
    output = output_files.TextFileWriter(path, OUTPUT_FORMATS[form], JOB, resume=False)
    output.write(ROWS[0])
    output.abort()
    with output.part.open("ab") as file:
        file.write(row + b"\n")
    again = output_files.TextFileWriter(path, OUTPUT_FORMATS[form], JOB, resume=True)
    with pytest.raises(
        InkfastError, match=r"part is damaged: row 2 cannot be parsed\. Delete it\.$"
    ):
        list(again.iter_resumed())
    again.abort()


@pytest.mark.parametrize("rows", ["", "1,7\n"])
@pytest.mark.parametrize("header", ["a,b\n", "ImageId,Labels\n", "\n", "\xff" * 30 + "\n"])
def test_another_header_is_refused(header, rows, tmp_path):
    """Rows below another header are neither resumed nor appended to."""
    part = output_files.partial_path(tmp_path / "a.csv")
    part.write_text(header + rows, encoding="latin-1")
    (tmp_path / "a.csv.part.json").write_text(json.dumps(JOB))
    with pytest.raises(InkfastError, match="damaged: its first line is not ImageId,Label. Delete"):
        output_files.TextFileWriter(tmp_path / "a.csv", OUTPUT_FORMATS["kaggle"], JOB, resume=True)
    assert part.read_text(encoding="latin-1") == header + rows


def test_a_damaged_job_file_is_refused(tmp_path):
    """Deeply nested JSON beside a part gives one sentence and no traceback."""
    output_files.partial_path(tmp_path / "a.csv").write_text("a\n")
    (tmp_path / "a.csv.part.json").write_text("[" * 100_000)
    with pytest.raises(InkfastError, match="part.json is damaged: expected JSON"):
        opened(tmp_path / "a.csv", resume=True)


def opened(
    path: Path, *, resume: bool = False, overwrite: bool = False
) -> output_files.ResultWriter:
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
        return output_files.ParquetFileWriter(path)
    return output_files.TextFileWriter(
        path, OUTPUT_FORMATS["csv"], JOB, resume=resume, overwrite=overwrite
    )


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_two_jobs_do_not_write_one_file(name, flags, tmp_path):
    """The second job is refused and changes nothing until the first is aborted or complete."""
    path = tmp_path / name
    first = opened(path)
    for row in ROWS:
        first.write(row)
    with pytest.raises(InkfastError, match=f"another job is writing .*{name}. Wait for it"):
        opened(path, **flags)
    first.finish()
    whole = path.read_bytes()
    again = opened(path, **flags)
    again.abort()
    assert path.read_bytes() == whole
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_part_renamed_meanwhile_belongs_to_another_job(tmp_path, monkeypatch):
    """A part that another job completed after it was opened is left unchanged."""
    path = tmp_path / "a.csv"
    real = io.lock

    def late(file, refusal):
        output_files.partial_path(path).rename(path)
        return real(file, refusal)

    monkeypatch.setattr(io, "lock", late)
    with pytest.raises(InkfastError, match="another job is writing"):
        opened(path)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_files_are_written_where_there_are_no_locks(name, tmp_path, monkeypatch):
    """Where files cannot be locked, no file is kept open while it is renamed."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    output = opened(tmp_path / name)
    assert output._lock.closed
    output.write(ROWS[0])
    output.finish()
    assert (tmp_path / name).stat().st_size


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_folder_named_like_the_part_is_refused(name, tmp_path):
    """A folder is never deleted, not even with --overwrite."""
    output_files.partial_path(tmp_path / name).mkdir()
    with pytest.raises(InkfastError, match="cannot write .*part: Is a directory. Choose another"):
        opened(tmp_path / name, overwrite=True)


def test_a_job_that_wrote_no_row_leaves_nothing(tmp_path):
    """Without a row there is nothing to resume, so no part is left."""
    for output in (
        output_files.TextFileWriter(tmp_path / "a.csv", OUTPUT_FORMATS["csv"], JOB, resume=False),
        output_files.ParquetFileWriter(tmp_path / "a.parquet"),
    ):
        output.abort()
    assert not list(tmp_path.iterdir())


def test_other_images_are_not_added_to_resumed_rows():
    """The first inputs must be those of the resumed rows, and at least as many."""
    pictures = [InputItem(name, 0, bytes) for name in "abc"]
    assert list(output_files.check_same_sources(pictures, iter(["a", ""]))) == pictures
    with pytest.raises(InkfastError, match="row 2 is x, and now it would be b"):
        list(output_files.check_same_sources(pictures, iter(["a", "x"])))
    with pytest.raises(InkfastError, match="read more images than the 3 given"):
        list(output_files.check_same_sources(pictures, iter("abcd")))


def test_parquet_holds_the_same_rows_in_groups(tmp_path, monkeypatch):
    """Rows are written in groups, with types, missing values as null."""
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(output_files, "_ROW_GROUP", 3)
    output = output_files.ParquetFileWriter(tmp_path / "a.parquet")
    for row in ROWS:
        output.write(row)
    output.finish()
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 2
    assert file.read().to_pylist() == [row.values() for row in ROWS]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.parquet"]


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    """A file in place of a folder is reported in one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InkfastError, match="cannot write"):
        output_files.TextFileWriter(
            tmp_path / "file" / "a.csv", OUTPUT_FORMATS["csv"], JOB, resume=False
        )
    with pytest.raises(InkfastError, match="cannot write"):
        output_files.ParquetFileWriter(tmp_path / "file" / "a.parquet")


def test_a_full_disk_keeps_what_was_written(tmp_path):
    """The error says what to do, and the rows written before it can be resumed."""
    path = tmp_path / "a.csv"
    output = output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], JOB, resume=False)
    output.write(ROWS[0])
    real = output._file.write

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    output._file.write = full
    with pytest.raises(InkfastError, match=r"No space left on device\. Free some space"):
        output.write(ROWS[1])
    output._file.write = real
    output.abort()
    again = output_files.TextFileWriter(path, OUTPUT_FORMATS["csv"], JOB, resume=True)
    again.abort()
    assert again.resumed == 1
