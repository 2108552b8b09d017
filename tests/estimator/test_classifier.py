"""`DigitClassifier`: the checks of scikit-learn, and what inkfast adds to them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from inkfast import models, noise
from inkfast.core.digits import Digits
from inkfast.estimator import DigitClassifier
from inkfast.training import FitSpec, fit, resolve_recipe

RECIPE = {"batch_size": 32, "min_epoch_images": 400, "learning_rate": 0.02, "precision": "fp32"}
SHORT = {**RECIPE, "min_epoch_images": 200}  # scikit-learn's checks fit some 150 times
CNN = "cnn(layers='C8(7)/4-C16')"


def small(model="mlp(hidden=[32])", epochs=6, recipe=RECIPE, **given) -> DigitClassifier:
    return DigitClassifier(model, epochs=epochs, recipe=recipe, **{"random_state": 0, **given})


def weights(classifier) -> dict[str, torch.Tensor]:
    return classifier.trained_.model.state_dict()


def same(a, b) -> bool:
    return all(torch.equal(weights(a)[key], weights(b)[key]) for key in weights(a))


@parametrize_with_checks([small(recipe=SHORT), small(CNN, 4, {**SHORT, "ema": 0.5})])
def test_scikit_learns_checks_pass(estimator, check):
    """A dense and a convolutional network pass all checks that scikit-learn has for classifiers."""
    assert check(estimator) is None  # a check that finds a fault raises


@pytest.mark.parametrize("model", ["mlp(hidden=[32])", CNN])
def test_every_form_of_the_same_images_is_the_same(strokes, model):
    """Flat or square, 0 to 255 or in [0, 1], array or list: all give the same bits."""
    flat = strokes.images.reshape(-1, 784)
    first = small(model, 3).fit(flat, strokes.labels)
    answers = first.predict_proba(flat)
    assert (first.predict(flat) == strokes.labels).mean() > 0.9
    for form in (
        strokes.images, (flat / 255).astype(np.float32), strokes.images / 255,
        flat.astype(np.float64), strokes.images.tolist(),
    ):  # fmt: skip
        again = small(model, 3).fit(form, strokes.labels)
        assert same(first, again)
        assert again.n_features_in_ == 784
        np.testing.assert_array_equal(again.predict_proba(form), answers)


def test_training_is_inkfasts_own(strokes):
    """A fit is `training.fit` on the same digits with the same seed, architecture and recipe."""
    architecture = models.build_model("mlp(hidden=[32], dropout=0.2)")
    own = fit(FitSpec(
        architecture=architecture, recipe=resolve_recipe(architecture.recipe, RECIPE, {"epochs": 3}),
        digits=strokes, noise=noise.build_noise("translate(pixels=2)"), train_noise="once", seed=7, threads=1,
    ))  # fmt: skip
    found = small(
        str(architecture), 3, noise="translate(pixels=2)", train_noise="once", random_state=7
    ).fit(strokes.images, strokes.labels)
    assert all(torch.equal(own.model.state_dict()[k], v) for k, v in weights(found).items())
    proba = found.predict_proba(strokes.images)
    np.testing.assert_allclose(proba, own.probabilities(strokes), atol=1e-6)
    losses = [epoch.validation_loss for epoch in own.history]
    assert [epoch["validation_loss"] for epoch in found.history_] == losses
    assert (found.n_iter_, found.n_validation_) == (3, 40)


def test_the_rows_that_chose_the_epoch_are_counted(strokes):
    """Rows set aside for calibration do not count; a class with copies of one image leaves none."""
    recipe = {**RECIPE, "calibration": 0.25}
    found = small(epochs=1, recipe=recipe).fit(strokes.images, strokes.labels)
    assert found.n_validation_ == 30
    rows = np.array([0, 0, *np.flatnonzero(strokes.labels)])
    alone = small(epochs=1).fit(strokes.images[rows], strokes.labels[rows])
    assert alone.n_validation_ == 0
    assert small(epochs=1).fit(strokes.images[rows[2:]], strokes.labels[rows[2:]]).n_validation_ > 0


def test_the_random_state_decides_the_bits(strokes):
    """Equal states repeat and others differ; a generator is drawn from, as in scikit-learn."""
    images, labels = strokes.images, strokes.labels
    first = small(epochs=1).fit(images, labels)
    torch.rand(3)
    assert same(first, small(epochs=1).fit(images, labels))
    assert same(first, small(epochs=1, random_state=np.int64(0)).fit(images, labels))
    assert not same(first, small(epochs=1, random_state=1).fit(images, labels))
    state = np.random.RandomState(5)
    drawn = [small(epochs=1, random_state=state).fit(images, labels) for _ in range(2)]
    assert not same(*drawn)
    state = np.random.RandomState(5)
    assert same(drawn[0], small(epochs=1, random_state=state).fit(images, labels))


@pytest.mark.parametrize("model", ["mlp(hidden=[32])", CNN, "resnet"])
def test_a_prediction_does_not_depend_on_its_batch(strokes, model):
    """A row gives the same bits alone, in any order and in a larger batch."""
    classifier = small(model, epochs=1).fit(strokes.images[:60], strokes.labels[:60])
    rows = strokes.images[:50]
    together = classifier.decision_function(rows)
    order = np.random.default_rng(0).permutation(50)
    alone = np.concatenate([classifier.decision_function(rows[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(classifier.decision_function(rows[order]), together[order])


def test_the_scale_of_training_is_kept(strokes):
    """Test pixels on the other scale are refused; black images are on both scales."""
    bytes_, unit = strokes.images, strokes.images / 255
    of_bytes = small(epochs=1).fit(bytes_, strokes.labels)
    of_unit = small(epochs=1).fit(unit, strokes.labels)
    with pytest.raises(ValueError, match=r"0 to 255, got 0 to 1\. Scale both alike, or neither\."):
        of_bytes.predict(unit)
    with pytest.raises(ValueError, match=r"scale of the training images, 0 to 1, got 0 to 255"):
        of_unit.predict(bytes_)
    with pytest.raises(ValueError, match="0 to 1, got -0.2 to 0.8"):
        of_unit.predict_proba(unit - 0.2)
    faint = unit * 0.4  # drawn as faint as it is, not stretched to full ink
    np.testing.assert_array_equal(of_unit.features_.to_images(faint), np.rint(faint * 255))
    black = np.zeros((1, 784))
    np.testing.assert_array_equal(of_unit.predict_proba(black), of_bytes.predict_proba(black))


def test_pixels_that_overshoot_are_not_taken_for_bytes(strokes):
    """A rounding error above 1 is full ink; a bright end between the scales is refused."""
    unit = strokes.images / 255
    unit[:, 0, 0] = 1
    straight = small(epochs=1).fit(unit, strokes.labels)
    over = small(epochs=1).fit(unit * 1.0000001, strokes.labels)
    for classifier in (straight, over):
        drawn = classifier.features_.to_images(unit * 1.0000001)
        np.testing.assert_array_equal(drawn, straight.features_.to_images(unit))
    for top in (1.001, 1.5, 1.99):
        with pytest.raises(ValueError, match=f"0 to 255 or in .0, 1., got 0 to {top}"):
            small().fit(unit * top, strokes.labels)
    of_bytes = small(epochs=1).fit(strokes.images, strokes.labels)
    with pytest.raises(ValueError, match=r"0 to 255, got 0 to 1\.5\. Scale both alike"):
        of_bytes.predict(unit * 1.5)
    two_a_class = strokes.images[:20], strokes.labels[:20]
    with pytest.raises(ValueError, match="too few digits to cut off 51%"):
        small(recipe={"validation": 0.51}).fit(*two_a_class)


def test_black_and_white_is_full_ink(strokes):
    """Pixels of 0 and 1 in any type mean no ink and full ink."""
    white = strokes.images > 0
    for form in (white, white.astype(np.uint8), white.astype(np.float64)):
        features = small(epochs=1).fit(form, strokes.labels).features_
        np.testing.assert_array_equal(features.to_images(form), 255 * white)


@pytest.mark.parametrize("side", [1, 5, 7, 8, 27, 40, 56])
def test_other_features_are_zoomed_by_area(side):
    """A square of features fills the image, each pixel the mean of what it covers."""
    rows = np.random.default_rng(side).uniform(-3, 5, (20, side * side))
    labels = np.arange(20) % 2
    features = small(epochs=1).fit(rows, labels).features_
    low, high = rows.min(axis=0), rows.max(axis=0)
    squares = ((rows - low) / (high - low)).reshape(20, side, side)[:3]
    fine = np.kron(squares, np.ones((1, 28, 28)))  # each cell 28 x 28, each pixel side x side
    means = fine.reshape(3, 28, side, 28, side).mean(axis=(2, 4))
    assert np.abs(features.to_images(rows)[:3] - 255 * means).max() <= 0.5 + 1e-6


def test_features_are_scaled_each_by_its_training_range():
    """Units do not matter, unseen extremes are drawn as the ends, and the constant stays dark."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(40, 3)), np.arange(40) % 2
    rows[:, 2] = 7.0
    features = small(epochs=1).fit(rows, labels).features_
    images = features.to_images(rows)
    scaled = small(epochs=1).fit(rows * [1, 1e6, 1] + [0, -5e7, 3], labels).features_
    np.testing.assert_array_equal(scaled.to_images(rows * [1, 1e6, 1] + [0, -5e7, 3]), images)
    corners = features.to_images(np.array([[-100.0, 100.0, 9.0]]))[0]
    assert (corners[:14, :14].max(), corners[:14, 14:].min(), corners[14:].max()) == (0, 255, 0)


