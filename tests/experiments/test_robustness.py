"""`inkfast robustness`: a run or an ONNX file under a suite of noises."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from PIL import Image

from inkfast import cli
from inkfast.core.digits import Source
from inkfast.core.errors import InkfastError
from inkfast.core.io import nan_to_none
from inkfast.data import load
from inkfast.experiments import calibration, robustness, run_folder
from inkfast.experiments.dataset import split_source
from inkfast.experiments.robustness import robustness_of_onnx
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.noise import MNIST_C
from tests.conftest import make_strokes
from tests.inference.makers import classifier


def test_a_run_is_evaluated_under_every_noise(run, inkfast, tmp_path, monkeypatch):
    """JSON, table and figure have means over seeds, coverage and prediction sets for every noise."""
    for module in (calibration, robustness):  # sets for 99 % need more digits than this run has
        monkeypatch.setattr(module, "SET_COVERAGE", 0.9)
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
    assert own[0]["set_coverage"] > 0.8
    assert all(0 <= row["set_coverage"] <= 1 and row["set_size"] <= 10 for row in own)
    assert "prediction sets for 90% hold the right digit for" in out
    assert second["protocol"] == "iii"
    assert "Training protocol iii: related noise" in out
    with Image.open(tmp_path / "r" / "robustness.png") as picture:
        assert picture.width > 600


def test_a_run_with_other_weights_is_evaluated_again(run, tmp_path, monkeypatch):
    """The JSON has the SHA-256 of the weights; the benchmark skips a run only if they are equal."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import recipes

    copy, asked = tmp_path / "run", []

    def answer(*words: str) -> None:
        asked.append(words)
        monkeypatch.setattr(sys, "argv", ["inkfast", *words])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert not exit_.value.code

    shutil.copytree(run, copy)
    monkeypatch.setattr(recipes, "RUNS", tmp_path)
    monkeypatch.setattr(recipes, "inkfast", answer)
    for times in (1, 1):
        recipes.judge(copy, "n-mnist")
        assert len(asked) == times
    found = json.loads(recipes.judged(copy, "n-mnist").read_text())["weights"]
    assert set(found) == {path.name for path in (copy / "fits").iterdir()}
    one, other = (copy / "fits" / f"mlp-hidden-24-seed{seed}" for seed in (0, 1))
    shutil.copytree(one, other, dirs_exist_ok=True)  # as if it were trained anew
    recipes.judge(copy, "n-mnist")
    assert len(asked) == 2


@pytest.mark.parametrize(("given", "threshold", "max_error"), [
    (None, 0.7, 0.02), (0.9, 0.9, None),
])  # fmt: skip
def test_thresholds_are_those_of_the_file(given, threshold, max_error, tmp_path):
    """Answers and prediction sets have the file's thresholds; another one voids its guarantee."""
    about = {"threshold": 0.7, "max_error": 0.02, "label_sets": [[0.9, 0.4], [0.99, 0.2]]}
    path = onnx_file(tmp_path, about)
    source = Source(make_strokes(), None, "bars")
    spec = robustness_of_onnx(
        OnnxClassifier.open(path), source, suite="n-mnist", seed=0, threshold=given
    )
    (candidate,) = spec.candidates
    assert (candidate.threshold, candidate.set_threshold) == (threshold, 0.2)
    assert nan_to_none(spec.max_error) == max_error


def test_the_threshold_of_a_file_is_at_least_one_half(tmp_path):
    """A file may name a lower one; a digit more likely wrong than right is not answered."""
    path = onnx_file(tmp_path, {"threshold": 0.3})
    spec = robustness_of_onnx(
        OnnxClassifier.open(path), Source(make_strokes(), None, "bars"), suite="n-mnist", seed=0,
        threshold=None,
    )  # fmt: skip
    assert spec.candidates[0].threshold == 0.5
    assert np.isnan(spec.candidates[0].set_threshold)


