"""Cross-validation of an adaptation: the gain and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.adaptation.folds import FOLDS, STRENGTHS, cross_validate_adaptation, paired_gain


class Recorded:
    """Corrections whose weights are the rows that they were fitted on, and the strength."""

    shipped = np.zeros((1, 1))

    def __init__(self, best: float, wrong_after: int) -> None:
        self.best, self.wrong_after = best, wrong_after

    def __len__(self) -> int:
        return 40

    def fit(self, rows, strength):
        return np.append(rows, strength)

    def losses(self, weights, rows):
        assert not set(weights[:-1].astype(int)) & set(rows) or weights is self.shipped
        return np.full(len(rows), abs(np.log(weights.flat[-1] or 1e9) - np.log(self.best)))

    def answers(self, weights, rows, temperature, threshold):
        limit = 10 if weights is self.shipped else self.wrong_after
        return np.ones(len(rows)), np.asarray(rows) < limit


@pytest.mark.parametrize("best", STRENGTHS)
def test_the_strength_with_the_least_loss_is_taken(best):
    """Every row is judged once, by weights that were fitted without it, at the best strength."""
    check = cross_validate_adaptation(Recorded(best, 4), np.arange(40))
    assert check.strength == best
    assert sorted(np.concatenate([rows for rows, _ in check.parts])) == list(range(40))
    assert len(check.parts) == FOLDS
    assert all(weights[-1] == best for _, weights in check.parts)
    assert (check.before.sum(), check.after.sum(), check.is_worse) == (10, 4, False)


def test_more_errors_are_worse():
    """An adaptation with more errors is worse, whatever its loss."""
    assert cross_validate_adaptation(Recorded(STRENGTHS[0], 11), np.arange(40)).is_worse


def test_the_gain_has_an_interval():
    """The interval is that of Agresti and Min on the approval of a prime minister, as Wald's there."""
    before = np.repeat([True, True, False, False], [794, 150, 86, 570])
    after = np.repeat([True, False, True, False], [794, 150, 86, 570])
    gain, low, high = paired_gain(before, after)
    assert gain == pytest.approx(64 / 1600)
    assert (low, high) == pytest.approx((0.0213, 0.0587), abs=3e-4)


def test_no_change_is_no_gain_but_not_certain():
    """Where nothing changed, the interval still is not a point."""
    gain, low, high = paired_gain(np.zeros(20, bool), np.zeros(20, bool))
    assert gain == 0
    assert low == -high < -0.05