@pytest.mark.parametrize("names", [["even", "odd"], [-1, 1], list("jihgfedcba"), [2.0, 3.0, 9.0]])
def test_any_labels_up_to_ten(strokes, names):
    """Predictions are the given labels; probabilities are theirs alone, in ascending order."""
    labels = np.array(names)[strokes.labels % len(names)]
    classifier = small().fit(strokes.images, labels)
    assert classifier.classes_.tolist() == sorted(names)
    assert classifier.score(strokes.images, labels) > 0.9
    proba, decision = (
        classifier.predict_proba(strokes.images), classifier.decision_function(strokes.images)
    )  # fmt: skip
    ten = classifier.trained_.probabilities(Digits(strokes.images, None, "strokes"))
    kept = ten[:, : len(names)]
    np.testing.assert_allclose(proba, kept / kept.sum(axis=1, keepdims=True), atol=1e-6)
    if len(names) == 2:
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)))
    else:
        odds = np.exp(decision - decision.max(axis=1, keepdims=True))
        np.testing.assert_allclose(proba, odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(("rows", "classes", "cut"), [
    (2, 2, 0), (10, 10, 0), (19, 10, 0), (20, 10, 10), (12, 3, 3), (33, 3, 4), (200, 10, 20),
])  # fmt: skip
def test_few_rows(strokes, rows, classes, cut):
    """A tenth is cut off for validation, at least one row per class; none if a class has one row."""
    images, labels = strokes.images[:rows], np.arange(rows) % classes
    classifier = small().fit(images, labels)
    losses = [epoch["validation_loss"] for epoch in classifier.history_]
    assert classifier.n_validation_ == cut
    assert np.isnan(losses).all() if cut == 0 else np.isfinite(losses).all()
    assert sum(classifier.trained_.class_counts["given"]) == rows - cut
    if cut == 0:  # nothing is chosen by the rows trained on
        assert classifier.trained_.best_epoch == classifier.n_iter_ == 6
        assert classifier.score(images, labels) == 1


@pytest.mark.parametrize(("rows", "share", "trained_on", "cut"), [
    (100, 0.2, 70, 10), (30, 1 / 3, 10, 10), (20, 0.5, 10, 0),
])  # fmt: skip
def test_calibration_rows_are_set_aside(strokes, rows, share, trained_on, cut):
    """They neither train nor validate, also among few rows, and each class keeps a training row."""
    images, labels = strokes.images[:rows], np.arange(rows) % 10
    classifier = small(recipe=RECIPE | {"calibration": share}).fit(images, labels)
    assert sum(classifier.trained_.class_counts["given"]) == trained_on
    assert classifier.n_validation_ == cut


@pytest.mark.parametrize(("given", "message"), [
    ({"model": "ccn"}, "unknown model 'ccn'. Did you mean 'cnn'?"),
    ({"model": 3}, "must be text such as 'cnn', a torch.nn.Module or a function that returns one, got 3."),
    ({"noise": "rotat"}, "unknown noise 'rotat'. Did you mean 'rotate'?"),
    ({"train_noise": "often"}, "`train_noise` must be one of 'fresh', 'once', 'none', got 'often'."),
    ({"epochs": 0}, "`epochs` must be a whole number >= 1"),
    ({"recipe": {1: 2}}, "unknown recipe key 1. Known: augment"),
    ({"recipe": {"epoch": 1}}, "unknown recipe key 'epoch'. Did you mean 'epochs'?"),
    ({"recipe": 1}, "`recipe` must be a mapping of recipe keys, got 1."),
    ({"threads": -1}, "`threads` must be a whole number >= 0"),
    ({"random_state": -1}, "`random_state` must be a whole number >= 0"),
    ({"random_state": 0.5}, "`random_state` must be a whole number >= 0"),
])  # fmt: skip
def test_bad_parameters_are_explained_at_fit(strokes, given, message):
    """A wrong parameter is refused at `fit`, in one sentence that says what is allowed."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        small(**given).fit(strokes.images, strokes.labels)
    assert message in str(error.value)


def test_rows_and_labels_that_cannot_be_used_are_explained(strokes):
    """Too many classes, pixels on no known scale and images that are not square are refused."""
    images, labels = strokes.images, strokes.labels
    with pytest.raises(ValueError, match="y must have at most 10 classes, got 11 classes"):
        small().fit(images, np.arange(400) % 11)
    with pytest.raises(ValueError, match="y must have at least two classes, got 1 class"):
        small().fit(images, np.zeros(400))
    with pytest.raises(ValueError, match=r"got -1 to 254\. Leave out any scaler"):
        small().fit(images.astype(int) - 1, labels)
    with pytest.raises(ValueError, match="0 to 255 or in .0, 1., got 0 to 510"):
        small().fit(images * 2.0, labels)
    with pytest.raises(ValueError, match=r"square images .n, 28, 28., got shape \(400, 28, 14\)"):
        small().fit(images[:, :, :14], labels)
    with pytest.raises(ValueError, match="X has 64 features, but DigitClassifier is expecting 784"):
        small(epochs=1).fit(images, labels).predict(images[:, :8, :8])


def test_a_pipeline_with_a_scaler_that_spoils_pixels_says_so(strokes):
    """Standardised pixels are refused; rows of other features take any scaler."""
    flat = strokes.images.reshape(-1, 784)
    with pytest.raises(ValueError, match="Leave out any scaler"):
        make_pipeline(StandardScaler(), small()).fit(flat, strokes.labels)
    rows, labels = load_digits(return_X_y=True)
    for scaler in (StandardScaler(), MinMaxScaler()):
        pipeline = make_pipeline(scaler, small()).fit(rows[:500], labels[:500])
        assert pipeline.score(rows[500:], labels[500:]) > 0.8


def test_cross_validation_and_calibration(strokes):
    """Both train copies of the classifier and score them on held-out rows."""
    assert cross_val_score(small(), strokes.images, strokes.labels, cv=3).min() > 0.9
    assert cross_val_score(small(CNN, 6), strokes.images, strokes.labels, cv=2).min() > 0.9
    calibrated = CalibratedClassifierCV(small(), cv=3).fit(strokes.images, strokes.labels)
    proba = calibrated.predict_proba(strokes.images)
    assert (proba.argmax(axis=1) == strokes.labels).mean() > 0.9
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_a_grid_search_in_two_processes_is_the_one_in_one(strokes):
    """Grids may hold NumPy numbers and recipes, and a fold has the same bits in another process."""
    grid = [{"epochs": np.array([1, 3])}, {"recipe": [{**RECIPE, "batch_size": np.int64(64)}]}]
    found = [
        GridSearchCV(small("mlp(hidden=[32], dropout=0.2)"), grid, cv=2, n_jobs=jobs).fit(
            strokes.images, strokes.labels
        )
        for jobs in (1, 2)
    ]
    assert found[0].best_score_ > 0.9
    scores = [search.cv_results_["split0_test_score"] for search in found]
    np.testing.assert_array_equal(*scores)
    assert same(found[0].best_estimator_, found[1].best_estimator_)


def test_copies_predict_alike(strokes):
    """A copy or a pickle of a fitted classifier predicts the same bits; a clone is unfitted."""
    fitted = small(CNN, epochs=1).fit(strokes.images, strokes.labels)
    answers = fitted.predict_proba(strokes.images)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):  # noqa: S301 - our own
        np.testing.assert_array_equal(other.predict_proba(strokes.images), answers)
    assert not hasattr(clone(fitted), "trained_")
    assert clone(fitted).get_params() == fitted.get_params()


def test_predicting_uses_the_threads_of_the_fit(strokes):
    """The number of torch threads is set for the prediction and restored."""
    fitted = small(epochs=1).fit(strokes.images, strokes.labels)
    seen = []
    fitted.trained_.model.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        fitted.predict(strokes.images)
        assert (set(seen), torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_verbose_prints_a_line_for_each_epoch(strokes, capsys):
    """By default nothing is printed."""
    small(epochs=2).fit(strokes.images, strokes.labels)
    assert capsys.readouterr().out == ""
    small(epochs=2, verbose=1).fit(strokes.images, strokes.labels)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("number 1, loss ")
    assert "validation_accuracy" in second
