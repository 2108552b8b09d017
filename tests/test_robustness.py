"""`inkfast robustness` and `inkfast export`: a run and its ONNX file, judged alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkfast import cli, noise
from inkfast.data import Digits
from inkfast.evaluation.robustness import Candidate, judge, protocol, suite
from inkfast.noise import MNIST_C
from inkfast.reading.classifier import Classifier
from tests.conftest import make_strokes


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a run of two small models on bars, in a folder with its digits."""
    folder = tmp_path_factory.mktemp("robust")
    strokes = make_strokes()
    np.savez(folder / "bars.npz", images=strokes.images, labels=strokes.labels)
    words = [
        "compare", "--data", folder / "bars.npz", "--models", "mlp(hidden=[24]),knn",
        "--noise", "gaussian(sigma=0.1)", "--out", folder / "run", "--seeds", "2", "--epochs", "4",
        "--set", "min_epoch_images=3000", "--set", "precision=fp32", "--set", "validation=0.2",
        "--threads", "1",
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["inkfast", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
    assert not exit_.value.code
    return folder / "run"


def test_a_run_is_judged_under_every_corruption(run, inkfast, tmp_path):
    """Table, JSON and picture; means over seeds; a model without validation rows never abstains."""
    code, out, err = inkfast("robustness", run, "--max-error", "0.3", "--out", tmp_path / "r")
    assert code == 0, err
    result = json.loads((tmp_path / "r" / "robustness.json").read_text())
    assert [row["noise"] for row in result["rows"][:16]] == ["clean", *MNIST_C]
    first, second = result["models"]
    assert first["protocol"] == "iii"  # gaussian noise is not in MNIST-C
    own = [row for row in result["rows"] if row["model"] == first["model"]]
    assert first["mean"] == pytest.approx(np.mean([row["accuracy"] for row in own[1:]]))
    assert first["clean"] == own[0]["accuracy"] > 0.9
    assert first["worst"] == min(row["accuracy"] for row in own[1:])
    assert all(0 <= row["coverage"] <= 1 and row["seeds"] == 2 for row in own)
    knn = [row for row in result["rows"] if row["model"] == second["model"]]
    assert all(row["coverage"] is None for row in knn)
    assert "Training protocol iii: related noise" in out
    with Image.open(tmp_path / "r" / "robustness.png") as picture:
        assert picture.width > 600


def test_figures_are_not_replaced_unasked(run, inkfast, tmp_path):
    """A second call needs --overwrite, and gives the same figures."""
    words = ["robustness", run, "--suite", "n-mnist", "--out", tmp_path]
    assert inkfast(*words)[0] == 0
    before = (tmp_path / "robustness.json").read_bytes()
    code, _, err = inkfast(*words)
    assert code == 2
    assert "already holds figures" in err
    assert inkfast(*words, "--overwrite")[0] == 0
    assert (tmp_path / "robustness.json").read_bytes() == before


def test_validation_rows_are_each_models_own(run, inkfast, tmp_path):
    """While choosing, the rows that a model was not trained on are judged, the test is not."""
    code, _, err = inkfast(
        "robustness", run, "--suite", "n-mnist", "--validation", "--out", tmp_path
    )
    assert code == 0, err
    result = json.loads((tmp_path / "robustness.json").read_text())
    assert {row["model"] for row in result["rows"]} == {"mlp(hidden=[24])"}
    assert {row["n"] for row in result["rows"]} == {64}  # a fifth of the 320 that are not test


def test_an_exported_network_scores_as_the_run(run, inkfast, tmp_path):
    """One file of pixels to probabilities; judged, it gives the run's figures of that seed."""
    path = tmp_path / "bars.onnx"
    code, out, err = inkfast("export", run, "--to", path, "--max-error", "0.3")
    assert code == 0, err
    assert "at most 30.00% of answers wrong" in out
    reader = Classifier.open(path)
    assert "mlp(" in reader.about["model"]
    assert reader.about["training_noise"] == "gaussian(sigma=0.1)"
    strokes = make_strokes()
    accuracy = np.mean(reader.probabilities(strokes.images).argmax(axis=1) == strokes.labels)
    assert accuracy > 0.9
    data = run.parent / "bars.npz"
    code, out, err = inkfast(
        "robustness", path, "--data", data, "--suite", "noisy-mnist", "--out", tmp_path / "r"
    )
    assert code == 0, err
    result = json.loads((tmp_path / "r" / "robustness.json").read_text())
    assert (
        inkfast("predict", data, "--model", path)[1] == inkfast("predict", data, "--model", run)[1]
    )
    assert result["models"][0]["protocol"] == "iii"
    assert result["rows"][0]["accuracy"] == pytest.approx(accuracy)
    assert 0 < result["rows"][0]["coverage"] <= 1


def test_a_baseline_is_not_exported(run, inkfast, tmp_path):
    """Only networks are; nothing is written."""
    code, _, err = inkfast("export", run, "--model", "knn", "--to", tmp_path / "knn.onnx")
    assert code == 2
    assert "knn is no network: only networks are exported" in err
    assert not list(tmp_path.iterdir())


def test_a_ladder_is_one_small_chart_each(run, inkfast, tmp_path):
    """75 corruptions and clean digits, each step a row."""
    code, _, err = inkfast("robustness", run, "--suite", "mnist-c-ladder", "--out", tmp_path)
    assert code == 0, err
    rows = json.loads((tmp_path / "robustness.json").read_text())["rows"]
    assert len(rows) == 2 * 76
    steps = [row for row in rows if row["noise"].startswith("mnist-c-impulse")][:5]
    assert steps[0]["accuracy"] >= steps[-1]["accuracy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["robustness", "RUN", "--suite", "mnist-d"], "unknown suite 'mnist-d'. Did you mean"),
        (["robustness", "RUN", "--max-error", "0"], "`max_error` must be a finite number > 0"),
        (["robustness", "nowhere"], "nowhere is no run"),
        (["robustness", "nothing.onnx", "--data", "DATA"], "nothing.onnx cannot be read"),
        (["robustness", "a.onnx", "--validation"], "--validation needs a run folder"),
        (["robustness", "RUN", "--validation", "--data", "DATA"], "leave --data out"),
        (["export", "RUN", "--to", "model.pt"], "must be a file that ends in .onnx"),
        (["export", "RUN", "--model", "cnn"], "unknown model 'cnn'"),
    ],
)
def test_bad_words_are_one_line(words, message, run, inkfast):
    """Exit code 2, one line, nothing written."""
    places = {"RUN": str(run), "DATA": str(run.parent / "bars.npz")}
    code, _, err = inkfast(*(places.get(word, word) for word in words))
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("met", "tested", "label"),
    [
        ("none", "mnist-c", "i"),
        ("affine + elastic + erase", "mnist-c", "ii"),
        ("rotate + gaussian", "mnist-c", "iii"),
        ("rotate + gaussian", "n-mnist", "iv"),
        ("affine + canny", "mnist-c", "iv"),
        ("one-of(chains=['affine', 'canny'])", "mnist-c", "iv"),
        ("one-of(chains=['affine', 'erase'])", "mnist-c", "ii"),
        ("noisy-mnist", "noisy-mnist", "iv"),
        ("rotate + translate", "noisy-mnist", "ii"),
    ],
)
def test_protocols_are_told_apart(met, tested, label):
    """What was met in training and what is tested decide together."""
    assert protocol(noise.build(met), suite(tested)) == label


def test_a_set_is_corrupted_once_for_everyone():
    """All classifiers see the same pixels, and the first of a suite are the clean ones."""
    digits = Digits(
        np.eye(28, dtype=np.uint8)[None].repeat(20, 0) * 200, np.zeros(20, np.int64), "lines"
    )
    seen: dict[str, list[bytes]] = {"a": [], "b": []}

    def watcher(name: str) -> Candidate:
        def answer(images: np.ndarray) -> np.ndarray:
            seen[name].append(images.tobytes())
            return np.full((len(images), 10), 0.1)

        return Candidate(name, 0, digits, answer, 0.5)

    found = list(judge([watcher("a"), watcher("b")], suite("n-mnist"), seed=1))
    assert seen["a"] == seen["b"]
    assert seen["a"][0] == digits.images.tobytes()
    assert len(set(seen["a"])) == 4
    assert all(one.coverage == 0 and np.isnan(one.error) for one in found)
