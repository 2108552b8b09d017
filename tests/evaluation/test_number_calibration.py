"""Temperature and thresholds of number readers, on strips whose error rates are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.evaluation.number_calibration import (
    CalibrationStrips,
    fit_number_temperature,
    fit_number_threshold,
)
from inkfast.evaluation.selective import fit_answer_threshold
from inkfast.inference.numbers import ALPHABET

BLANK = len(ALPHABET)


def draw_strips(seed: int, n: int, sharpness: float) -> CalibrationStrips:
    """Return strips of two characters whose texts are drawn from their own probabilities.

    The log-probabilities are then multiplied by the sharpness; above 1 they are too confident.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 3, BLANK + 1))
    for frame in (0, 2):
        logits[np.arange(n), frame, rng.integers(0, 10, n)] += rng.uniform(3, 9, n)
    logits[:, 1, BLANK] += 9
    honest = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    paths = (honest.cumsum(axis=2) > rng.random((n, 3, 1))).argmax(axis=2)
    return CalibrationStrips(
        [[view] for view in np.float32(sharpness * np.log(honest))], [spell(path) for path in paths]
    )


def spell(path: NDArray[np.int64]) -> str:
    """Return the text of a path."""
    return "".join(ALPHABET[label] for label, _ in itertools.groupby(path) if label != BLANK)


@pytest.mark.parametrize("sharpness", [2.5, 0.6])
def test_the_temperature_undoes_false_confidence(sharpness: float) -> None:
    """Where log-probabilities are 2.5 times too large, the temperature is about 2.5."""
    found = fit_number_temperature(draw_strips(0, 150, sharpness))
    assert found == pytest.approx(sharpness, rel=0.3)


def test_without_an_error_the_temperature_is_one() -> None:
    """The likelihood of right answers has no maximum."""
    strips = draw_strips(1, 20, 1.0)
    read = np.flatnonzero(~strips.answers(1.0)[1])
    right = CalibrationStrips(
        [strips.log_probs[row] for row in read], [strips.texts[row] for row in read]
    )
    assert fit_number_temperature(right) == 1


def test_honest_confidences_are_error_rates() -> None:
    """The mean confidence of drawn strips is the share that is read right."""
    confidence, wrong = draw_strips(2, 400, 1.0).answers(1.0)
    standard_error = np.sqrt((confidence * (1 - confidence)).sum()) / len(wrong)
    assert abs(confidence.mean() - (1 - wrong.mean())) < 4 * standard_error


def test_a_guarantee_of_answers_fails_at_most_once_in_twenty() -> None:
    """In 300 simulations the true error above the threshold exceeds the bound in at most 5 %."""
    rng = np.random.default_rng(3)
    broken = 0
    for _ in range(300):
        confidence = 1 - rng.beta(0.3, 3, 600)
        wrong = rng.random(600) < 1.5 * (1 - confidence)
        guarantee = fit_answer_threshold(confidence, wrong, 0.05)
        every = 1 - rng.beta(0.3, 3, 20_000)
        answered = every[every >= guarantee.threshold]
        broken += bool(len(answered)) and 1.5 * np.mean(1 - answered) > 0.05
    assert broken / 300 < 0.05


def test_a_threshold_of_numbers_is_that_of_their_answers() -> None:
    """The guarantee counts whole numbers, wrong in any character, at the temperature."""
    strips = draw_strips(4, 300, 2.0)
    confidence, wrong = strips.answers(2.0)
    guarantee = fit_number_threshold(strips, 2.0, 0.2)
    answered = confidence >= guarantee.threshold
    assert guarantee.n == 300
    assert 0 < guarantee.coverage == answered.mean()
    assert guarantee.error == wrong[answered].mean() < 0.2


def test_other_characters_may_be_left_out() -> None:
    """With digits alone a separator in a strip is no error."""
    frames = np.full((3, BLANK + 1), -20.0)
    frames[[0, 1, 2], [1, ALPHABET.index("."), 2]] = 0
    strips = CalibrationStrips([[frames.astype(np.float32)]], ["12"], digits_only=True)
    assert not strips.answers(1.0)[1].any()
    assert CalibrationStrips(strips.log_probs, ["12"]).answers(1.0)[1].all()


@pytest.mark.parametrize(("strips", "texts"), [(0, 0), (1, 0), (1, 2)])
def test_strips_need_their_texts(strips: int, texts: int) -> None:
    """The line gives both numbers."""
    with pytest.raises(InkfastError, match=f"got {strips} strips and {texts} texts"):
        CalibrationStrips([[np.zeros((1, BLANK + 1), np.float32)]] * strips, ["1"] * texts)
