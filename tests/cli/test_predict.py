"""`inkfast predict`: every kind of picture in, every form of rows out, from any model."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from inkfast import cli
from inkfast.experiments import run_folder
from inkfast.experiments.onnx_export import with_metadata
from inkfast.experiments.run_classifier import RunClassifier
from inkfast.inference import batch, inputs
from inkfast.inference.drift import CONFIDENCES, summarize_confidences
from inkfast.training import hardware
from tests.inference.makers import bars, classifier, png, write_csv, write_pictures

PROGRAM = [sys.executable, "-c", "from inkfast.cli import main; main()"]


@pytest.fixture
def model(tmp_path) -> Path:
    """Return an ONNX file that reads bars."""
    (tmp_path / "bars.onnx").write_bytes(classifier().SerializeToString())
    return tmp_path / "bars.onnx"


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Return a folder of twelve pictures, the fifth of which is none."""
    folder = write_pictures(tmp_path / "in", bars(12))
    (folder / "004.png").write_bytes(b"junk")
    return folder


def parsed(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        for row, image in enumerate(bars()):
            file.writestr(f"{row}.png", png(image))
    return folder / "a.zip"


def arrays(folder: Path) -> Path:
    np.savez(folder / "a.npz", images=bars(), labels=np.arange(10))
    return folder / "a.npz"


def parquet(folder: Path) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": [png(image) for image in bars()]}), folder / "a.parquet")
    return folder / "a.parquet"


@pytest.mark.parametrize("make", [
    lambda folder: write_pictures(folder / "in", bars()),
    lambda folder: f"{write_pictures(folder / 'in', bars())}/*.png",
    archive, arrays, parquet,
    lambda folder: write_csv(folder / "a.csv", bars()),
    lambda folder: write_csv(folder / "b.csv", bars(), labelled=True),
], ids=["folder", "glob", "zip", "npz", "parquet", "csv", "labelled csv"])  # fmt: skip
def test_every_kind_of_input_is_read_in_order(make, model, tmp_path, inkfast):
    """Rows come in the order of the files and name what they are of."""
    path = make(tmp_path)
    code, out, err = inkfast("predict", path, "--model", model, "--format", "jsonl")
    assert (code, err) == (0, f"inkfast: 10 images classified by {model}, 0 unsure, 0 failed\n")
    rows = parsed(out)
    assert [row["digit"] for row in rows] == list(range(10))
    assert [row["file"] for row in rows] == sorted(
        (row["file"] for row in rows), key=lambda name: (len(name), name)
    )


def test_standard_input_is_a_picture_or_a_list_of_paths(model, pictures, inkfast, monkeypatch):
    """`-` takes one picture; `--files-from -` a path a line, after those that are given."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(png(bars()[7]))))
    code, out, _ = inkfast("predict", "-", "--model", model)
    assert (code, [row["digit"] for row in parsed(out)]) == (0, [7])
    listed = f"{pictures}/003.png\n\n{pictures}/001.png\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    words = ("predict", pictures / "009.png", "--files-from")
    _, out, _ = inkfast(*words, "-", "--model", model)
    assert [row["digit"] for row in parsed(out)] == [9, 3, 1]
    (pictures / "list.txt").write_text(listed)
    assert inkfast(*words, pictures / "list.txt", "--model", model)[1] == out


def test_a_bad_picture_is_listed_and_the_rest_is_read(model, pictures, inkfast, tmp_path):
    """Exit code 1, a line on standard error, a row with the error; Kaggle's form refuses it."""
    code, out, err = inkfast("predict", pictures, "--model", model)
    assert code == 1
    assert err.startswith(f"inkfast: {pictures}/004.png: expected an image")
    assert err.splitlines()[1:] == [f"inkfast: 12 images classified by {model}, 0 unsure, 1 failed"]
    rows = parsed(out)
    assert [row["digit"] for row in rows] == [0, 1, 2, 3, None, 5, 6, 7, 8, 9, 0, 1]
    assert rows[4]["error"] in err
    code, out, _ = inkfast("predict", pictures, "--model", model, "--format", "text")
    assert (code, out.splitlines()[5].split()[0]) == (1, "!")
    code, out, err = inkfast("predict", pictures, "--model", model, "--to", tmp_path / "a.csv")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        f"inkfast: 12 images classified by {model}, 0 unsure, 1 failed: {tmp_path}/a.csv"
    )
    code, _, err = inkfast("predict", pictures, "--model", model, "--format", "kaggle")
    assert code == 2
    assert "use --format csv" in err


