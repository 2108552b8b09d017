"""`inkfast robustness` and `inkfast export`: a run and its ONNX file, judged alike."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import helper, load_from_string, numpy_helper
from PIL import Image
from scipy import special

from inkfast import cli, noise
from inkfast.commands.readers import _describe_guarantee
from inkfast.core.digits import Digits, Source
from inkfast.core.errors import InkfastError
from inkfast.data import load
from inkfast.evaluation.robustness import Candidate, evaluate_robustness, protocol, suite_noises
from inkfast.evaluation.selective import fit_threshold, prediction_set_threshold
from inkfast.experiments import calibration, onnx_export, robustness, run_folder
from inkfast.experiments.calibration import calibrate, fit_spec_of
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.experiments.onnx_export import _check_parity
from inkfast.experiments.robustness import robustness_of_onnx
from inkfast.inference.onnx_classifier import ModelMetadata, OnnxClassifier
from inkfast.noise import MNIST_C
from inkfast.training.validation import calibration_digits, validation_digits
from tests.conftest import make_strokes
from tests.inference.makers import classifier


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


def test_a_run_is_judged_under_every_corruption(run, inkfast, tmp_path, monkeypatch):
    """Table, JSON and picture; means over seeds; answers only above a confidence; label sets."""
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


def test_a_run_is_judged_again_once_its_weights_are_others(run, tmp_path, monkeypatch):
    """The figures name the weights they are of; the benchmark passes over those alone."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
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


def test_figures_are_not_replaced_unasked(run, inkfast, tmp_path):
    """A second call needs --overwrite, and gives the same figures."""
    words = ["robustness", run, "--suite", "n-mnist", "--out", tmp_path]
    assert inkfast(*words)[0] == 0
    before = (tmp_path / "robustness.json").read_bytes()
    code, _, err = inkfast(*words)
    assert code == 2
    assert "already holds a robustness evaluation" in err
    assert inkfast(*words, "--overwrite")[0] == 0
    assert (tmp_path / "robustness.json").read_bytes() == before


def test_validation_rows_are_each_models_own(run, inkfast, tmp_path):
    """While choosing, the rows that a model was not trained on are judged, the test is not."""
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


def test_an_exported_network_scores_as_the_run(run, inkfast, tmp_path):
    """One file of pixels to probabilities; judged, it gives the run's figures of that seed."""
    path = tmp_path / "bars.onnx"
    code, out, err = inkfast("export", run, "--to", path, "--max-error", "0.3")
    assert code == 0, err
    assert "at most 30.00% of answers wrong" in out
    reader = OnnxClassifier.open(path)
    offered = dict(reader.metadata.pairs("promises"))
    assert offered[0.3] == reader.metadata.number("threshold")
    assert list(offered) == sorted(offered)
    assert reader.metadata.number("pooled") == 0
    assert "mlp(" in reader.metadata.text("model")
    assert reader.metadata.text("training_noise") == "gaussian(sigma=0.1)"
    data = run.parent / "bars.npz"
    code, _, err = inkfast("robustness", path, "--data", data, "--out", tmp_path / "no")
    assert code == 2
    assert "was trained on a part of these digits" in err
    strokes = make_strokes()
    others = tmp_path / "others.npz"
    np.savez(others, images=np.roll(strokes.images, 1, 2), labels=strokes.labels)
    scores = []
    for asked in (path, run):
        words = ["--data", others, "--suite", "noisy-mnist"]
        words += ["--max-error", "0.3"] if asked == run else []
        code, _, err = inkfast("robustness", asked, *words, "--out", tmp_path / f"of-{asked.name}")
        assert code == 0, err
        result = json.loads((tmp_path / f"of-{asked.name}" / "robustness.json").read_text())
        assert result["models"][0]["protocol"] == "iii"
        scores.append(result["rows"][0])
    assert scores[0]["accuracy"] == pytest.approx(scores[1]["accuracy"], abs=0.1)  # of two seeds
    assert 0 < scores[0]["coverage"] <= 1
    assert (
        inkfast("predict", data, "--model", path)[1] == inkfast("predict", data, "--model", run)[1]
    )


