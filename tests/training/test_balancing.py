"""Balancing: equal classes, made from training rows only."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import models, noise
from inkfast.core.digits import Digits, Source
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.training import FitSpec, balancing, fit, resolve_recipe
from inkfast.training.batches import split_calibration, split_validation, training_rows
from inkfast.training.validation import validation_digits

UNEVEN = {0: 40, 1: 12, 2: 9}


@pytest.fixture
def uneven(strokes) -> Digits:
    """Return strokes with few ones and fewer twos, so noisy that classes touch."""
    rows = [np.flatnonzero(strokes.labels == digit)[:count] for digit, count in UNEVEN.items()]
    chain = noise.build_noise("translate(pixels=6) + gaussian(sigma=0.5)")
    return noise.noisy(strokes.pick(np.concatenate(rows), "uneven"), chain, 0)


def test_written_digits_join_the_training_rows_alone(strokes):
    """They are added after the given and the balanced rows, and never to validation rows."""
    recipe = resolve_recipe({"synthetic": 50, "validation": 0.25})
    given, trained_on = training_rows(strokes, recipe, seed=1)
    assert (len(given), len(trained_on)) == (300, 350)
    np.testing.assert_array_equal(trained_on.images[:300], given.images)
    assert np.bincount(trained_on.labels[300:]).tolist() == [5] * 10
    again = training_rows(strokes, recipe, seed=1)[1]
    assert again.fingerprint == trained_on.fingerprint
    fit_spec = FitSpec(
        architecture=models.build_model("mlp(hidden=[8])"), recipe=recipe, digits=strokes,
        noise=noise.build_noise("none"), seed=1,
    )  # fmt: skip
    held_back = {image.tobytes() for image in validation_digits(fit_spec).images}
    assert held_back <= {image.tobytes() for image in strokes.images}


def test_calibration_rows_neither_train_nor_choose(strokes):
    """The three parts share no row and depend on the seed; without the key there is no third part."""
    recipe = resolve_recipe({"validation": 0.25, "calibration": 0.1})
    trained_on, chosen_by = split_validation(strokes, recipe, seed=1)
    _, apart = split_calibration(strokes, recipe, seed=1)
    assert (len(trained_on), len(chosen_by), len(apart)) == (270, 90, 40)
    assert len({*trained_on, *chosen_by, *apart}) == 400
    assert np.bincount(strokes.labels[apart]).tolist() == [4] * 10
    last = resolve_recipe({"validation_rows": "last", "calibration": 0.1})
    assert not {*split_validation(strokes, last, seed=1)[1]} & {
        *split_calibration(strokes, last, seed=1)[1]
    }
    assert len(split_calibration(strokes, resolve_recipe({}), seed=1)[1]) == 0


@pytest.mark.parametrize("method", balancing.METHODS)
def test_counts_after_balancing(uneven, method):
    """Classes become equal, given rows stay, and equal seeds give equal rows."""
    even = balancing.balance(uneven, method, 5, 0)
    counts = np.bincount(even.labels, minlength=3)
    if method == "none":
        assert even is uneven
    elif method == "under":
        assert counts.tolist() == [9, 9, 9]
        real = {image.tobytes() for image in uneven.images}
        assert all(image.tobytes() in real for image in even.images)
    else:
        assert counts[0] == 40
        assert (abs(counts - 40) <= (12 if method == "adasyn" else 0)).all()
        np.testing.assert_array_equal(even.images[: len(uneven)], uneven.images)
    assert even.fingerprint == balancing.balance(uneven, method, 5, 0).fingerprint


def test_a_synthetic_digit_lies_between_two_of_its_class(uneven):
    """Every pixel of a SMOTE digit lies between the extremes of its class at that place."""
    even = balancing.balance(uneven, "smote", 5, 0)
    made, labels = even.images[len(uneven) :], even.labels[len(uneven) :]
    assert len(made) == 28 + 31
    for digit in (1, 2):
        real = uneven.images[uneven.labels == digit]
        assert (made[labels == digit] >= real.min(axis=0)).all()
        assert (made[labels == digit] <= real.max(axis=0)).all()


def test_a_method_that_can_do_nothing_says_so(strokes):
    """ADASYN on classes that do not touch raises one sentence."""
    rows = np.concatenate([np.flatnonzero(strokes.labels == d)[:c] for d, c in UNEVEN.items()])
    with pytest.raises(ValueError, match="balance='adasyn' cannot balance these rows"):
        balancing.balance(strokes.pick(rows, "apart"), "adasyn", 5, 0)


def test_too_few_rows_are_explained(uneven):
    """SMOTE with fewer than k + 1 rows names the class, its count and what to do."""
    with pytest.raises(
        ValueError, match=r"class 2 needs at least 10 rows, got 9\. Lower balance_neighbours"
    ):
        balancing.balance(uneven, "smote", 9, 0)
    with pytest.raises(ValueError, match="`balance` must be one of"):
        resolve_recipe({"balance": "smot"})


def test_balancing_never_sees_validation_rows(strokes, monkeypatch):
    """Balancing is given exactly the rows left after validation rows were cut off."""
    numbered = strokes.images.copy()
    numbered[:, 0, 0], numbered[:, 0, 1] = np.arange(400) // 256, np.arange(400) % 256
    digits = Digits(numbered, strokes.labels, "numbered")
    recipe = resolve_recipe(
        {"epochs": 1, "balance": "over", "min_epoch_images": 0, "precision": "fp32"}
    )
    seen: list[Digits] = []
    real = balancing.balance

    def spy(given, *rest):
        seen.append(given)
        return real(given, *rest)

    monkeypatch.setattr("inkfast.training.batches.balance", spy)
    fit(
        FitSpec(
            architecture=models.build_model("mlp(hidden=[4])"),
            recipe=recipe,
            digits=digits,
            noise=noise.build_noise("none"),
            threads=1,
        )
    )
    train_rows, _ = split_validation(digits, recipe, 0)
    assert [given.fingerprint for given in seen] == [digits.pick(train_rows, "x").fingerprint]


def test_imbalance_thins_training_rows_alone(strokes):
    """The given share of a class is kept in training; test digits are not changed."""
    source = Source(strokes, None, "strokes")
    whole = split_source(from_settings({"data": "x"}), source)
    thin = split_source(from_settings({"data": "x", "imbalance": "3=0.25, 8=0.5"}), source)
    assert np.bincount(whole.train.labels).tolist() == [32] * 10
    assert np.bincount(thin.train.labels).tolist() == [32, 32, 32, 8, 32, 32, 32, 32, 16, 32]
    assert thin.test.fingerprint == whole.test.fingerprint


@pytest.mark.parametrize("text", ["3", "3=2", "x=0.5", "10=0.5", "3=0", "3=0.5, 3=0.6"])
def test_bad_imbalance_is_explained(text):
    """Anything but digit=share pairs is refused with an example."""
    with pytest.raises(
        ValueError, match=r"`imbalance` must be digit=share pairs .* e\.g\. '3=0\.05, 8=0\.1'"
    ):
        from_settings({"imbalance": text})