def onnx_file(folder: Path, about: dict[str, object]) -> Path:
    """Write a classifier with metadata and return its path."""
    model = classifier()
    helper.set_model_props(model, {"inkfast": json.dumps(about)})
    path = folder / "a.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_scores_are_not_overwritten_unasked(run, inkfast, tmp_path):
    """A second call needs --overwrite, and writes the same scores."""
    words = ["robustness", run, "--suite", "n-mnist", "--out", tmp_path]
    assert inkfast(*words)[0] == 0
    before = (tmp_path / "robustness.json").read_bytes()
    code, _, err = inkfast(*words)
    assert code == 2
    assert "already holds a robustness evaluation" in err
    assert inkfast(*words, "--overwrite")[0] == 0
    assert (tmp_path / "robustness.json").read_bytes() == before


def test_validation_rows_are_each_models_own(run, inkfast, tmp_path):
    """With --validation, models are evaluated on their validation rows and not on test digits."""
    code, _, err = inkfast(
        "robustness", run, "--suite", "n-mnist", "--validation", "--out", tmp_path
    )
    assert code == 0, err
    result = json.loads((tmp_path / "robustness.json").read_text())
    assert {row["model"] for row in result["rows"]} == {"mlp(hidden=[24])", "knn"}
    assert all(row["coverage"] is None for row in result["rows"])
    assert {row["n"] for row in result["rows"]} == {64}  # a fifth of the 320 that are not test
    for rows in ([], ["--validation"]):  # one after the other, into a folder each
        assert inkfast("robustness", run, "--suite", "noisy-mnist", *rows)[0] == 0
    assert Path("runs/robustness-run-noisy-mnist-validation/robustness.json").is_file()


@pytest.mark.parametrize("pooled", [False, True])
def test_a_model_of_a_pooled_source_is_not_evaluated_on_it(pooled, tmp_path):
    """A model trained on a pooled source has seen test digits; another one has not."""
    strokes = make_strokes()
    path = onnx_file(tmp_path, {"digits": strokes.fingerprint, "pooled": int(pooled)})
    with pytest.raises(InkfastError, match="trained on a part") if pooled else nullcontext():
        robustness_of_onnx(
            OnnxClassifier.open(path), Source(strokes, strokes, "both"), suite="noisy-mnist",
            seed=0, threshold=None,
        )  # fmt: skip


