"""`DigitClassifier` with own modules and validation rows; saved, loaded and exported."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.numpy import save_file
from sklearn.base import clone
from torch import nn

from inkfast.core.errors import InkfastError
from inkfast.estimator import DigitClassifier
from inkfast.evaluation.calibration import apply_temperature, fit_temperature, to_logits
from inkfast.evaluation.selective import fit_threshold
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import Reader
from tests.estimator.test_classifier import RECIPE, same, small, weights


class Viewed(nn.Module):
    """A small network as tutorials write it: layers of several kinds, and `view`."""

    def __init__(self, outputs: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5, stride=3)
        self.norm = nn.LayerNorm(4 * 8 * 8)
        self.scale = nn.Parameter(torch.ones(1))
        self.out = nn.Linear(4 * 8 * 8, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        flat = self.conv(images).relu().view(len(images), -1)
        return self.out(self.norm(flat)) * self.scale


class Probable(Viewed):
    """The same with a softmax, which does not belong there."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images).softmax(1)


def frozen() -> nn.Module:
    return Viewed().requires_grad_(False)


def test_a_module_is_copied_and_trained(strokes):
    """The module given keeps its weights, and a second fit begins with them again."""
    module = Viewed()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    classifier = small(module).fit(strokes.images, strokes.labels)
    assert classifier.score(strokes.images, strokes.labels) > 0.9
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not torch.equal(weights(classifier)["out.weight"], before["out.weight"])
    assert same(classifier, small(module).fit(strokes.images, strokes.labels))
    assert type(clone(classifier).model) is Viewed
    slow = small(module, 1, {**RECIPE, "learning_rate": 1e-9, "weight_decay": 0.0})
    slow.fit(strokes.images, strokes.labels)
    torch.testing.assert_close(weights(slow)["out.weight"], before["out.weight"])


def test_a_function_draws_the_weights_of_every_fit(strokes):
    """`random_state` decides them, whatever torch's global state, which is left as it was."""
    images, labels = strokes.images, strokes.labels
    first = small(Viewed, 1).fit(images, labels)
    state = torch.get_rng_state()
    torch.rand(3)
    assert same(first, small(Viewed, 1).fit(images, labels))
    assert not same(first, small(Viewed, 1, random_state=1).fit(images, labels))
    torch.set_rng_state(state)
    before = torch.get_rng_state()
    small(Viewed, 1).fit(images, labels)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("optimiser", ["sgd", "muon"])
def test_frozen_weights_stay(strokes, optimiser):
    """A module may train its last layer alone, with any optimiser."""
    module = frozen()
    module.out.requires_grad_(True)
    classifier = small(module, 2, {**RECIPE, "optimiser": optimiser, "ema": 0.5})
    classifier.fit(strokes.images, strokes.labels)
    assert torch.equal(weights(classifier)["conv.weight"], module.conv.weight)
    assert not torch.equal(weights(classifier)["out.weight"], module.out.weight)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (partial(Viewed, 7), r"must return logits \(n, 10\), got \(2, 7\) for 2 images"),
        (nn.Identity, r"must return logits \(n, 10\), got \(2, 1, 28, 28\)"),
        (lambda: nn.Linear(5, 10), r"and fails on two of them \(mat1 and mat2 shapes"),
        (Probable, "must return logits, got probabilities: leave its softmax out"),
        (frozen, "has no weights to train"),
        (lambda: 3, "must return a torch.nn.Module, got 3"),
        (lambda: 1 / 0, r"could not be made \(division by zero\)"),
    ],
)
def test_other_modules_are_one_line(strokes, model, message):
    """A module of another shape, or none at all, is refused at `fit` in one line."""
    with pytest.raises(InkfastError, match=message) as error:
        small(model).fit(strokes.images, strokes.labels)
    assert "\n" not in str(error.value)


