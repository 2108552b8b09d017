"""`inkfast export`: the ONNX file predicts as the trained network, with guarantees of its own."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import load_from_string, numpy_helper

from inkfast.cli._guarantees import describe_guarantee
from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError
from inkfast.data import load
from inkfast.evaluation.selective import fit_threshold, prediction_set_threshold
from inkfast.experiments import calibration, onnx_export, run_folder
from inkfast.experiments.calibration import calibrate, fit_spec_of
from inkfast.experiments.dataset import split_source
from inkfast.experiments.onnx_export import _check_parity
from inkfast.inference.drift import CONFIDENCES
from inkfast.inference.onnx_classifier import ModelMetadata, OnnxClassifier
from inkfast.training.validation import validation_digits
from tests.conftest import make_strokes


@pytest.fixture(scope="module")
def traced() -> dict[tuple[object, ...], bytes]:
    """Return what torch's exporter and ONNX Runtime's quantizer gave for arguments seen before."""
    return {}


@pytest.fixture(autouse=True)
def _each_network_is_traced_once(traced, monkeypatch):
    """Tracing takes seconds: equal weights at an equal temperature are traced in one test only."""
    trace, quantize = onnx_export.to_onnx, onnx_export.quantize

    def to_onnx(trained, temperature):
        weights = [value.numpy().tobytes() for value in trained.model.state_dict().values()]
        key = (str(trained.architecture), *weights, temperature)
        if key not in traced:
            traced[key] = trace(trained, temperature)
        return traced[key]

    def quantized(content, images):
        key = (content, images.tobytes())
        if key not in traced:
            traced[key] = quantize(content, images)
        return traced[key]

    monkeypatch.setattr(onnx_export, "to_onnx", to_onnx)
    monkeypatch.setattr(onnx_export, "quantize", quantized)


def test_an_exported_network_scores_as_the_run(run, inkfast, tmp_path):
    """Evaluated for robustness, the file has the scores of the run's model."""
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


def test_an_export_has_the_smallest_guarantee_that_can_be_given(run, inkfast, tmp_path):
    """64 digits cannot guarantee 0.1 %: the file answers with the smallest share they can, and says so."""
    path = tmp_path / "a.onnx"
    code, out, err = inkfast("export", run, "--to", path, "--max-error", "0.001")
    assert code == 0, err
    about = OnnxClassifier.open(path).metadata
    smallest, asked = about.number("max_error"), about.number("max_error_asked")
    assert asked == 0.001 < smallest <= 0.5
    offered = dict(about.pairs("promises"))
    assert offered[smallest] == about.number("threshold") <= 1
    assert all(threshold > 1 for error, threshold in offered.items() if error < smallest)
    words = " ".join(out.split())
    assert f"at most {smallest:.2%} of answers wrong on digits like the 64" in words
    assert "This is the smallest share it can guarantee: 64 digits to calibrate on are" in words
    code, out, err = inkfast("predict", run.parent / "bars.npz", "--model", path, "--format", "csv")
    assert code == 0, err
    assert "no error rate could be guaranteed" not in out


def test_a_file_that_can_guarantee_nothing_says_so():
    """A threshold above 1 in a file's metadata is explained in one sentence."""
    about = {"threshold": 2, "max_error": 0.01, "calibration_digits": 20}
    told = describe_guarantee(ModelMetadata(about, "a"), 0.01)
    assert told.startswith("it marks every digit unsure: 20 digits to calibrate on are too few")


def test_an_export_holds_the_confidences_it_was_calibrated_on(run, inkfast, tmp_path):
    """The file's metadata lets a drift test compare answers with those of the calibration."""
    path = tmp_path / "a.onnx"
    code, _, err = inkfast("export", run, "--to", path, "--max-error", "0.3")
    assert code == 0, err
    ranks, confidences = np.array(OnnxClassifier.open(path).metadata.pairs(CONFIDENCES)).T
    assert ranks[0] == 1
    assert ranks[-1] == 64
    assert np.all(np.diff(confidences) >= 0)


def test_an_export_overwrites_nothing_unasked(run, inkfast, tmp_path):
    """Neither the file nor the JSON beside it is overwritten without --overwrite."""
    (tmp_path / "data.json").write_text("mine")
    code, _, err = inkfast("export", run, "--to", tmp_path / "data.onnx")
    assert code == 2
    assert "data.json exists. Add --overwrite" in err
    assert (tmp_path / "data.json").read_text() == "mine"
    assert not (tmp_path / "data.onnx").exists()


def test_an_8_bit_export_predicts_nearly_the_same(run, inkfast, tmp_path):
    """Its metadata says int8, it is smaller, and it predicts nearly as the float file."""
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


def test_an_8_bit_file_has_thresholds_of_its_own(run, inkfast, tmp_path, monkeypatch):
    """Thresholds and prediction sets are fitted on the predictions of the 8-bit file itself."""
    for module in (calibration, onnx_export):  # sets for 99 % need more digits than this run has
        monkeypatch.setattr(module, "SET_COVERAGE", 0.9)
    experiment, fits = run_folder.load_models(run)
    model_spec, best = max(
        (fit for fit in fits if fit[0].slug.startswith("mlp")),
        key=lambda fit: fit[1].best.validation_accuracy,
    )
    # of the same labels, and much less sure than the network
    monkeypatch.setattr(onnx_export, "quantize", lambda *_: onnx_export.to_onnx(best, 4.0))
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
    threshold = file.metadata.number("threshold")
    assert known.guarantee.threshold != threshold == dict(file.metadata.pairs("promises"))[0.3]
    assert file.metadata.pairs("label_sets") == [
        (0.9, prediction_set_threshold(found, rows.labels, 0.9))
    ]
    assert file.metadata.pairs("label_sets")[0][1] != pytest.approx(known.set_threshold, abs=0.01)


def test_an_export_is_checked_on_digits_of_ones_own(run, inkfast, tmp_path, monkeypatch):
    """A file that predicts differently on them is not written; dark ink on light paper is inverted."""
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
        "with --to onnx for a file without rounding" in inkfast(*words, "--check", own, "--int8")[2]
    )
    assert path.read_bytes() == before


def test_an_export_is_checked_on_image_files(run, inkfast, tmp_path, monkeypatch):
    """Nothing is written if image files are read differently from pixels."""
    seen = onnx_export.load_digit
    monkeypatch.setattr(
        onnx_export, "load_digit", lambda name, file: (np.roll(seen(name, file)[0], 11, 0), None)
    )
    code, _, err = inkfast("export", run, "--to", tmp_path / "a.onnx")
    assert (code, "does not predict as the trained one" in err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_exports_without_a_path_go_into_the_run_folder(run, inkfast, tmp_path):
    """`onnx`, `onnx-int8` and no --to write into the run folder and print the path."""
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


def test_a_baseline_is_not_exported(run, inkfast, tmp_path):
    """Only networks are exported; nothing is written."""
    code, _, err = inkfast("export", run, "--model", "knn", "--to", tmp_path / "knn.onnx")
    assert code == 2
    assert "knn is not a network: only networks are exported" in err
    assert not list(tmp_path.iterdir())


def test_one_label_in_500_may_differ_in_8_bits():
    """More are refused; without rounding a single one is."""
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
