"""The contract of models and networks; parameter counts against independent arithmetic."""

from __future__ import annotations

import pytest

from inkfast import models
from inkfast.core.random import make_generator
from inkfast.models import MODELS, Network, NumberArchitecture, create, summarise
from inkfast.testing.model_checks import MODEL_CHECKS, NETWORK_CHECKS

NAMES = [cls.name for cls in MODELS if not issubclass(cls, NumberArchitecture)]
NETWORKS = [cls.name for cls in MODELS if issubclass(cls, Network)]
# the same families, small; a family that is not listed is tested at its defaults
SMALL = {
    "cnn": "cnn(layers='C4/2-C8/2-GMP')", "densenet": "densenet(layers=[1, 1], growth=4)",
    "inception": "inception(widths=[8, 8])", "mlp": "mlp(hidden=[32])",
    "random-forest": "random-forest(trees=10)", "resnet": "resnet(widths=[8, 8])",
    "sklearn-mlp": "sklearn-mlp(hidden=[64], max_iter=15)", "vgg": "vgg(widths=[4, 8], dense=16)",
}  # fmt: skip


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_models_fulfil_the_contract(name, check):
    """Each model passes each check of `inkfast.testing.check_model`."""
    check(models.build_model(SMALL.get(name, name)))


@pytest.mark.parametrize("check", NETWORK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_fulfil_the_contract(name, check):
    """Each network passes each check of networks at its default size."""
    check(models.build_model(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_builds_the_same_model(name):
    """The text of a model builds an equal one through the registry."""
    architecture = models.build_model(name)
    assert models.build_model(str(architecture)) == architecture


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