def test_validation_rows_may_be_given(strokes):
    """They choose the epoch and none of them trains; all other rows do."""
    images, labels = strokes.images, strokes.labels
    given = images[:100], labels[:100]
    classifier = small(epochs=3).fit(images[100:], labels[100:], validation=given)
    assert classifier.n_validation_ == 100
    assert sum(classifier.trained_.class_counts["given"]) == 300
    best = classifier.trained_.best
    assert best.validation_accuracy == pytest.approx(classifier.score(*given))
    assert np.isfinite([epoch["validation_loss"] for epoch in classifier.history_]).all()


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (3, "`validation` must be a pair of rows and labels, got 3"),
        ((np.zeros((2, 784)), np.array([0, 11])), r"labels that y has, got \[11\]"),
        ((np.zeros((2, 784)), np.array([0])), "inconsistent numbers of samples"),
        ((np.zeros((2, 64)), np.array([0, 1])), "X has 64 features"),
    ],
)
def test_wrong_validation_rows_are_explained(strokes, validation, message):
    """Rows of another shape, labels that were not trained on, and anything else."""
    with pytest.raises(ValueError, match=message):
        small(epochs=1).fit(strokes.images, strokes.labels, validation=validation)


@pytest.mark.parametrize("names", [None, list("jihgfedcba"), [True, False]])
@pytest.mark.parametrize("rows", ["images", "features"])
def test_a_saved_classifier_predicts_the_same_bits(strokes, tmp_path, names, rows):
    """Parameters, classes, features and history come back, and `export` needs nothing else."""
    labels = strokes.labels if names is None else np.array(names)[strokes.labels % len(names)]
    given = strokes.images if rows == "images" else strokes.images[:, ::4, ::4].reshape(-1, 49) / 3
    classifier = small(epochs=2, noise="translate(pixels=1)").fit(given, labels)
    path = tmp_path / "digits.safetensors"
    classifier.save(path)
    loaded = DigitClassifier.load(path)
    assert loaded.get_params() == classifier.get_params()
    assert loaded.history_ == classifier.history_
    assert loaded.classes_.dtype == classifier.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(given), classifier.predict(given))
    np.testing.assert_array_equal(loaded.predict_proba(given), classifier.predict_proba(given))
    with pytest.raises(InkfastError, match="exists"):
        classifier.save(path)
    classifier.save(path, overwrite=True)
    if names is None and rows == "images":
        classifier.export(tmp_path / "a.onnx")
        loaded.export(tmp_path / "b.onnx")
        files = [OnnxClassifier.open(tmp_path / f"{name}.onnx") for name in "ab"]
        assert files[0].metadata.values == files[1].metadata.values
        np.testing.assert_array_equal(*(one.probabilities(strokes.images) for one in files))


def test_an_own_module_is_loaded_into_the_module_given(strokes, tmp_path):
    """The file has the weights alone; without the module, or with another, one line says so."""
    classifier = small(Viewed, 1, random_state=np.random.RandomState(3))
    classifier.fit(strokes.images, strokes.labels)
    path = tmp_path / "own.safetensors"
    classifier.save(path)
    for model in (Viewed, Viewed()):
        loaded = DigitClassifier.load(path, model=model)
        assert same(loaded, classifier)
        assert loaded.model is model
        assert loaded.random_state == classifier.trained_.seed
    with pytest.raises(
        InkfastError, match="a module of your own, Viewed: give it, or the function"
    ):
        DigitClassifier.load(path)
    with pytest.raises(InkfastError, match="expected the module that was saved, got"):
        DigitClassifier.load(path, model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))
    small(epochs=1).fit(strokes.images, strokes.labels).save(path, overwrite=True)
    with pytest.raises(InkfastError, match=r"knows its model, mlp\(hidden=\[32\]\): leave it out"):
        DigitClassifier.load(path, model=Viewed)