def test_the_form_follows_the_place(model, tmp_path, inkfast):
    """By the suffix of --to; Kaggle's for a table of pixels; JSON lines in a pipe."""
    folder = write_pictures(tmp_path / "in", bars())
    table = write_csv(tmp_path / "test.csv", bars())
    begins = {
        "a.csv": "file,page,digit,", "a.jsonl": '{"file"', "a.txt": "digit  confidence", "b.csv": "file",
    }  # fmt: skip
    for name, start in begins.items():
        assert inkfast("predict", folder, "--model", model, "--to", tmp_path / name)[0] == 0
        assert (tmp_path / name).read_text().startswith(start)
    assert inkfast("predict", table, "--model", model)[1].startswith("ImageId,Label\n1,0\n2,1\n")
    out = inkfast("predict", table, "--model", model, "--to", tmp_path / "c.csv")[2]
    assert (tmp_path / "c.csv").read_text().startswith("ImageId,Label\n")
    assert "c.csv in Kaggle's format (--format csv has confidences)" in out
    np.savez(tmp_path / "test.npz", images=bars())
    to = ("--to", tmp_path / "d.csv")
    assert "Kaggle" not in inkfast("predict", tmp_path / "test.npz", "--model", model, *to)[2]
    assert (
        (tmp_path / "d.csv").read_text().startswith("file,page,digit,")
    )  # a submission has no npz
    assert inkfast("predict", folder, "--model", model)[1].startswith('{"file"')
    pq = pytest.importorskip("pyarrow.parquet")
    assert inkfast("predict", folder, "--model", model, "--to", tmp_path / "a.parquet")[0] == 0
    rows = parsed((tmp_path / "a.jsonl").read_text())
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == rows


def test_the_unsure_ones_can_be_reviewed(model, tmp_path, inkfast):
    """A PNG for each of them and for no other, numbered as its row."""
    faint = bars()
    faint[3] //= 8
    folder = write_pictures(tmp_path / "in", faint)
    words = ("predict", folder, "--review", tmp_path / "review")
    shipped = inkfast(*words)  # of which nothing is a digit, or little
    assert shipped[0] == 0
    unsure = [row + 1 for row, values in enumerate(parsed(shipped[1])) if values["unsure"]]
    assert [int(path.name[:7]) for path in sorted((tmp_path / "review").iterdir())] == unsure
    assert unsure


def test_an_interrupted_job_is_gone_on_with(model, pictures, tmp_path, inkfast, monkeypatch):
    """Ctrl-C keeps the rows so far and says so; --resume ends with the bytes of one go."""
    monkeypatch.setattr(batch, "_MAX_IMAGES", 2)
    whole, path = tmp_path / "whole.jsonl", tmp_path / "rows.jsonl"
    words = ("predict", pictures, "--model", model, "--to")
    assert inkfast(*words, whole)[0] == 1
    read = []

    def interrupted(name):
        read.append(name)
        if len(read) == 8:
            raise KeyboardInterrupt
        return Path(name).read_bytes()

    monkeypatch.setattr(inputs, "_read_image_file", interrupted)
    code, _, err = inkfast(*words, path)
    assert code == 130
    assert f"6 rows are kept in {path}.part: resume with --resume" in err
    assert not path.exists()
    assert inkfast(*words, path)[0] == 2
    code, _, err = inkfast(*words, path, "--resume")
    assert code == 1  # of a row that is kept
    assert path.read_bytes() == whole.read_bytes()
    assert read[8:] == [f"{pictures}/{row:03d}.png" for row in range(6, 12)]
    assert "1 failed" in err
    told = inkfast(*words, path, "--resume")[2]
    assert (
        "is complete already, so there is nothing to resume. It was not compared with the images"
        in told
    )


