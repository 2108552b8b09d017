"""What holds for every registered model, then for every network; counts by independent arithmetic."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from inkfast import models, noise
from inkfast.core.random import make_generator
from inkfast.models import MODELS, Network, count_parameters, create, summarise
from inkfast.training import FitSpec, TrainedModel, fit, resolve

NAMES = [cls.name for cls in MODELS]
NETWORKS = [cls.name for cls in MODELS if issubclass(cls, Network)]
QUICK = {"epochs": 1, "batch_size": 60, "min_epoch_images": 0, "precision": "fp32"}
# the same families, small; a family that is not listed is tested at its defaults
SMALL = {
    "cnn": "cnn(layers='C4/2-C8/2-GMP')", "densenet": "densenet(layers=[1, 1], growth=4)",
    "inception": "inception(widths=[8, 8])", "mlp": "mlp(hidden=[32])",
    "random-forest": "random-forest(trees=10)", "resnet": "resnet(widths=[8, 8])",
    "sklearn-mlp": "sklearn-mlp(hidden=[64], max_iter=15)", "vgg": "vgg(widths=[4, 8], dense=16)",
}  # fmt: skip


def trained(name, digits, seed=0, **recipe) -> TrainedModel:
    architecture = models.build_model(SMALL.get(name, name))
    return fit(FitSpec(
        architecture=architecture, recipe=resolve(architecture.recipe, QUICK, recipe), digits=digits,
        noise=noise.build_noise("gaussian(sigma=0.4)"), seed=seed, threads=1,
    ))  # fmt: skip


@pytest.fixture(scope="module")
def once(strokes):
    """Return a function that trains each model a single time."""
    return functools.cache(lambda name: trained(name, strokes))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_saved_and_repeated_to_the_bit(once, strokes, tmp_path, name):
    """Read back it gives the same probabilities; trained again, the same file, whatever ran before."""
    first = once(name)
    first.save(tmp_path / "first")
    again = TrainedModel.load(tmp_path / "first")
    np.testing.assert_array_equal(again.probabilities(strokes), first.probabilities(strokes))
    assert again.architecture == first.architecture
    assert count_parameters(again.model) == count_parameters(first.model) > 0
    torch.rand(3)
    np.random.rand(3)
    trained(name, strokes).save(tmp_path / "second")
    contents = [
        (tmp_path / part / "model.safetensors").read_bytes() for part in ("first", "second")
    ]
    assert contents[0] == contents[1]
    other = trained(name, strokes, seed=1)
    assert not np.array_equal(other.probabilities(strokes), first.probabilities(strokes))


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_probabilities(once, strokes, name):
    """Rows sum to 1, none is 0 or NaN, and the history says what validation measured."""
    model = once(name)
    found = model.probabilities(strokes)
    assert found.shape == (400, 10)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found > 0).all()
    assert len(model.history) == model.best_epoch == 1
    assert 0 < model.best.validation_accuracy <= 1
    assert sum(model.class_counts["trained_on"]) == 360


@pytest.mark.parametrize("name", NAMES)
def test_a_digit_that_was_never_seen_is_no_obstacle(strokes, name):
    """Without any 7 in training it is trained, and gives ten columns in which 7 is never likely."""
    rest = strokes.pick(np.flatnonzero(strokes.known_labels != 7), "no sevens")
    found = trained(name, rest).probabilities(strokes)
    assert found.shape == (400, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    if name not in NETWORKS:
        assert found[:, 7].max() < 1e-12
        right = found.argmax(axis=1) == strokes.known_labels
        assert right[strokes.known_labels != 7].mean() > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_words_build_the_same_model_again(name):
    """What a model is written as builds an equal one; an unknown parameter is refused."""
    architecture = models.build_model(name)
    assert models.build_model(str(architecture)) == architecture
    with pytest.raises(ValueError, match=f"unknown parameter of model '{name}' 'colour'"):
        models.build_model(f"{name}(colour=1)")


@pytest.mark.parametrize("name", NETWORKS)
def test_ten_logits_for_each_image(name):
    """Every network maps (n, 1, 28, 28) to (n, 10), and passes gradients to every weight."""
    model = create(models.build_model(name), make_generator(0))
    logits = model(torch.rand(5, 1, 28, 28, generator=make_generator(1)))
    assert logits.shape == (5, 10)
    logits.sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("init", ["torch", "glorot", "he"])
def test_weights_come_from_the_generator_alone(name, init):
    """The same seed gives the same weights whatever torch's global state; another seed does not."""
    architecture = models.build_model(f"{name}(init='{init}')")
    first = create(architecture, make_generator(1)).state_dict()
    torch.rand(3)
    again = create(architecture, make_generator(1)).state_dict()
    other = create(architecture, make_generator(2)).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    assert all(torch.isfinite(value).all() for value in first.values())


def test_initialisers_have_their_limits():
    """Glorot and He uniform fill their published ranges, with zero bias."""
    for init, limit in (("glorot", (6 / (784 + 256)) ** 0.5), ("he", (6 / 784) ** 0.5)):
        layer = create(
            models.build_model(f"mlp(hidden=[256], batch_norm=False, init='{init}')"),
            make_generator(0),
        )[1]
        assert float(layer.weight.detach().abs().max()) == pytest.approx(limit, rel=0.001)
        assert float(layer.bias.detach().abs().max()) == 0


