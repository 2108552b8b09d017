"""Calibration of a run's model: which rows are used, and at which temperature."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

from inkfast.core.digits import Digits, Source
from inkfast.evaluation.selective import fit_threshold, prediction_set_threshold
from inkfast.experiments import calibration
from inkfast.experiments.calibration import calibrate, fit_spec_of
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.training.validation import calibration_digits, validation_digits


def test_thresholds_are_fitted_on_calibration_rows(strokes):
    """Thresholds are fitted on the calibration rows, or else on the validation rows."""
    experiment = from_settings({"models": ["mlp(hidden=[4])"], "noise": "none"})
    dataset = split_source(experiment, Source(strokes, None, "strokes"))
    model_spec = experiment.models[0]
    seen: list[Digits] = []

    def probabilities(digits: Digits) -> np.ndarray:
        seen.append(digits)
        return np.eye(10)[digits.labels] * 0.8 + 0.02

    for share, n in ((0.25, 80), (0.0, 32)):
        recipe = dataclasses.replace(model_spec.recipe, calibration=share, validation=0.1)
        model = SimpleNamespace(recipe=recipe, seed=3, probabilities=probabilities)
        found = calibrate(model_spec, model, experiment, dataset, 0.3)
        fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
        rows = calibration_digits(fit_spec) if share else validation_digits(fit_spec)
        assert seen[-2].fingerprint == validation_digits(fit_spec).fingerprint
        assert seen[-1].fingerprint == rows.fingerprint
        assert (found.guarantee.n, found.strict) == (n, share > 0)
        assert np.isnan(found.set_threshold)  # 99 digits make label sets for 99 %


def test_thresholds_are_fitted_at_the_temperature(strokes, monkeypatch):
    """Thresholds of an overconfident model are those of its probabilities at the temperature."""
    monkeypatch.setattr(calibration, "SET_COVERAGE", 0.9)
    experiment = from_settings({"models": ["mlp(hidden=[4])"], "noise": "none"})
    dataset = split_source(experiment, Source(strokes, None, "strokes"))
    model_spec = experiment.models[0]
    recipe = dataclasses.replace(model_spec.recipe, calibration=0.5, validation=0.4)

    def probabilities(digits: Digits) -> np.ndarray:
        rng = np.random.default_rng(len(digits))
        logits = rng.normal(0, 3, (len(digits), 10))
        logits[np.arange(len(digits)), digits.labels] += 9  # their softmax is honest
        return special.softmax(8 * logits, axis=1)

    model = SimpleNamespace(recipe=recipe, seed=3, probabilities=probabilities)
    known = calibrate(model_spec, model, experiment, dataset, 0.1)
    assert known.temperature > 5
    rows = calibration_digits(fit_spec_of(model_spec, model, experiment, dataset))
    sure = probabilities(rows)
    cooler = special.softmax(np.log(sure) / known.temperature, axis=1)
    asked, found = (fit_threshold(p, rows.labels, 0.1).threshold for p in (cooler, sure))
    assert known.guarantee.threshold == asked < 0.99 < found
    assert known.set_threshold == pytest.approx(prediction_set_threshold(cooler, rows.labels, 0.9))
    assert known.set_threshold != pytest.approx(prediction_set_threshold(sure, rows.labels, 0.9))