def test_engines_write_the_same_bytes(model, pictures, tmp_path, inkfast):
    """Two processes and one."""
    for name, executor in (("serial", "serial"), ("local", "local:2")):
        words = ("--executor", executor, "--to", tmp_path / f"{name}.csv")
        assert inkfast("predict", pictures, "--model", model, *words)[0] == 1
    assert (tmp_path / "local.csv").read_bytes() == (tmp_path / "serial.csv").read_bytes()


@pytest.mark.parametrize("executor", ["serial", "local:2"])
def test_less_confident_digits_are_said_once_to_differ(executor, tmp_path, inkfast):
    """Two bars in each image halve the confidence: one line says that more may be wrong than guaranteed."""
    about = {"promises": [[0.02, 0.4]], "threshold": 0.4}
    about[CONFIDENCES] = summarize_confidences(np.full(500, 0.99))
    model = tmp_path / "bars.onnx"
    model.write_bytes(with_metadata(classifier().SerializeToString(), about))
    for images, expected in ((bars(300), 0), (np.maximum(bars(300), bars(301)[1:]), 1)):
        np.savez(tmp_path / "in.npz", images=images)
        code, _, err = inkfast(
            "predict", tmp_path / "in.npz", "--model", model, "--executor", executor
        )
        assert code == 0
        assert err.count("more than 2 % of the answers may be wrong") == expected
        assert err.splitlines()[-1].startswith("inkfast: 300 images classified by")


def test_a_runs_model_reads_on_one_thread(monkeypatch):
    """In each of several processes, so that they do not crowd the cores; torch's number stays."""
    seen = []

    def probabilities(digits):
        seen.append((torch.get_num_threads(), {pool["num_threads"] for pool in threadpool_info()}))
        return np.eye(10)[: len(digits)]

    best = SimpleNamespace(validation_accuracy=0.9)
    model = SimpleNamespace(best=best, seed=0, probabilities=probabilities)
    entry = SimpleNamespace(name="mlp", architecture="mlp")
    monkeypatch.setattr(run_folder, "load_models", lambda run: (None, [(entry, model)]))
    reader = RunClassifier(Path("run"))
    with hardware.torch_threads(2), threadpool_limits(2):
        reader.probabilities(np.zeros((3, 28, 28), np.uint8))
        assert torch.get_num_threads() == 2
    assert seen == [(1, {1})]