# parameters counted by hand: sum of (inputs + 1) * outputs, and k * k * in * out + out
@pytest.mark.parametrize(("text", "parameters"), [
    ("mlp(hidden=[256, 128], dropout=[0.3, 0.3], batch_norm=False)", 785 * 256 + 257 * 128 + 1290),
    ("mlp(hidden=[512, 256, 128], dropout=[0.3, 0.0, 0.0], batch_norm=False)",
     785 * 512 + 513 * 256 + 257 * 128 + 1290),
    ("mlp(hidden=[100], batch_norm=False)", 785 * 100 + 1010),
    ("mlp(hidden=[1025, 512, 256], batch_norm=False)", 785 * 1025 + 1026 * 512 + 513 * 256 + 2570),
    ("cnn(layers='C32-C32-MP-64-BN-D.5', padding='valid', batch_norm=False)",
     320 + 289 * 32 + (144 * 32 + 1) * 64 + 128 + 650),
    ("cnn(layers='C128-MP-C32-MP-D.3', padding='valid', batch_norm=False)",
     10 * 128 + (1152 + 1) * 32 + 801 * 10),
    ("cnn(layers='C128-BN-MP-C64-BN-MP-D.3-128-D.3', padding='valid', batch_norm=False, bn_eps=0.001)",
     10 * 128 + 256 + 1153 * 64 + 128 + 1601 * 128 + 1290),
    ("cnn(layers='C32-MP-C64-MP-C128-MP-256-D.3-128', padding='valid', batch_norm=False, init='he')",
     320 + 289 * 64 + 577 * 128 + 129 * 256 + 257 * 128 + 1290),
    ("cnn(layers='C6(5)-MP-C16(5)-MP-120-84', padding='valid', batch_norm=False)",
     156 + 151 * 16 + 257 * 120 + 121 * 84 + 850),
    ("cnn(layers='C32-MP-C64-MP-C128-MP-C256-MP-256-D.3-128', batch_norm=False)",
     320 + 289 * 64 + 577 * 128 + 1153 * 256 + 257 * 256 + 257 * 128 + 1290),
    ("cnn(layers='C32-C32-MP-64-D.5', padding='valid', batch_norm=False)",
     320 + 289 * 32 + (144 * 32 + 1) * 64 + 650),
    ("cnn(layers='C8(5)-MP-C16(5)-MP-128-D.2', padding='valid', batch_norm=False)",
     26 * 8 + 201 * 16 + 257 * 128 + 1290),
])  # fmt: skip
def test_published_networks_can_be_written(text, parameters):
    """Every dense and convolutional network of the source projects has its parameter count."""
    assert summarise(models.build_model(text)).parameters == parameters
    assert models.build_model(str(models.build_model(text))) == models.build_model(text)


def test_flops_count_a_multiply_add_as_two():
    """A dense network's operations are twice its weights, a convolution's twice per pixel."""
    assert summarise(models.build_model("mlp(hidden=[100])")).flops == 2 * (784 * 100 + 100 * 10)
    one = summarise(models.build_model("cnn(layers='C4', batch_norm=False)"))
    assert one.flops == 2 * (9 * 4 * 784 + 784 * 4 * 10)
    assert one.layers[0].output == (4, 28, 28)


@pytest.mark.parametrize(("text", "message"), [
    ("ccn", "unknown model 'ccn'. Did you mean 'cnn'? Known: cnn, "),
    ("mlp(hidden=[])", "`hidden` must be a list of 1 to 100 sizes, got ()"),
    ("mlp(hidden=[8], batch_norm=1)", "`batch_norm` must be true or false, got 1"),
    ("mlp(hidden=[8], hidden=[9])", "cannot be read"),
    ("cnn(layers='C32/0')", "stride of C32/0` must be a whole number >= 1"),
    ("cnn(layers='C32(4)')", "padding='same' needs an odd kernel"),
    ("cnn(layers='C99999999999')", "must be a whole number >= 1 and <= 4096"),
    ("cnn(layers='\u00b2')", "expected C32 (convolution 3x3)"),
    ("mlp(hidden=[0])", "`hidden` must be a whole number >= 1"),
    ("mlp(hidden=[64], dropout=1)", "`dropout` must be a finite number >= 0 and <= 0.99, got 1"),
    ("mlp(hidden=[64], dropout=[0.1, 0.2])", "one for each of the 1 hidden layers, got 2"),
    ("cnn(layers='C32-X')", "`layers` has 'X'; expected C32 (convolution 3x3)"),
    ("cnn(layers='64-C32')", "`layers` has 'C32' after a dense layer"),
    ("cnn(layers='MP-MP-MP-MP-MP')", "leaves no pixel after 'MP'"),
    ("inception(widths=[64, 3])", "`widths` must be a whole number >= 4 and <= 4096, got 3"),
    ("cnn(layers='C0')", "channels of C0` must be a whole number >= 1"),
    ("cnn(layers=3)", "`layers` must be text"),
    ("cnn(padding='full')", "`padding` must be one of 'same', 'valid', got 'full'"),
    ("cnn(init='zero')", "`init` must be one of 'torch', 'glorot', 'he', got 'zero'"),
])  # fmt: skip
def test_bad_architectures_are_explained(text, message):
    """One sentence names the parameter, what is allowed and what came."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        models.build_model(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
