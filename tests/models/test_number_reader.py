"""Networks that read numbers: their shapes, parameters and cost, and who refuses them."""

from __future__ import annotations

import pytest
import torch

from inkfast import models
from inkfast.core.random import make_generator
from inkfast.estimator import DigitClassifier
from inkfast.experiments.config import from_settings
from inkfast.inference.number_strips import frames_of_width
from inkfast.inference.numbers import ALPHABET
from inkfast.models import create, summarise
from inkfast.noise import build_noise
from inkfast.testing import check_model
from inkfast.training import FitSpec, resolve_recipe

SMALL = "number-reader(widths=[4, 8, 8, 16], blocks=1, context=1, reach=3)"
REFUSAL = "number-reader reads numbers: expected a model of single digits, such as cnn"


def test_its_parameters_are_those_counted_by_hand():
    """Convolutions, their batch normalisations (two numbers a channel) and pointwise biases."""

    def pair(inputs: int, outputs: int, area: int) -> int:
        return inputs * outputs * area + 2 * outputs

    stem = pair(1, 32, 25) + pair(32, 64, 9) + 4 * pair(64, 64, 9)
    body = pair(64, 128, 9) + 4 * pair(128, 128, 9) + pair(128, 192, 5)
    context = 2 * (192 * 9 + 2 * 192 + 193 * 384 + 385 * 192)
    found = summarise(models.build_model("number-reader")).parameters
    assert found == stem + body + context + 193 * (len(ALPHABET) + 1)


def test_operations_are_those_of_a_strip():
    """The first convolution sees a strip of 40 x 160 pixels."""
    summary = summarise(models.build_model(SMALL))
    assert summary.layers[0].output == (4, 20, 80)
    assert summary.layers[-1].output == (40, len(ALPHABET) + 1)


@pytest.mark.parametrize("width", [12, 13, 100, 321])
def test_there_is_a_frame_for_every_four_columns(width):
    """A strip of any width gives the number of frames that readers and training count with."""
    model = create(models.build_model(SMALL), make_generator(0)).eval()
    logits = model(torch.rand(2, 1, 40, width + 16, generator=make_generator(1)))
    assert logits.shape == (2, frames_of_width(width), len(ALPHABET) + 1)
    logits.sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters())


def test_weights_of_a_number_reader_come_from_the_generator():
    """One seed gives the same weights, another gives others."""
    one, same, other = (
        create(models.build_model(SMALL), make_generator(seed)).state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(("text", "message"), [
    ("number-reader(widths=[32, 64])", "`widths` must be a list of 4 sizes, got (32, 64)"),
    ("number-reader(reach=4)", "`reach` must be an odd number, got 4"),
    ("number-reader(blocks=-1)", "`blocks` must be a whole number >= 0"),
    ("number-reader(init='zero')", "`init` must be one of 'torch', 'glorot', 'he', got 'zero'"),
])  # fmt: skip
def test_impossible_number_readers_are_explained(text, message):
    """One sentence names the parameter, what is allowed and what came."""
    with pytest.raises(ValueError, match="number-reader") as error:
        models.build_model(text)
    assert message in str(error.value)


@pytest.mark.parametrize("use", [
    lambda: from_settings({"models": ["cnn", SMALL]}),
    lambda: check_model(SMALL),
    lambda: models.build_digit_model(SMALL),
], ids=["compare", "contract", "digits"])  # fmt: skip
def test_what_is_for_digits_refuses_it(use):
    """The message names what to use instead."""
    with pytest.raises(ValueError, match=REFUSAL) as error:
        use()
    assert "inkfast train number-reader" in str(error.value)


def test_fits_of_digits_refuse_it(strokes):
    """Neither a fit nor the classifier of scikit-learn trains it on digits."""
    with pytest.raises(ValueError, match=REFUSAL):
        FitSpec(
            architecture=models.build_model(SMALL), recipe=resolve_recipe(), digits=strokes,
            noise=build_noise("none"),
        )  # fmt: skip
    with pytest.raises(ValueError, match=REFUSAL):
        DigitClassifier(SMALL).fit(strokes.images.reshape(400, -1), strokes.labels)