@pytest.mark.slow
def test_the_package_is_a_program():
    """`python -m inkfast` is `inkfast`."""
    words = [sys.executable, "-m", "inkfast", "predict", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Classify images of one digit each" in done.stdout


def test_a_reader_of_lines_may_leave(model, tmp_path):
    """What `inkfast predict ... | head` does ends without a word."""
    np.save(tmp_path / "a.npy", bars(20_000))
    words = ["predict", tmp_path / "a.npy", "--model", model, "--format", "jsonl"]
    with subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert json.loads(process.stdout.readline())["digit"] == 0
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected at least one PATH"),
        (["no.png"], "no.png: there is no such file or folder"),
        (["no*.png"], "no file matches it"),
        ([".", "--model", "rader"], "unknown shipped network 'rader'. Did you mean 'reader'?"),
        ([".", "--model", "no.onnx"], "no.onnx cannot be read"),
        ([".", "--model", "."], ". is not a run: expected a folder"),
        (
            [".", "--model", ".", "--max-error", "0.1"],
            "has no risk guarantee. Export it: inkfast export",
        ),
        ([".", "--max-error", "2"], "`max_error` must be"),
        ([".", "--format", "xml"], "`format` must be one of 'text'"),
        ([".", "--format", "parquet"], "it needs --to FILE"),
        ([".", "--to", "a.xml"], "`to` must end in .csv"),
        ([".", "--resume"], "it needs --to FILE"),
        ([".", "--resume", "--to", "a.parquet"], "a.parquet cannot be resumed in this format"),
        ([".", "--executor", "spark"], "`executor` must be serial"),
        (["--files-from", "no.txt"], "No such file"),
    ],
)
def test_wrong_words_are_explained(words, message, inkfast):
    """One line, exit code 2, nothing written."""
    code, out, err = inkfast("predict", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(Path().iterdir())


def test_a_submission_has_kaggles_form(strokes, tmp_path, monkeypatch, capsys):
    """Ids count from 1 in the order of the rows, labels are the model's answers."""
    np.savez(tmp_path / "train.npz", images=strokes.images, labels=strokes.labels)
    header = ",".join(f"pixel{i}" for i in range(784))
    rows = [",".join(map(str, image.ravel())) for image in strokes.images[:30]]
    (tmp_path / "test.csv").write_text("\n".join([header, *rows]) + "\n")
    words = [
        ["train", "mlp(hidden=[32])", "--data", tmp_path / "train.npz", "--noise", "none", "--out", tmp_path / "run",
         "--set", "min_epoch_images=2000", "--set", "precision=fp32", "--epochs", "4", "--threads", "1"],
        ["predict", tmp_path / "test.csv", "--model", tmp_path / "run", "--to", tmp_path / "submission.csv"],
    ]  # fmt: skip
    for line in words:
        monkeypatch.setattr(sys, "argv", ["inkfast", *map(str, line)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert not exit_.value.code, capsys.readouterr().err
    with (tmp_path / "submission.csv").open() as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["ImageId", "Label"]
    assert [int(row["ImageId"]) for row in table] == list(range(1, 31))
    right = [int(row["Label"]) for row in table] == strokes.labels[:30]
    assert right.mean() > 0.9
    assert "30 images classified by mlp(hidden=[32]), seed 0" in capsys.readouterr().err


def test_nothing_to_read_is_said(model, tmp_path, inkfast):
    """An empty folder, an archive of no pictures: one line, exit code 2, nothing written."""
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("inner.zip", b"")
    for path in (tmp_path / "in", tmp_path / "a.zip"):
        words = ("predict", path, "--model", model)
        code, out, err = inkfast(*words, "--format", "csv")
        *left_out, last = err.splitlines()
        assert (code, out, len(left_out)) == (2, "", path.suffix == ".zip")
        assert last.startswith("inkfast: expected images, got none")
        assert inkfast(*words, "--to", tmp_path / "out.csv")[0] == 2
    assert not list(tmp_path.glob("out.csv*"))


def test_what_is_there_is_replaced_on_request_alone(model, tmp_path, inkfast):
    """An existing --to needs --overwrite; a folder is never one; a review needs a folder."""
    (tmp_path / "a.csv").write_text("mine")
    words = ("predict", write_pictures(tmp_path / "in", bars(1)), "--model", model)
    code, _, err = inkfast(*words, "--to", tmp_path / "a.csv")
    assert (code, err) == (
        2, f"inkfast: {tmp_path}/a.csv exists. Add --overwrite, or choose another file.\n",
    )  # fmt: skip
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert "is a file" in inkfast(*words, "--review", tmp_path / "a.csv")[2]
    for flags in ((), ("--resume",)):
        to_folder = (*words, "--to", tmp_path / "in", "--format", "csv", *flags)
        assert "expected a file" in inkfast(*to_folder)[2]
    both = inkfast(*words, "--to", tmp_path / "a.csv", "--overwrite", "--resume")
    assert (both[0], "exclude each other" in both[2]) == (2, True)
    assert inkfast(*words, "--to", tmp_path / "a.csv", "--overwrite")[0] == 0
    assert (tmp_path / "a.csv").read_text().startswith("file,page,")


def test_standard_input_may_be_closed_and_a_list_no_text(model, tmp_path, inkfast, monkeypatch):
    """Neither ends in a traceback."""
    monkeypatch.setattr(sys, "stdin", None)
    assert "which is closed" in inkfast("predict", "-", "--model", model)[2]
    assert "which is closed" in inkfast("predict", "--files-from", "-", "--model", model)[2]
    (tmp_path / "list").write_bytes(png(bars()[0]))
    for name, message in (("list", "one path per line"), ("gone", "cannot read")):
        code, out, err = inkfast("predict", "--files-from", tmp_path / name, "--model", model)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_names_that_are_no_text_are_names(model, tmp_path, inkfast, monkeypatch):
    """They are read from a list on standard input, written to, and shown with escapes."""
    source = os.fsencode(tmp_path) + b"/f\xff.png"
    Path(os.fsdecode(source)).write_bytes(png(bars()[0]))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source + b"\n"), "utf-8"))
    to = tmp_path / os.fsdecode(b"o\xff.jsonl")
    code, _, err = inkfast("predict", "--files-from", "-", "--model", model, "--to", to)
    assert (code, rf"{tmp_path}/o\udcff.jsonl" in err) == (0, True)
    (row,) = parsed(to.read_text())
    assert (row["file"], row["digit"]) == (rf"{tmp_path}/f\udcff.png", 0)


