"""Training that begins with a trained network: a run, an exported file or a shipped network."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper

from inkfast import models, noise
from inkfast.core.errors import InkfastError
from inkfast.core.pixels import to_unit
from inkfast.experiments import run_folder
from inkfast.experiments.starting_point import load_starting_point
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.onnx_graph import probe_images
from inkfast.inference.reader import model_path, shipped_names
from inkfast.training import FitSpec, fit, resolve_recipe
from inkfast.training.fit_spec import Callback
from inkfast.training.onnx_weights import read_onnx_weights
from inkfast.training.starting_weights import StartingWeights
from tests.conftest import make_strokes
from tests.inference.makers import classifier

MODEL = "cnn(layers='C8(7)/4-C16')"
RECIPE = {"epochs": 2, "batch_size": 40, "min_epoch_images": 0, "precision": "fp32"}


def spec(start: StartingWeights | None = None, **given) -> FitSpec:
    architecture = models.build_model(MODEL)
    return FitSpec(
        architecture=architecture, recipe=resolve_recipe(architecture.recipe, RECIPE, given),
        digits=make_strokes(), noise=noise.build_noise("none"), threads=1, start=start,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first():
    """Return a trained network and its weights."""
    trained = fit(spec())
    return trained, StartingWeights.of_module(trained.model, [dataclasses.asdict(trained.recipe)])


def test_a_fit_begins_with_the_given_weights(first):
    """With a rate of almost 0 the weights stay those of the first fit, whose recipe is kept."""
    trained, start = first
    again = fit(spec(start, learning_rate=1e-12, weight_decay=0.0, epochs=1))
    for (name, one), other in zip(
        trained.model.named_parameters(), again.model.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, msg=name)
    assert again.earlier == [dataclasses.asdict(trained.recipe)]
    assert fit(spec(epochs=1)).earlier == []


def test_a_fit_that_began_with_weights_resumes_to_the_same_bits(first, tmp_path):
    """Interrupted after an epoch, it ends as without the interruption."""
    _, start = first
    straight = fit(spec(start, ema=0.5))
    folder = tmp_path / "checkpoints"
    stop = Callback(should_stop=lambda epoch: epoch.number == 1)
    with pytest.raises(InkfastError, match="stopped after epoch 1"):
        fit(spec(start, ema=0.5), folder, stop)
    resumed = fit(spec(start, ema=0.5), folder)
    for one, other in zip(
        straight.model.state_dict().values(), resumed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_are_put_back_into_their_architecture(name):
    """The module answers as the file does, and in training nearly so: its norms have statistics."""
    path = model_path(name)
    architecture, start, about = read_onnx_weights(path)
    assert str(architecture) == about["model"]
    images = probe_images()
    pixels = torch.tensor(to_unit(images))[:, None]
    module = start.module(architecture, pixels)
    expected = OnnxClassifier.open(path, 1).probabilities(images)
    temperature = about["temperature"]
    with torch.inference_mode():
        found = (module.eval()(pixels).double() / temperature).softmax(1)
        in_training = (module.train()(pixels).double() / temperature).softmax(1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
    if start.folded:
        np.testing.assert_allclose(in_training.numpy(), expected, atol=0.01)


def test_noise_and_recipe_of_the_reader_are_kept():
    """Without a model, a training goes on with the reader's; augmentation is not noise twice."""
    point = load_starting_point("reader")
    about = OnnxClassifier.open(model_path("reader"), 1).metadata.values
    settings = point.settings()
    assert settings["models"][0]["model"] == about["model"]
    assert settings["models"][0]["augment"] == about["recipe"]["augment"]
    assert f"{about['recipe']['augment']} + {settings['noise']}" == about["training_noise"]
    assert point.weights.earlier == [about["recipe"]]


def exported(folder: Path, **about: object) -> Path:
    """Write a file that names an architecture and a recipe, and has none of its weights."""
    model = classifier()
    helper.set_model_props(model, {"inkfast": json.dumps(about)})
    path = folder / "own.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_files_without_the_weights_of_an_architecture_are_refused(tmp_path):
    """A file of another tool, and one whose weights are not those of its architecture."""
    path = exported(tmp_path)
    with pytest.raises(InkfastError, match="does not say how it was trained: expected a file that"):
        read_onnx_weights(path)
    path = exported(tmp_path, model="mlp(hidden=[4])", recipe={}, temperature=1.0)
    with pytest.raises(InkfastError, match="weights cannot be put back into mlp.* run folder"):
        read_onnx_weights(path)
    with pytest.raises(InkfastError, match=r"nothing: expected a run folder, an \.onnx file or"):
        load_starting_point("nothing")


def test_a_training_starts_from_a_run_by_command(inkfast, tmp_path):
    """It takes model, recipe and noise of the run; other models and other splits are refused."""
    digits = make_strokes()
    np.savez(tmp_path / "digits.npz", images=digits.images, labels=digits.labels)
    words = ("--data", tmp_path / "digits.npz", "--epochs", 1, "--set", "min_epoch_images=0")
    first = tmp_path / "first"
    code, _, err = inkfast("train", MODEL, *words, "--noise", "translate(pixels=1)", "--out", first)
    assert code == 0, err
    code, _, err = inkfast("train", "--start-from", first, *words, "--out", tmp_path / "second")
    assert code == 0, err
    experiment, ((_, trained),) = run_folder.load_models(tmp_path / "second")
    assert experiment.start_from == str(first)
    assert experiment.noise == noise.build_noise("translate(pixels=1)").name
    assert [recipe["epochs"] for recipe in trained.earlier] == [1]
    code, _, err = inkfast(
        "train", "--start-from", first, *words, "--seed", 1, "--out", tmp_path / "x"
    )
    assert (code, "was trained on these digits: expected the same split" in err) == (2, True)
    code, _, err = inkfast("train", "mlp", "--start-from", first, *words, "--out", tmp_path / "x")
    assert (code, "expected a network of the same architecture, mlp" in err) == (2, True)
    assert not (tmp_path / "x").exists()
    code, _, err = inkfast("train", "--start-from", first, *words, "--resume", "--out", first)
    assert (code, f"start_from '', now '{first}'"[:20] in err) == (2, True)
    path = tmp_path / "second.onnx"
    code, _, err = inkfast("export", tmp_path / "second", "--to", path)
    assert code == 0, err
    assert len(OnnxClassifier.open(path).metadata.values["earlier_recipes"]) == 1
    assert load_starting_point(str(path)).weights.earlier[1:] == [
        dataclasses.asdict(trained.recipe)
    ]
    (tmp_path / "cv.toml").write_text(f'models = ["cnn"]\nstart_from = "{first}"\n')
    code, _, err = inkfast("validate", tmp_path / "cv.toml", "--data", tmp_path / "digits.npz")
    assert (code, "`start_from` is for train and compare" in err) == (2, True)
    code, _, err = inkfast("train")
    assert (code, "expected a MODEL, e.g. cnn, or --start-from NETWORK" in err) == (2, True)