def test_an_export_that_answers_nothing_says_what_it_could_promise(run, inkfast, tmp_path):
    """64 digits cannot promise 0.1 %; the least share that they can is named, or that none can."""
    words = ["--to", tmp_path / "a.onnx", "--max-error", "0.001"]
    code, out, err = inkfast("export", run, *words)
    assert code == 0, err
    assert "it answers nothing, every digit is unsure: 64 validation digits are too few" in out
    assert "Nothing up to 0.05 can be: give a larger --max-error" in out
    about = {"threshold": 2, "calibration_digits": 200, "promises": [[0.01, 2], [0.02, 0.9]]}
    told = _describe_guarantee(About(about, "a"), 0.01)
    assert told.endswith("to guarantee 1.00%. 0.02 can be guaranteed: --max-error 0.02")


@pytest.mark.parametrize("pooled", [False, True])
def test_a_pooled_models_file_is_not_judged_on_digits_that_it_knows(pooled, tmp_path):
    """It was trained on a part of the test digits too; another model of that source was not."""
    strokes = make_strokes()
    model = classifier()
    about = {"digits": strokes.fingerprint, "pooled": int(pooled)}
    helper.set_model_props(model, {"inkfast": json.dumps(about)})
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InkfastError, match="trained on a part") if pooled else nullcontext():
        robustness_of_onnx(
            path, Source(strokes, strokes, "both"), suite="noisy-mnist", seed=0, threshold=None,
            threads=1,
        )  # fmt: skip


def test_an_export_replaces_nothing_unasked(run, inkfast, tmp_path):
    """Neither the file nor the JSON beside it, which may be another's."""
    (tmp_path / "data.json").write_text("mine")
    code, _, err = inkfast("export", run, "--to", tmp_path / "data.onnx")
    assert code == 2
    assert "data.json exists. Add --overwrite" in err
    assert (tmp_path / "data.json").read_text() == "mine"
    assert not (tmp_path / "data.onnx").exists()


def test_an_export_in_8_bits_answers_nearly_alike(run, inkfast, tmp_path):
    """It says so of itself, weighs less and reads the run's digits as the float file does."""
    content = {}
    for name, words in (("float", []), ("int8", ["--int8"])):
        path = tmp_path / f"{name}.onnx"
        code, _, err = inkfast("export", run, "--to", path, "--max-error", "0.3", *words)
        assert code == 0, err
        content[name] = path.read_bytes()
    assert len(content["int8"]) < 0.6 * len(content["float"])
    graph = load_from_string(content["int8"]).graph
    held = [numpy_helper.to_array(one) for one in graph.initializer]
    weights = [one.astype(int) for one in held if one.dtype == np.int8 and one.ndim > 1]
    assert len(weights) > 1
    # without VNNI two products of 8 bits are added in 16: full weights overflow there
    assert max(np.abs(one).max() for one in weights) <= 64
    small, large = (OnnxClassifier(content[name], name) for name in ("int8", "float"))
    assert small.metadata.text("precision") == "int8"
    assert large.metadata.text("precision") == ""
    found = [one.probabilities(make_strokes().images) for one in (small, large)]
    assert np.abs(found[0] - found[1]).max() < 0.2
    assert (found[0].argmax(1) == found[1].argmax(1)).mean() > 0.99
    assert not np.array_equal(*found)


