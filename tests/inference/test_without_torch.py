"""Reading digits needs none of the packages that only training needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import install_hint
from inkfast.synthetic.handwriting import make_handwriting
from tests.inference.makers import bars, classifier, write_csv, write_pictures

# a process in which nothing of the extra `train` can be imported, as where it is not installed
ALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from inkfast.cli import main
sys.argv = ["inkfast", *{words!r}]
main()
"""
ABSENT = (
    "torch", "sklearn", "skops", "threadpoolctl", "imblearn", "pyarrow", "safetensors", "onnx",
    "onnxscript", "matplotlib", "jinja2", "pooch", "optuna", "sqlalchemy", "platformdirs", "tomli_w",
)  # fmt: skip

HINT = install_hint("train")


def alone(*words: object, absent: tuple[str, ...] = ABSENT) -> subprocess.CompletedProcess[str]:
    """Run the command line without the extra `train`."""
    code = ALONE.format(absent=absent, words=[str(word) for word in words])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_an_onnx_file_reads_digits(tmp_path):
    """An ONNX file gives labels in Kaggle's format with the five packages always installed."""
    images = np.zeros((3, 784), np.uint8)
    for row, image in enumerate(images):
        image[(np.arange(784) * 10 // 784) == 3 * row] = 255
    np.save(tmp_path / "images.npy", images.reshape(3, 28, 28))
    (tmp_path / "model.onnx").write_bytes(classifier().SerializeToString())
    done = alone("predict", tmp_path / "images.npy", "--model", tmp_path / "model.onnx")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["ImageId,Label", "1,0", "2,3", "3,6"]


def test_the_shipped_reader_reads_images_and_tables(tmp_path):
    """Folders, CSV and several processes work; Parquet names the package it needs."""
    write_pictures(tmp_path / "in", bars(4))
    write_csv(tmp_path / "test.csv", bars(4))
    paths = (tmp_path / "in", tmp_path / "test.csv")
    done = alone("predict", *paths, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    drift, summary = done.stderr.splitlines()  # bars are no digits of people
    assert drift.startswith(
        "inkfast: these digits differ from those that the guarantee was made on"
    )
    assert summary.startswith("inkfast: 8 images classified by the shipped reader")
    assert len(done.stdout.splitlines()) == 8
    assert (
        alone("predict", *paths, "--format", "jsonl", "--executor", "local:1").stdout == done.stdout
    )
    (tmp_path / "a.parquet").write_bytes(b"")
    done = alone("predict", *paths, tmp_path / "a.parquet")
    assert done.returncode == 2
    assert "this needs pyarrow, which is not installed. Install it: pip install" in done.stderr


def test_a_prediction_imports_nothing_that_it_does_not_need(tmp_path):
    """One prediction loads neither rich nor pydantic, whose imports are slow."""
    write_pictures(tmp_path / "in", bars(1))
    done = alone("predict", tmp_path / "in", absent=(*ABSENT, "rich", "pydantic"))
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert done.stderr.startswith("inkfast: 1 image classified by the shipped reader")


def test_a_photograph_of_a_number_is_read(tmp_path):
    """The shipped reader reads two digits on a photograph."""
    first, second = make_handwriting(40, seed=2).images[[24, 27]]
    page = np.full((80, 120), 230, np.uint8)
    for left, digit in ((20, first), (42, second)):
        page[20:48, left : left + 28] = 230 - (digit.astype(int) * 200) // 255
    Image.fromarray(page).save(tmp_path / "photo.png")
    done = alone("read", tmp_path / "photo.png")
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, [])
    assert "47" in done.stdout


@pytest.mark.parametrize("words", [["compare"], ["noise", "list"], ["robustness", "a.onnx"]])
def test_other_commands_name_the_package_they_need(words):
    """One line names the missing package and how to install it."""
    done = alone(*words)
    assert done.returncode == 2
    assert "which is not installed" in done.stderr
    assert "pip install -c constraints.txt -e '.[train]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_estimator_names_the_package_it_needs():
    """Importing the estimator raises ImportError with the same sentence."""
    code = "from inkfast.cli import main", "import inkfast; from inkfast import DigitClassifier"
    alone = ALONE.replace(code[0], code[1]).format(absent=ABSENT, words=[])
    done = subprocess.run(
        [sys.executable, "-c", alone], capture_output=True, text=True, check=False
    )
    told = done.stderr.splitlines()[-1]
    assert told.startswith("ImportError: this needs ")
    assert told.endswith(f"which is not installed. Install what trains and measures too, {HINT}")


def test_the_hint_is_in_the_readme():
    """The install command of the message is that of README, word for word."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert HINT.partition(": ")[2] in readme
    assert (Path(__file__).parents[2] / "constraints.txt").is_file()


def test_data_sources_are_listed():
    """Data sources can be listed without the extra."""
    done = alone("data", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1,797 digits" in done.stdout
    assert done.stdout.endswith(
        "too, in your copy of inkfast: .venv/bin/pip install -c constraints.txt -e '.[train]'\n"
    )


def test_help_needs_nothing():
    """Help of every command is shown without the extra."""
    assert "robustness" in alone("--help").stdout