def test_files_that_cannot_be_loaded_are_one_line(strokes, tmp_path):
    """A missing, damaged, changed or other file, and labels that JSON does not keep."""
    path = tmp_path / "digits.safetensors"
    with pytest.raises(InkfastError, match="there is no such file"):
        DigitClassifier.load(path)
    path.write_bytes(b"\x08\0\0\0\0\0\0\0 no json")
    with pytest.raises(InkfastError, match="is damaged or was changed"):
        DigitClassifier.load(path)
    save_file({"a": np.zeros(1)}, path)
    with pytest.raises(InkfastError, match="expected a file that DigitClassifier.save"):
        DigitClassifier.load(path)
    classifier = small(epochs=1).fit(strokes.images, strokes.labels)
    with pytest.raises(InkfastError, match=r"`path` must end in \.safetensors"):
        classifier.save(tmp_path / "digits.pkl")
    classifier.save(path, overwrite=True)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InkfastError, match="its SHA-256 differs"):
        DigitClassifier.load(path)
    dates = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")[strokes.labels % 2]
    with pytest.raises(InkfastError, match="labels must be numbers or text to be saved"):
        small(epochs=1).fit(strokes.images, dates).save(tmp_path / "dates.safetensors")
    assert not (tmp_path / "dates.safetensors").exists()


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_an_exported_classifier_reads_and_has_a_guarantee(strokes, tmp_path, share):
    """Calibration and guarantee are those of the rows held back, computed here once more."""
    model = Viewed if share else "mlp(hidden=[32])"
    classifier = small(model, recipe={**RECIPE, "calibration": share})
    classifier.fit(strokes.images, strokes.labels.astype(str))
    path = tmp_path / "own.onnx"
    classifier.export(path, max_error=0.3)
    found = OnnxClassifier.open(path)
    about, held = found.metadata, classifier.held_back_
    temperature = fit_temperature(to_logits(held.validation), held.validation_labels)
    assert about.number("temperature") == pytest.approx(temperature)
    rows = (held.calibration, held.calibration_labels) if share else (
        held.validation, held.validation_labels
    )  # fmt: skip
    guarantee = fit_threshold(apply_temperature(rows[0], temperature), rows[1], 0.3)
    assert about.number("threshold") == pytest.approx(min(guarantee.threshold, 2))
    assert (about.values["strict"], about.number("calibration_digits")) == (share > 0, len(rows[1]))
    expected = apply_temperature(classifier.predict_proba(strokes.images), temperature)
    np.testing.assert_allclose(found.probabilities(strokes.images), expected, atol=1e-5)
    assert json.loads(path.with_suffix(".json").read_text())["sha256"] == found.fingerprint
    Reader.open(str(path)).predict(strokes.images[:2])
    assert onnxruntime.InferenceSession(path).get_inputs()[0].shape[1:] == [28, 28]
    with pytest.raises(InkfastError, match="exists"):
        classifier.export(path)


def test_what_cannot_be_exported_is_one_line(strokes, tmp_path):
    """Other features, other classes, a baseline, too few rows, and another suffix."""
    images, labels, path = strokes.images, strokes.labels, tmp_path / "own.onnx"
    fitted = small(epochs=1).fit(images, labels)
    with pytest.raises(InkfastError, match=r"`path` must end in \.onnx"):
        fitted.export(tmp_path / "own.safetensors")
    with pytest.raises(InkfastError, match="expected a classifier of 784 features, got 49"):
        small(epochs=1).fit(images[:, ::4, ::4].reshape(-1, 49), labels).export(path)
    with pytest.raises(InkfastError, match=r"expected the classes 0 to 9, got \[0, 1\]"):
        small(epochs=1).fit(images, labels % 2).export(path)
    with pytest.raises(InkfastError, match="too few to hold any back"):
        small(epochs=1).fit(images[:10], np.arange(10)).export(path)
    with pytest.raises(InkfastError, match="knn is not a network"):
        DigitClassifier("knn").fit(images, labels).export(path)
    assert not path.exists()
