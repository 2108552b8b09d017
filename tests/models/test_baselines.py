"""Baselines: against scikit-learn itself, and what a file must not make them load."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from inkfast import models, noise
from inkfast.experiments.config import from_settings
from inkfast.models import MODELS, Baseline, SklearnModule, count_parameters
from inkfast.models.packing import pack, unpack
from inkfast.training import Callback, FitSpec, fit, resolve_recipe
from inkfast.training.batches import split_validation

BASELINES = [cls.name for cls in MODELS if issubclass(cls, Baseline)]


def fit_spec(digits, text, chain="none", train_noise="fresh", seed=0, **recipe) -> FitSpec:
    architecture = models.build_model(text)
    return FitSpec(
        architecture=architecture, recipe=resolve_recipe(architecture.recipe, recipe), digits=digits,
        noise=noise.build_noise(chain), train_noise=train_noise, seed=seed, threads=1,
    )  # fmt: skip


def parts(digits, recipe):
    """Return pixels and labels of the training rows, then of the validation rows."""
    pixels = (digits.images / 255).astype(np.float32).reshape(-1, 784)
    return [
        (pixels[rows], digits.known_labels[rows]) for rows in split_validation(digits, recipe, 0)
    ]


# what each call means, in scikit-learn's words
@pytest.mark.parametrize(("text", "reference"), [
    ("logistic(C=0.5)", LogisticRegression(C=0.5, max_iter=200)),
    ("knn(neighbours=5)", KNeighborsClassifier(5, weights="distance")),
    ("knn(neighbours=4, weights='uniform')", KNeighborsClassifier(4)),
])  # fmt: skip
@pytest.mark.parametrize("balanced", [False, True])
def test_answers_are_those_of_scikit_learn(strokes, text, reference, balanced):
    """A call gives the probabilities of the estimator that it names, on the same rows."""
    if balanced and text.startswith("knn"):
        pytest.skip("its rows have no weights")
    uneven = strokes.pick(np.r_[0:100, 100:400:7], "uneven")
    rows = {"class_weights": "balanced"} if balanced else {}
    trained = fit(fit_spec(uneven, text, **rows))
    (pixels, labels), _ = parts(uneven, trained.recipe)
    if balanced:
        reference.set_params(class_weight="balanced")
    reference.fit(pixels, labels)
    expected = reference.predict_proba((strokes.images / 255).astype(np.float32).reshape(-1, 784))
    np.testing.assert_allclose(trained.probabilities(strokes), expected, atol=2e-4)


@pytest.mark.parametrize(("text", "reference"), [
    ("svm(C=2, gamma=0.01)", SVC(C=2, gamma=0.01)),
    ("random-forest(trees=30, max_depth=4)", RandomForestClassifier(30, max_depth=4, random_state=0)),
    ("sklearn-mlp(hidden=[40], alpha=0.1)", MLPClassifier((40,), alpha=0.1, max_iter=20, random_state=0)),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_parameters_reach_the_estimator(strokes, text, reference):
    """Each parameter is set on the estimator that the model is named after."""
    estimator = models.build_model(text).estimator(0, 1)
    given, expected = estimator.get_params(), reference.get_params()
    kept = ("cache_size", "n_jobs")  # memory and threads
    assert type(estimator) is type(reference)
    assert {k: v for k, v in given.items() if k not in kept} == {
        k: v for k, v in expected.items() if k not in kept
    }


def test_counts_are_those_of_the_fitted_numbers(strokes):
    """Weights, kept rows, support vectors, and splits and leaves are counted one by one."""
    fitted = {name: fit(fit_spec(strokes, name)).model for name in ("logistic", "knn", "svm")}
    assert count_parameters(fitted["logistic"]) == 785 * 10
    assert count_parameters(fitted["knn"]) == 360 * 785
    vectors = len(fitted["svm"].estimator.support_)
    assert count_parameters(fitted["svm"]) == vectors * (784 + 9) + 45
    forest = fit(fit_spec(strokes, "random-forest(trees=3, max_depth=1)")).model
    assert count_parameters(forest) == 3 * (2 + 2 * 10)  # one split and two leaves each
    network = fit(fit_spec(strokes, "sklearn-mlp(hidden=[20, 30])"), callback=Callback()).model
    assert count_parameters(network) == 785 * 20 + 21 * 30 + 31 * 10


def test_a_temperature_makes_scores_probabilities(strokes):
    """No other temperature gives the validation rows a lower loss, and the answers stay."""
    hard = fit_spec(strokes, "svm", "gaussian(sigma=0.8)")
    trained = fit(hard)
    module = trained.model
    from inkfast.training.validation import validation_digits

    digits = validation_digits(hard)
    images = torch.tensor(digits.images / 255, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits.known_labels)
    losses = [
        float(torch.nn.functional.nll_loss(SklearnModule(module.baseline, module.estimator, t)(images), labels))
        for t in (0.8 * module.temperature, module.temperature, 1.25 * module.temperature)
    ]  # fmt: skip
    assert min(losses) == losses[1] == pytest.approx(trained.best.validation_loss, rel=1e-5)
    scores = module.estimator.decision_function(images.flatten(1).numpy())
    np.testing.assert_array_equal(
        trained.probabilities(digits).argmax(axis=1), scores.argmax(axis=1)
    )


def test_two_digits_are_enough_and_one_is_not(strokes):
    """Every baseline tells two digits apart; one alone is refused by those that cannot."""
    two = strokes.pick(np.flatnonzero(np.isin(strokes.known_labels, (3, 8))), "two")
    for name in BASELINES:
        found = fit(fit_spec(two, name, chain="none")).probabilities(two)
        assert (found.argmax(axis=1) == two.known_labels).mean() > 0.95
    one = strokes.pick(np.flatnonzero(strokes.known_labels == 3), "one")
    for name in ("logistic", "svm"):
        with pytest.raises(ValueError, match=f"{name} cannot be fitted to these rows: .*class"):
            fit(fit_spec(one, name))


@pytest.mark.parametrize(("train_noise", "augment", "rows"), [
    ("fresh", "none", 720), ("once", "none", 360), ("none", "none", 360),
    ("once", "translate(pixels=1)", 720), ("none", "translate(pixels=1)", 720),
])  # fmt: skip
def test_copies_are_made_of_what_is_drawn_afresh(strokes, train_noise, augment, rows):
    """Two copies of every row differ where noise or augmentation is fresh; else there is one."""
    noisy = fit_spec(strokes, "knn(copies=2)", "gaussian(sigma=0.1)", train_noise, augment=augment)
    kept = fit(noisy).model.estimator._fit_X
    assert len(kept) == rows
    assert rows == 360 or not np.array_equal(kept[:360], kept[360:])
    clean = parts(strokes, noisy.recipe)[0][0]
    assert np.array_equal(kept[:360], clean) == (train_noise == augment == "none")


def test_classes_are_evened_out_or_refused(strokes):
    """Balancing adds rows; weights that a model cannot give are refused before anything is trained."""
    uneven = strokes.pick(np.r_[0:100, 100:400:10], "uneven")
    counts = fit(fit_spec(uneven, "knn", balance="over")).class_counts
    assert max(counts["given"]) > min(counts["given"])
    assert len(set(counts["trained_on"])) == 1
    with pytest.raises(
        ValueError, match="class_weights='balanced' does not work with knn"
    ) as error:
        from_settings({"models": ["mlp", "knn"], "recipe": {"class_weights": "balanced"}})
    assert "balance='over'" in str(error.value)


def test_stopping_early_is_said(strokes):
    """An estimator that was cut off by max_iter says so in one sentence."""
    said = []
    fit(fit_spec(strokes, "logistic(max_iter=1)"), callback=Callback(on_message=said.append))
    assert said == [
        "stopped at max_iter before it converged; more iterations may raise its accuracy"
    ]


def _state(content: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def test_only_named_types_are_loaded():
    """A file that names another type is refused before anything of it is made."""
    content = pack({"estimator": LogisticRegression(), "temperature": 1.0})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
    schema["content"]["estimator"] |= {"__module__": "subprocess", "__class__": "Popen"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(ValueError, match="holds what is not trusted: .*subprocess.Popen"):
        models.build_model("logistic").build().set_extra_state(_state(buffer.getvalue()))


@pytest.mark.parametrize("damage", [
    lambda content: b"", lambda content: b"no archive", lambda content: content[:-40],
    lambda content: content.replace(b"PK", b"KP"),
])  # fmt: skip
def test_a_damaged_estimator_is_refused(damage):
    """Whatever is wrong with the bytes, one sentence says so."""
    content = pack({"estimator": LogisticRegression(), "temperature": 1.0})
    with pytest.raises(ValueError, match="^its estimator cannot be read: ") as error:
        unpack(damage(content), ())
    assert "\n" not in str(error.value)


def test_another_version_of_scikit_learn_is_refused(monkeypatch):
    """An estimator of another release could answer differently: it is refused, naming both."""
    monkeypatch.setattr("sklearn.base.__version__", "0.9")
    content = pack({"estimator": LogisticRegression(), "temperature": 1.0})
    monkeypatch.undo()
    with pytest.raises(ValueError, match="cannot be read: .*LogisticRegression from version 0.9"):
        unpack(content, ())


@pytest.mark.parametrize("wrong", [
    lambda e: {"estimator": SVC()}, lambda e: {"estimator": e}, lambda e: {"estimator": e, "temperature": 0.0},
    lambda e: {"estimator": e, "temperature": float("nan")}, lambda e: {"estimator": LogisticRegression(), "temperature": 1.0},
    lambda e: {"estimator": LogisticRegression().fit(e.coef_[:, :5], range(10)), "temperature": 1.0},
    lambda e: {"estimator": LogisticRegression().fit(e.coef_, range(5, 15)), "temperature": 1.0},
])  # fmt: skip
def test_another_estimator_is_refused(strokes, wrong):
    """Only a fitted estimator of its own kind, for 28x28 pixels and ten digits, is taken up."""
    trained = fit(fit_spec(strokes, "logistic")).model
    module = models.build_model("logistic").build()
    module.set_extra_state(trained.get_extra_state())
    with pytest.raises(ValueError, match="its estimator is not a logistic for digits"):
        module.set_extra_state(_state(pack(wrong(trained.estimator))))


@pytest.mark.parametrize(("field", "value"), [
    ("left_child", 10**9), ("left_child", 0), ("right_child", 10**9), ("feature", 784), ("feature", -1),
])  # fmt: skip
def test_a_tree_that_leads_out_of_its_memory_is_refused(strokes, field, value):
    """Children behind or beyond the tree and pixels that do not exist are found before answering."""
    forest = fit(fit_spec(strokes, "random-forest(trees=2, max_depth=2)")).model
    tree = forest.estimator.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    with pytest.raises(ValueError, match="its estimator is not a random-forest for digits"):
        models.build_model("random-forest").build().set_extra_state(forest.get_extra_state())


@pytest.mark.parametrize(("name", "field", "change"), [
    ("knn", "_y", lambda v: v + 10**6), ("knn", "_y", lambda v: v[:-1]), ("knn", "_y", lambda v: -v - 1),
    ("svm", "_n_support", lambda v: v + 10**6), ("svm", "_dual_coef_", lambda v: v[:, :-1]),
    ("svm", "_intercept_", lambda v: v[:-1]), ("svm", "support_", lambda v: v[:-1]),
])  # fmt: skip
def test_numbers_that_lead_out_of_memory_are_refused(strokes, name, field, change):
    """What compiled code would take on trust as a place or a length is checked on loading."""
    model = fit(fit_spec(strokes, name)).model
    models.build_model(name).build().set_extra_state(model.get_extra_state())
    setattr(model.estimator, field, change(getattr(model.estimator, field)))
    with pytest.raises(ValueError, match=f"its estimator is not a {name} for digits"):
        models.build_model(name).build().set_extra_state(model.get_extra_state())


@pytest.mark.parametrize(("text", "message"), [
    ("logistic(C=0)", "`C` must be a finite number > 0"),
    ("knn(neighbours=0)", "`neighbours` must be a whole number >= 1"),
    ("knn(weights='near')", "`weights` must be one of 'uniform', 'distance', got 'near'"),
    ("svm(gamma='auto')", "`gamma` must be one of 'scale', got 'auto'"),
    ("svm(gamma=0)", "`gamma` must be a finite number > 0"),
    ("random-forest(trees=0)", "`trees` must be a whole number >= 1"),
    ("random-forest(max_depth=-1)", "`max_depth` must be a whole number >= 0"),
    ("sklearn-mlp(hidden=[])", "`hidden` must be a list of 1 to 100 sizes"),
    ("sklearn-mlp(alpha=-1)", "`alpha` must be a finite number >= 0"),
    ("knn(copies=0)", "`copies` must be a whole number >= 1"),
    ("random-forrest", "Did you mean 'random-forest'?"),
    ("logistic(init='he')", "unknown parameter of model 'logistic' 'init'"),
])  # fmt: skip
def test_bad_baselines_are_explained(text, message):
    """One sentence names the parameter, what is allowed and what came."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        models.build_model(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