def test_what_a_job_left_can_be_begun_anew(model, pictures, tmp_path, inkfast):
    """Kaggle's form ends at a bad picture; in another form --overwrite starts from the first."""
    to = tmp_path / "a.csv"
    words = ("predict", pictures, "--model", model, "--to", to, "--format")
    assert "use --format csv" in inkfast(*words, "kaggle")[2]
    assert "start again with --overwrite" in inkfast(*words, "csv")[2]
    assert inkfast(*words, "csv", "--overwrite")[0] == 1  # one is bad
    assert to.read_text().startswith("file,page,")
    assert not Path(f"{to}.part").exists()


def test_a_fault_in_kaggles_form_is_told_once(model, tmp_path, inkfast):
    """A wrong header is one line, and no header of ours comes before it."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    code, out, err = inkfast("predict", tmp_path / "a.csv", "--model", model, "--format", "kaggle")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--format csv" not in err  # which would not read it either


def test_xlsx_and_parquet_hold_the_rows_of_the_other_formats(model, pictures, tmp_path, inkfast):
    """Values, types and order are those of JSON lines; text stays text in a spreadsheet."""
    openpyxl = pytest.importorskip("openpyxl")
    words = ("predict", pictures, "--model", model, "--to")
    for name in ("a.jsonl", "a.xlsx"):
        assert inkfast(*words, tmp_path / name)[0] == 1
    header, *rows = openpyxl.load_workbook(tmp_path / "a.xlsx").active.values
    expected = parsed((tmp_path / "a.jsonl").read_text())
    assert header == tuple(expected[0])
    assert [tuple("" if one is None else one for one in row) for row in rows] == [
        tuple("" if one is None else one for one in row.values()) for row in expected
    ]
    assert inkfast(*words, tmp_path / "b.xlsx", "--resume")[0] == 2


def test_inputs_are_never_written_over(inkfast, tmp_path):
    """Not even with --overwrite."""
    image = tmp_path / "a.png"
    image.write_bytes(b"an image")
    before = image.read_bytes()
    code, _, err = inkfast("predict", image, "--to", image, "--format", "csv", "--overwrite")
    assert (code, image.read_bytes() == before) == (2, True)
    assert "is one of the inputs" in err