def test_an_8_bit_file_promises_by_its_own_answers(run, inkfast, tmp_path, monkeypatch):
    """Threshold, promises and label sets are made by the file that is shipped, on the same rows."""
    for module in (calibration, onnx_export):  # sets for 99 % need more digits than this run has
        monkeypatch.setattr(module, "SET_COVERAGE", 0.9)
    experiment, fits = run_folder.load_models(run)
    model_spec, best = max(
        (fit for fit in fits if fit[0].slug.startswith("mlp")),
        key=lambda fit: fit[1].best.validation_accuracy,
    )
    # of the same labels, and much less sure than the network
    monkeypatch.setattr(onnx_export, "quantize", lambda *_: onnx_export._to_onnx(best, 4.0))
    words = ["--to", tmp_path / "a.onnx", "--max-error", "0.3", "--int8"]
    code, _, err = inkfast("export", run, *words)
    assert code == 0, err
    file = OnnxClassifier.open(tmp_path / "a.onnx")
    dataset = split_source(experiment, load(experiment.data))
    rows = validation_digits(fit_spec_of(model_spec, best, experiment, dataset))
    known = calibrate(model_spec, best, experiment, dataset, 0.3)
    found = file.probabilities(rows.images)
    for max_error, threshold in file.metadata.pairs("promises"):
        assert threshold == min(2, fit_threshold(found, rows.labels, max_error).threshold)
    threshold = file.about.number("threshold")
    assert known.guarantee.threshold != threshold == dict(file.about.pairs("promises"))[0.3]
    assert file.about.pairs("label_sets") == [
        (0.9, prediction_set_threshold(found, rows.labels, 0.9))
    ]
    assert file.about.pairs("label_sets")[0][1] != pytest.approx(known.set_threshold, abs=0.01)


def test_an_export_is_checked_on_digits_of_ones_own(run, inkfast, tmp_path, monkeypatch):
    """A file that answers otherwise on them alone is not written; dark on light is turned over."""
    own = tmp_path / "own.npz"
    images = make_strokes().images
    images[:, 0, 0] = 99  # which the run's own do not have
    np.savez(own, images=images, labels=make_strokes().labels)
    np.savez(tmp_path / "dark.npz", images=255 - images, labels=make_strokes().labels)
    path = tmp_path / "bars.onnx"
    x, y = make_strokes().images, make_strokes().labels
    np.savez(tmp_path / "both.npz", x_train=x, y_train=y, x_test=255 - x, y_test=y)
    checks = [f"--check={place}" for place in (own, tmp_path / "dark.npz", tmp_path / "both.npz")]
    code, out, _ = inkfast("export", run, "--to", path, *checks)
    assert code == 0
    assert out.count("read from PNG files: 0 labels differ from the network's, at most 0 may") == 5
    answers = OnnxClassifier.probabilities
    monkeypatch.setattr(
        OnnxClassifier,
        "probabilities",
        lambda self, images: np.roll(answers(self, images), images[0, 0, 0] == 99, axis=1),
    )
    before = path.read_bytes()
    words = ["export", run, "--to", path, "--overwrite"]
    assert inkfast(*words)[0] == 0
    code, _, err = inkfast(*words, "--check", own)
    assert code == 2
    assert "labels of own" in err
    assert "differ, at most 0 may" in err
    assert "--to onnx" not in err
    assert (
        "with --to onnx for a file that answers alike"
        in inkfast(*words, "--check", own, "--int8")[2]
    )
    assert path.read_bytes() == before


