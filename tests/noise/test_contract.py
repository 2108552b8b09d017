"""The contract of corruptions and presets, and the text that names them."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import noise
from inkfast.core.digits import Digits
from inkfast.noise import MNIST_C, NOISES, PRESETS, SUITES, Chain
from inkfast.testing.noise_checks import CHAIN_CHECKS, CLASS_CHECKS, noise_images

ALL = [str(cls()) for cls in NOISES] + [*PRESETS, *MNIST_C]


@pytest.mark.parametrize("check", CHAIN_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("text", ALL)
def test_chains_fulfil_the_contract(check, text):
    """Each corruption and preset passes each check of `inkfast.testing.check_noise`."""
    check(noise.build_noise(text), noise_images())


@pytest.mark.parametrize("check", CLASS_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("cls", list(NOISES), ids=lambda cls: cls.name)
def test_classes_fulfil_the_contract(check, cls):
    """Each corruption passes each check of its class."""
    check(cls, noise_images())


@pytest.mark.parametrize("cls", list(NOISES), ids=lambda cls: cls.name)
def test_a_spec_builds_the_same_corruption(cls):
    """The text of a corruption builds an equal one through the registry."""
    changed = cls().at(cls.strengths[1])
    assert noise.build_noise(str(changed)).noises == (changed,)


@pytest.mark.parametrize("name", MNIST_C)
def test_one_of_five_severities_is_published(name):
    """The bare name is the published severity; each severity is a different chain with its name."""
    texts = [f"{name}(severity={severity})" for severity in range(1, 6)]
    chains = [noise.build_noise(text) for text in texts]
    assert len({chain.noises for chain in chains}) == 5
    assert [chain.name for chain in chains] == texts
    published = noise.build_noise(name)
    assert published.name == name
    assert published.noises == chains[MNIST_C[name].published - 1].noises
    assert f"{name} + rotate" not in noise.build_noise(f"{name} + rotate").name


def test_every_suite_can_be_built():
    """A suite names chains that exist; mnist-c-severities holds every severity of every corruption."""
    sizes = {
        name: len([noise.build_noise(text) for text in texts]) for name, texts in SUITES.items()
    }
    assert sizes == {"mnist-c": 15, "mnist-c-severities": 75, "n-mnist": 3, "noisy-mnist": 1}


def test_a_noisy_copy_does_not_depend_on_what_follows():
    """The first rows of a noisy set are the noisy set of the first rows, across blocks."""
    rng = np.random.default_rng(0)
    digits = Digits(rng.integers(0, 256, (2300, 28, 28), np.uint8), None, "random")
    chain = noise.build_noise("rotate + gaussian")
    whole = noise.noisy(digits, chain, 5)
    part = noise.noisy(digits.pick(np.arange(2000), "random"), chain, 5)
    np.testing.assert_array_equal(whole.images[:2000], part.images)
    assert whole.fingerprint == noise.noisy(digits, chain, 5).fingerprint
    assert whole.fingerprint != noise.noisy(digits, chain, 6).fingerprint


def test_no_noise_is_no_copy():
    """The empty chain returns the digits themselves."""
    digits = Digits(np.ones((2, 28, 28), np.uint8), None, "two")
    assert noise.noisy(digits, Chain((), "none"), 0) is digits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rotat(degrees=3)", "unknown noise 'rotat'. Did you mean 'rotate'?"),
        (
            "rotate(degree=3)",
            "unknown parameter of noise 'rotate' 'degree'. Did you mean 'degrees'?",
        ),
        ("rotate(3)", "the parameters of 'rotate(3)' cannot be read"),
        ("rotate(degrees=__import__('os'))", "cannot be read"),
        (
            "rotate(fill='mirror')",
            "`fill` must be one of 'constant', 'nearest', 'reflect', got 'mirror'",
        ),
        ("rotate(degrees=[3, 1])", "`degrees` must be a pair [low, high] with low <= high"),
        ("rotate(degrees=[1, 2, 3])", "must be a number or a pair"),
        ("gaussian(sigma=True)", "`sigma` must be a finite number >= 0 and <= 100, got True"),
        ("rotate + ", "expected name(parameter=value, ...)"),
        ("rotate(degrees=[30])", "`degrees` must be a number or a pair [low, high], got [30]"),
        ("affine(shear=[1, 2])", "`shear` must be a finite number >= 0 and <= 80, got (1, 2)"),
        ("noisy-mnist(degrees=3)", "preset 'noisy-mnist' takes no parameters"),
        ("mnist-c-fog(severity=0)", "`severity` must be a whole number >= 1 and <= 5, got 0"),
        ("mnist-c-fog(severity=6)", "`severity` must be a whole number >= 1 and <= 5, got 6"),
        ("mnist-c-fog(severty=3)", "'severty'. Did you mean 'severity'?"),
        ("mnist-c-frog", "Did you mean 'mnist-c-fog'?"),
        ("fog(size=100)", "`size` must be 32, 64, 128 or 256, got 100"),
        ("one-of(chains=['rotat'])", "unknown noise 'rotat'"),
        ("one-of(chains=[])", "`chains` must be a list of chains as text, got"),
        ("one-of(chains='rotate')", "`chains` must be a list of chains as text, got 'rotate'"),
        ("canny(low=0.3)", "`high` must be a finite number >= 0.3"),
        ("rotate(degrees=1" + "0" * 400 + ")", "`degrees` must be a finite number"),
        ("translate(pixels=[1.2, 1.4], whole=True)", "`pixels` must enclose a whole number"),
    ],
)
def test_bad_text_is_explained(text, message):
    """What cannot be a chain is refused in one sentence that helps."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        noise.build_noise(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_chain_is_named_for_people():
    """Clean where there is none; else its strengths, what is not as always, and four digits."""
    assert noise.build_noise("none").in_words() == "clean"
    assert noise.build_noise("noisy-mnist").in_words() == "noisy-mnist noise"
    chain = noise.build_noise("rotate + zoom(factor=0.8333333333333334, fill='reflect')")
    assert chain.in_words() == "rotate(degrees=30) + zoom(factor=0.8333, fill='reflect') noise"