def test_changed_test_digits_are_noticed(run, inkfast, tmp_path):
    """A run whose data has changed is refused."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    kept = json.loads((folder / "data.json").read_text())
    (folder / "data.json").write_text(json.dumps(kept | {"test": "other"}))
    code, _, err = inkfast("robustness", folder, "--out", tmp_path / "r")
    assert code == 2
    assert "has changed since the run" in err


def test_training_digits_among_others_are_left_out(run, inkfast, tmp_path):
    """Digits that the run was trained on are removed from other data, and its name says so."""
    strokes = make_strokes()
    mended = np.append(9 - strokes.labels[:1], strokes.labels[1:])
    np.savez(tmp_path / "mended.npz", images=strokes.images, labels=mended)
    words = ["--suite", "n-mnist", "--data", tmp_path / "mended.npz", "--out", tmp_path / "r"]
    code, _, err = inkfast("robustness", run, *words)
    assert code == 0, err
    result = json.loads((tmp_path / "r" / "robustness.json").read_text())
    assert {row["n"] for row in result["rows"]} == {80}
    assert result["digits"] == "mended.npz, less 320 that the run was trained on"
    (run.parent / "bars.npz").rename(tmp_path / "away.npz")
    try:
        code, _, err = inkfast("robustness", run, *words, "--overwrite")
    finally:
        (tmp_path / "away.npz").rename(run.parent / "bars.npz")
    assert code == 0, err
    result = json.loads((tmp_path / "r" / "robustness.json").read_text())
    assert result["digits"] == "mended.npz, not compared with what the run was trained on"


def test_other_test_digits_of_the_same_training_digits_are_those_asked_for(inkfast, tmp_path):
    """A file with the run's training digits and other test digits is evaluated on its test digits."""
    strokes = make_strokes()
    given = {"x_train": strokes.images[:300], "y_train": strokes.labels[:300]}
    parts = {"own": slice(300, 340), "other": slice(330, 400)}
    for name, part in parts.items():
        np.savez(tmp_path / name, **given, x_test=strokes.images[part], y_test=strokes.labels[part])
    run = tmp_path / "run"
    words = ["--models", "mlp(hidden=[8])", "--epochs", "1", "--threads", "1", "--noise", "none"]
    code, _, err = inkfast("compare", "--data", tmp_path / "own.npz", *words, "--out", run)
    assert code == 0, err
    for name, n in (("other", 70), ("moved", 40)):
        if name == "moved":  # the run's own digits are known wherever they lie
            (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
        file, to, begins = tmp_path / f"{name}.npz", tmp_path / name, f"{name}.npz test"
        words = ["--data", file, "--suite", "n-mnist", "--out", to]
        code, _, err = inkfast("robustness", run, *words)
        assert code == 0, err
        result = json.loads((to / "robustness.json").read_text())
        assert {row["n"] for row in result["rows"]} == {n}
        assert result["digits"].startswith(begins)
        assert result["max_error"] == 0.01  # what the model promises is known
        code, out, err = inkfast("evaluate", run, "--data", file)
        assert code == 0, err
        assert f"{n} digits: {begins}" in out


def test_validation_rows_have_the_noise_of_the_suite_only(run):
    """Validation rows are clean before the noise is applied."""
    experiment, fits = run_folder.load_models(run)
    dataset = split_source(experiment, load(experiment.data))
    question = robustness.robustness_of_run(
        experiment, fits, dataset, dataset.clean, {}, suite="n-mnist", seed=0, max_error=0.1,
        validation=True,
    )  # fmt: skip
    clean = {image.tobytes() for image in dataset.train.images}
    for one in question.candidates:
        assert {image.tobytes() for image in one.digits.images} <= clean


def test_five_severities_have_one_row_each(run, inkfast, tmp_path):
    """The suite has 75 noises and clean digits."""
    code, _, err = inkfast("robustness", run, "--suite", "mnist-c-severities", "--out", tmp_path)
    assert code == 0, err
    rows = json.loads((tmp_path / "robustness.json").read_text())["rows"]
    assert len(rows) == 2 * 76
    levels = [row for row in rows if row["noise"].startswith("mnist-c-impulse")][:5]
    assert levels[0]["accuracy"] >= levels[-1]["accuracy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["robustness", "RUN", "--suite", "mnist-d"], "unknown suite 'mnist-d'. Did you mean"),
        (["robustness", "RUN", "--max-error", "0"], "`max_error` must be a finite number > 0"),
        (["robustness", "nowhere"], "nowhere is not a run"),
        (["robustness", "nothing.onnx", "--data", "DATA"], "nothing.onnx cannot be read"),
        (["robustness", "a.onnx", "--validation"], "--validation measures a run folder"),
        (["robustness", "RUN", "--validation", "--data", "DATA"], "leave --data out"),
        (
            ["robustness", "RUN", "--suite", "n-mnist", "--out", "DATA"],
            "is a file: expected a folder",
        ),
        (["robustness", "RUN", "--threads", "-1"], "`threads` must be a whole number >= 0"),
        (["robustness", "RUN", "--threshold", "2"], "`threshold` must be a finite number"),
        (["robustness", "RUN", "--threshold", ".9"], "and --onnx-format are for an ONNX file"),
        (["robustness", "RUN", "--threads", "1"], "and --onnx-format are for an ONNX file"),
        (["robustness", "a.onnx", "--max-error", ".1"], "leave --max-error out"),
        (
            ["export", "RUN", "--to", "model.pt"],
            "must be onnx, onnx-int8 or a file that ends in .onnx",
        ),
        (["export", "RUN", "--to", "onnx-int4"], "must be onnx, onnx-int8 or a file"),
        (["export", "RUN", "--model", "cnn"], "unknown model 'cnn'"),
    ],
)
def test_bad_arguments_are_one_line(words, message, run, inkfast):
    """The exit code is 2, the message one line, and nothing is written."""
    places = {"RUN": str(run), "DATA": str(run.parent / "bars.npz")}
    code, _, err = inkfast(*(places.get(word, word) for word in words))
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("runs").exists()