def test_an_export_is_checked_from_picture_files(run, inkfast, tmp_path, monkeypatch):
    """Were files seen otherwise than pixels, nothing would be written."""
    seen = onnx_export.load_digit
    monkeypatch.setattr(
        onnx_export, "load_digit", lambda name, file: (np.roll(seen(name, file)[0], 11, 0), None)
    )
    code, _, err = inkfast("export", run, "--to", tmp_path / "a.onnx")
    assert (code, "does not answer as the trained one" in err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_words_name_files_in_the_run(run, inkfast, tmp_path):
    """`onnx` and `onnx-int8` write beside the run's figures and say where; so does no word."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    for words, name, may in (
        (["--to", "onnx-int8"], "reader-int8.onnx", "at most 0 may"),  # 2 of 1,000 are 0 of 80
        (["--to", "onnx"], "reader.onnx", "at most 0 may"),
        (["--overwrite"], "reader.onnx", "at most 0 may"),
    ):
        code, out, err = inkfast("export", folder, "--max-error", "0.3", *words)
        assert (code, err) == (0, "")
        assert f"{folder / name}: mlp(hidden=[24])" in out.replace("\n", "")
        assert may in out.replace("\n", " ")
        precision = OnnxClassifier.open(folder / name).metadata.text("precision")
        assert precision == ("int8" if "int8" in name else "")
    assert inkfast("robustness", folder, "--suite", "n-mnist", "--out", tmp_path / "r")[0] == 0


def test_changed_test_digits_are_noticed(run, inkfast, tmp_path):
    """A run is judged on its own test digits or, said so, on others."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    kept = json.loads((folder / "data.json").read_text())
    (folder / "data.json").write_text(json.dumps(kept | {"test": "other"}))
    code, _, err = inkfast("robustness", folder, "--out", tmp_path / "r")
    assert code == 2
    assert "has changed since the run" in err


def test_training_digits_among_others_are_left_out(run, inkfast, tmp_path):
    """The run's own file with one label mended is other data, most of which it was trained on."""
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
    """A file with the run's training part and a test part of its own is judged on that part."""
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


def test_a_baseline_is_not_exported(run, inkfast, tmp_path):
    """Only networks are; nothing is written."""
    code, _, err = inkfast("export", run, "--model", "knn", "--to", tmp_path / "knn.onnx")
    assert code == 2
    assert "knn is no network: only networks are exported" in err
    assert not list(tmp_path.iterdir())


def test_one_label_in_500_may_differ_in_8_bits():
    """At most that many; without rounding none."""
    digits = Digits(np.zeros((1000, 28, 28), np.uint8), None, "blank")
    answers = np.full((1000, 10), 0.01)
    answers[:, 0] = 0.91
    trained = SimpleNamespace(probabilities=lambda _: answers)
    for others, int8, refused in (
        (2, True, False),
        (3, True, True),
        (0, False, False),
        (1, False, True),
    ):
        found = answers.copy()
        found[:others] = found[:others, ::-1]
        file = SimpleNamespace(probabilities=lambda _, found=found: found)
        with pytest.raises(InkfastError, match="labels of blank") if refused else nullcontext():
            _check_parity(trained, file, digits, 1.0, int8=int8)


def test_a_promise_is_made_on_the_rows_set_aside(strokes):
    """Rows set aside for calibration promise; without them the validation rows do."""
    experiment = from_settings({"models": ["mlp(hidden=[4])"], "noise": "none"})
    dataset = split_source(experiment, Source(strokes, None, "strokes"))
    model_spec = experiment.models[0]
    seen: list[Digits] = []

    def probabilities(digits: Digits) -> np.ndarray:
        seen.append(digits)
        return np.eye(10)[digits.labels] * 0.8 + 0.02

    for share, n in ((0.25, 80), (0.0, 32)):
        recipe = dataclasses.replace(model_spec.recipe, calibration=share, validation=0.1)
        model = SimpleNamespace(recipe=recipe, seed=3, probabilities=probabilities)
        found = calibrate(model_spec, model, experiment, dataset, 0.3)
        fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
        rows = calibration_digits(fit_spec) if share else validation_digits(fit_spec)
        assert seen[-2].fingerprint == validation_digits(fit_spec).fingerprint
        assert seen[-1].fingerprint == rows.fingerprint
        assert (found.guarantee.n, found.strict) == (n, share > 0)
        assert np.isnan(found.set_threshold)  # 99 digits make label sets for 99 %


def test_a_promise_is_made_at_the_temperature(strokes, monkeypatch):
    """Of a model far too sure, threshold and label sets are those of its cooler answers."""
    monkeypatch.setattr(calibration, "SET_COVERAGE", 0.9)
    experiment = from_settings({"models": ["mlp(hidden=[4])"], "noise": "none"})
    dataset = split_source(experiment, Source(strokes, None, "strokes"))
    model_spec = experiment.models[0]
    recipe = dataclasses.replace(model_spec.recipe, calibration=0.5, validation=0.4)

    def probabilities(digits: Digits) -> np.ndarray:
        rng = np.random.default_rng(len(digits))
        logits = rng.normal(0, 3, (len(digits), 10))
        logits[np.arange(len(digits)), digits.labels] += 9  # their softmax is honest
        return special.softmax(8 * logits, axis=1)

    model = SimpleNamespace(recipe=recipe, seed=3, probabilities=probabilities)
    known = calibrate(model_spec, model, experiment, dataset, 0.1)
    assert known.temperature > 5
    rows = calibration_digits(fit_spec_of(model_spec, model, experiment, dataset))
    sure = probabilities(rows)
    cooler = special.softmax(np.log(sure) / known.temperature, axis=1)
    asked, found = (fit_threshold(p, rows.labels, 0.1).threshold for p in (cooler, sure))
    assert known.guarantee.threshold == asked < 0.99 < found
    assert known.set_threshold == pytest.approx(prediction_set_threshold(cooler, rows.labels, 0.9))
    assert known.set_threshold != pytest.approx(prediction_set_threshold(sure, rows.labels, 0.9))


def test_validation_rows_are_judged_under_the_suites_noise_alone(run):
    """They are clean before it, although the model was chosen on noisy ones."""
    experiment, fits = run_folder.load_models(run)
    dataset = split_source(experiment, load(experiment.data))
    question = robustness.robustness_of_run(
        experiment, fits, dataset, dataset.clean, {}, suite="n-mnist", seed=0, max_error=0.1,
        validation=True,
    )  # fmt: skip
    clean = {image.tobytes() for image in dataset.train.images}
    for one in question.candidates:
        assert {image.tobytes() for image in one.digits.images} <= clean


def test_five_severities_are_one_small_chart_each(run, inkfast, tmp_path):
    """75 corruptions and clean digits, one row per severity."""
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
        (["robustness", "a.onnx", "--validation"], "--validation judges a run folder"),
        (["robustness", "RUN", "--validation", "--data", "DATA"], "leave --data out"),
        (["robustness", "RUN", "--suite", "n-mnist", "--out", "DATA"], "cannot write"),
        (["robustness", "RUN", "--threads", "-1"], "`threads` must be a whole number >= 0"),
        (["robustness", "RUN", "--threshold", "2"], "`threshold` must be a finite number"),
        (["robustness", "RUN", "--threshold", ".9"], "--threshold and --threads are for an ONNX"),
        (["robustness", "RUN", "--threads", "1"], "--threshold and --threads are for an ONNX"),
        (["robustness", "a.onnx", "--max-error", ".1"], "leave --max-error out"),
        (
            ["export", "RUN", "--to", "model.pt"],
            "must be onnx, onnx-int8 or a file that ends in .onnx",
        ),
        (["export", "RUN", "--to", "onnx-int4"], "must be onnx, onnx-int8 or a file"),
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
    assert protocol(noise.build_noise(met), suite_noises(tested)) == label


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

        return Candidate(name, 0, digits, answer, 0.5, set_threshold=0.1)

    found = list(evaluate_robustness([watcher("a"), watcher("b")], suite_noises("n-mnist"), seed=1))
    assert seen["a"] == seen["b"]
    assert seen["a"][0] == digits.images.tobytes()
    assert len(set(seen["a"])) == 4
    assert all(one.coverage == 0 and np.isnan(one.error) for one in found)
    assert all((one.set_coverage, one.set_size) == (1, 10) for one in found)
