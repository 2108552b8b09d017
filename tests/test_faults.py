"""The faults of the projects that docs/sources.md repeats: one test each, and each one loud."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from inkfast import data, models, noise
from inkfast.core.digits import Digits, Source
from inkfast.core.errors import InkfastError
from inkfast.estimator import DigitClassifier
from inkfast.evaluation import compare_folds
from inkfast.experiments import cross_validation, leaderboard, runner
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.training import FitSpec, batches, fit, loop, resolve_recipe

SETTINGS = {
    "data": "strokes", "noise": "none", "models": ["mlp(hidden=[8])"], "threads": 1, "folds": 3,
    "recipe": {"epochs": 2, "batch_size": 50, "min_epoch_images": 0, "precision": "fp32"},
}  # fmt: skip


@pytest.fixture
def apart(strokes) -> Digits:
    """Return strokes, no two of them alike."""
    images = strokes.images.copy()
    images[:, 0, 0], images[:, 0, 1] = np.arange(400) // 256, np.arange(400) % 256
    return Digits(images, strokes.labels, "strokes")


def fit_spec(digits, **recipe) -> FitSpec:
    return FitSpec(
        architecture=models.build_model("mlp(hidden=[16])"),
        recipe=resolve_recipe(SETTINGS["recipe"], recipe), digits=digits, noise=noise.build_noise("none"),
        threads=1,
    )  # fmt: skip


def test_training_and_test_digits_have_one_scale(apart, tmp_path):
    """Pixels in [0, 1] beside pixels of 0 to 255 end on one scale, or are refused."""
    halves = apart.pick(np.arange(200), "a"), apart.pick(np.arange(200, 400), "b")
    np.savez(
        tmp_path / "mixed.npz",
        x_train=halves[0].images / 255, y_train=halves[0].labels,
        x_test=halves[1].images, y_test=halves[1].labels,
    )  # fmt: skip
    source = data.load(str(tmp_path / "mixed.npz"))
    assert np.array_equal(source.train.images, halves[0].images)
    assert np.array_equal(source.test.images, halves[1].images)
    with pytest.raises(InkfastError, match="images must be uint8"):
        Digits(halves[0].images / np.float32(255), halves[0].labels, "scaled elsewhere")
    reader = DigitClassifier("mlp(hidden=[8])", epochs=1, random_state=0)
    reader.fit(halves[0].images / 255, halves[0].labels)
    with pytest.raises(ValueError, match="0 to 255|scale"):
        reader.predict(halves[1].images)


def test_nothing_is_chosen_on_test(apart, tmp_path):
    """Worse test digits change no choice: the same epoch and weights come out."""
    experiment = from_settings(SETTINGS)
    kept = []
    for spoil in (False, True):
        dataset = split_source(experiment, Source(apart, None, "strokes"))
        if spoil:
            labels = (dataset.test.labels + 1) % 10
            spoilt = Digits(dataset.test.images, labels, "spoilt")
            dataset = dataclasses.replace(dataset, test=spoilt)
        outcome = runner.run_experiment(experiment, dataset, tmp_path / str(spoil))
        kept.append(outcome.fits[0].trained)
    assert kept[0].history[-1].validation_loss == kept[1].history[-1].validation_loss
    assert kept[0].best_epoch == kept[1].best_epoch
    assert bits(kept[0]) == bits(kept[1])


def bits(trained) -> list:
    return [tensor.tolist() for tensor in trained.model.state_dict().values()]


def test_the_best_epoch_is_kept_and_not_the_last(apart, monkeypatch):
    """When validation gets worse, the weights of the best epoch are the ones that come back."""
    losses = iter([(0.5, 0.8), (0.4, 0.9), (0.9, 0.3)])
    snapshots = []

    def judged(model, *_):
        snapshots.append([p.detach().clone().tolist() for p in model.state_dict().values()])
        return next(losses)

    monkeypatch.setattr(loop, "evaluate_model", judged)
    trained = fit(fit_spec(apart, epochs=3))
    assert trained.best_epoch == 2
    assert bits(trained) == snapshots[1]
    assert bits(trained) != snapshots[2]


def test_every_fit_starts_from_its_own_weights(apart):
    """A fit after another one gives the bits it gives alone: no network goes on training."""
    alone = fit(fit_spec(apart, balance="over"))
    fit(fit_spec(apart))
    assert bits(fit(fit_spec(apart, balance="over"))) == bits(alone)


def test_predictions_are_those_of_the_model_they_are_shown_for(apart, tmp_path):
    """Scores in the leaderboard are made anew by each model on the test digits."""
    experiment = from_settings(SETTINGS | {"models": ["mlp(hidden=[8])", "mlp(hidden=[4])"]})
    dataset = split_source(experiment, Source(apart, None, "strokes"))
    board = leaderboard.build_leaderboard(runner.run_experiment(experiment, dataset, tmp_path))
    for row in board.rows:
        again = row.fits[0].trained.probabilities(dataset.test).argmax(axis=1)
        assert row.mean("accuracy") == (again == dataset.test.labels).mean()


def test_test_digits_among_the_training_digits_are_refused(apart):
    """Test images pooled into training, or used for validation, end the run before it begins."""
    leaking = Source(apart, apart.pick(np.arange(7), "test"), "strokes")
    with pytest.raises(InkfastError, match="7 of the 7 test digits are training digits too"):
        split_source(from_settings(SETTINGS), leaking)


def test_copies_of_an_image_stay_on_one_side(apart):
    """However rows are cut, for testing, choosing, calibrating or into folds, none is divided."""
    rows = np.random.default_rng(0).permutation(np.tile(np.arange(400), 2))
    doubled = apart.pick(rows, "doubled")
    experiment = from_settings(SETTINGS)
    dataset = split_source(experiment, Source(doubled, None, "strokes"))
    recipe = dataclasses.replace(experiment.models[0].recipe, calibration=0.2)
    kept, calibration = batches.split_calibration(dataset.train, recipe, 0)
    trained, validation = batches.split_validation(dataset.train, recipe, 0)
    cuts = [(dataset.train, dataset.clean)] + [
        (dataset.train.pick(left, "left"), dataset.train.pick(cut, "cut"))
        for left, cut in ((kept, calibration), (trained, validation))
    ]
    cuts += [
        (doubled.pick(fold.train, "left"), doubled.pick(fold.held_out, "cut"))
        for fold in cross_validation.make_folds(doubled, experiment)
    ]
    for left, cut in cuts:
        assert not {i.tobytes() for i in left.images} & {i.tobytes() for i in cut.images}
        assert 0.1 <= len(cut) / (len(left) + len(cut)) <= 0.34
    assert len(dataset.train) + len(dataset.clean) == 800


def test_a_resampler_that_sees_a_calibration_row_is_refused(apart, monkeypatch):
    """Rows held back for calibration are held back from balancing too."""
    recipe = {"balance": "over", "calibration": 0.2}
    _, aside = batches.split_calibration(apart, fit_spec(apart, **recipe).recipe, 0)
    real = batches.balance

    def leaking(given, *rest):
        rows = apart.pick(aside[:3], "set aside")
        more = np.concatenate([given.images, rows.images])
        return real(Digits(more, np.append(given.labels, rows.labels), "leaking"), *rest)

    monkeypatch.setattr(batches, "balance", leaking)
    with pytest.raises(InkfastError, match="balancing was given validation or calibration rows"):
        fit(fit_spec(apart, **recipe))


def test_a_resampler_that_sees_a_validation_row_is_refused(apart, monkeypatch):
    """Balancing gets training rows alone; one that brings in others ends the fit."""
    real = batches.balance
    monkeypatch.setattr(batches, "balance", lambda given, *rest: real(apart, *rest))
    for method in ("over", "smote"):
        thinned = apart.pick(
            np.flatnonzero((apart.labels != 3) | (np.arange(400) < 150)), "thinned"
        )
        with pytest.raises(
            InkfastError, match="balancing was given validation or calibration rows"
        ):
            fit(fit_spec(thinned, balance=method))


def test_the_smallest_p_of_five_folds_is_said():
    """The smallest p that a sign-flip design of so few folds can reach is said with the result."""
    accuracy = {"a": {f"f{i}": 0.96 + i / 1000 for i in range(5)},
                "b": {f"f{i}": 0.95 + i / 1100 for i in range(5)}}  # fmt: skip
    (comparison,) = compare_folds(accuracy, ["a", "b"], 1 / 4)
    assert "never go below p = 0.062" in comparison.test


def test_a_network_shared_by_two_folds_is_refused(apart, tmp_path, monkeypatch):
    """One model object handed to several folds ends the cross-validation."""
    experiment = from_settings(SETTINGS)
    shared = fit(fit_spec(apart))
    monkeypatch.setattr(runner.Executor, "run", lambda self, jobs, total, observer: (
        [shared] * total, False))  # fmt: skip
    with pytest.raises(InkfastError, match="two folds have the same network"):
        cross_validation.run_cross_validation(experiment, Source(apart, None, "strokes"), tmp_path)
