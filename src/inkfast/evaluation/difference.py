"""Significance tests of the difference between two models.

Two kinds of chance are tested separately: other test digits (McNemar's exact test for one seed, a
paired z-test over seed means for several) and other seeds (a paired t-test). With several seeds a
difference is called real only if both tests agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """Result of comparing two models, the better one first.

    Attributes:
        better: Name of the model with the higher mean accuracy.
        worse: Name of the other.
        difference: Accuracy of the better minus that of the worse, mean over seeds.
        p_value: Largest p of the tests, adjusted by Holm's method over all pairs if there are
            more than two models.
        real: Whether `p_value` is below 0.05.
        tests: Each test as text, with its n and its own p.
        pairs: Number of pairs of models that `p_value` is adjusted over.
    """

    better: str
    worse: str
    difference: float
    p_value: float
    real: bool
    tests: tuple[str, ...]
    pairs: int = 1


def compare_models(right: dict[str, NDArray[np.bool_]]) -> list[Comparison]:
    """Compare the best model with every other one.

    Which model is best is itself a result of the test digits, so Holm's adjustment covers all
    pairs, not only those shown.

    Args:
        right: Model name -> bool ``(seeds, n)``, whether each test digit was classified correctly;
            all models have the same seeds and digits, in the same order.

    Returns:
        One comparison for each model but the best, in order of accuracy.
    """
    order = sorted(right, key=lambda name: -float(right[name].mean()))
    pairs = list(combinations(order, 2))
    tested = [_compare_pair(right[a], right[b]) for a, b in pairs]
    adjusted = holm([p for p, _ in tested])
    return [
        Comparison(
            better=a,
            worse=b,
            difference=float(right[a].mean() - right[b].mean()),
            p_value=p,
            real=p < ALPHA,
            tests=tests,
            pairs=len(pairs),
        )
        for (a, b), (_, tests), p in zip(pairs, tested, adjusted, strict=True)
        if a == order[0]
    ]


def _compare_pair(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, tuple[str, ...]]:
    seeds, n = a.shape
    if seeds == 1:
        p = mcnemar(a[0], b[0])
        only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
        return p, (
            f"McNemar's exact test, one seed, n = {n:,} test digits of which the two disagree on "
            f"{only_a + only_b:,} ({only_a:,} : {only_b:,}), p = {p:.2g}",
        )
    over_images, over_seeds = paired_z(a, b), paired_t(a.mean(axis=1), b.mean(axis=1))
    return max(over_images, over_seeds), (
        f"paired z-test over n = {n:,} test digits, each averaged over {seeds} seeds, "
        f"p = {over_images:.2g}",
        f"paired t-test over n = {seeds} seeds, p = {over_seeds:.2g}",
    )


@dataclass(frozen=True)
class FoldComparison:
    """Result of comparing two models over the same folds, the better one first.

    Attributes:
        better: Name of the model with the higher mean accuracy.
        worse: Name of the other.
        difference: Accuracy of the better minus that of the worse, mean over folds.
        p_value: Adjusted by Holm's method over all pairs if there are more than two models.
        real: Whether `p_value` is below 0.05.
        test: The test as text, with its n, and the smallest p of a rank test on as many folds.
        pairs: Number of pairs of models that `p_value` is adjusted over.
    """

    better: str
    worse: str
    difference: float
    p_value: float
    real: bool
    test: str
    pairs: int = 1

    @property
    def tests(self) -> tuple[str, ...]:
        """The test as a tuple, as in `Comparison`."""
        return (self.test,)


def deciding_p(comparison: Comparison | FoldComparison) -> str:
    """Return the p that decides whether a difference is real, with its adjustment, as text."""
    p, pairs = comparison.p_value, comparison.pairs
    found = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return f"{found} after Holm's adjustment over {pairs} pairs of models" if pairs > 1 else found


def all_tests(comparison: Comparison | FoldComparison) -> str:
    """Return every test of two models as text, and the adjusted p if there is one."""
    adjusted = [deciding_p(comparison)] if comparison.pairs > 1 else []
    return "; ".join([*comparison.tests, *adjusted])


def compare_folds(
    accuracy: dict[str, dict[str, float]], order: list[str], share: float
) -> list[FoldComparison]:
    """Compare the best model with every other over folds.

    Args:
        accuracy: Model name -> fold -> accuracy; the folds are the same for all models.
        order: Model names, the best first.
        share: Number of held-out rows per training row, 1 / (k - 1) for k folds.

    Returns:
        One comparison for each model but the best.
    """
    pairs = list(combinations(order, 2))
    tested = []
    for a, b in pairs:
        differences = np.array([accuracy[a][fold] - accuracy[b][fold] for fold in accuracy[a]])
        tested.append((differences, corrected_resampled_t(differences, share)))
    adjusted = holm([p for _, p in tested])
    return [
        FoldComparison(
            better=a,
            worse=b,
            difference=float(differences.mean()),
            p_value=p,
            real=p < ALPHA,
            test=_describe_t_test(len(differences), raw),
            pairs=len(pairs),
        )
        for (a, b), (differences, raw), p in zip(pairs, tested, adjusted, strict=True)
        if a == order[0]
    ]


def _describe_t_test(n: int, p: float) -> str:
    return (
        f"corrected resampled t-test over n = {n} folds (Nadeau and Bengio 2003), p = {p:.2g}; "
        f"a signed-rank test on {n} folds could never go below p = {2 / 2**n:.2g}"
    )


def corrected_resampled_t(differences: NDArray[np.float64], share: float) -> float:
    """Return the two-sided p of a mean difference over folds that share training rows.

    Source: Nadeau and Bengio (2003), Inference for the Generalization Error, equation 9: the
    variance of the mean is (1/n + share) times that of the differences, not 1/n of it.

    Args:
        differences: ``(n,)``, one for each fold; for fewer than two folds p is 1.
        share: Number of held-out rows per training row.
    """
    from scipy.stats import t

    n = len(differences)
    spread = float(np.var(differences, ddof=1)) if n > 1 else 0.0
    if spread < 1e-24:  # the test divides by the spread
        return 1.0
    statistic = float(differences.mean()) / np.sqrt((1 / n + share) * spread)
    return float(2 * t.sf(abs(statistic), n - 1))


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the two-sided exact p of the hypothesis that both are correct equally often.

    Source: McNemar (1947); exact binomial form. 1 when the two never disagree.
    """
    from scipy.stats import binomtest

    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def paired_z(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the two-sided p over test digits of the mean difference.

    Both arrays have shape ``(seeds, n)``. For one seed it is the large-sample form of
    McNemar's test, without correction.
    """
    from scipy.stats import norm

    difference = a.mean(axis=0) - b.mean(axis=0)
    spread = float(np.sqrt((difference**2).mean() / len(difference)))
    return float(2 * norm.sf(abs(difference.mean()) / spread)) if spread else 1.0


def paired_t(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the two-sided p of the mean difference over seeds.

    Both arrays have shape ``(seeds,)``. It is 1 where the difference has no spread.
    """
    from scipy.stats import ttest_rel

    return float(ttest_rel(a, b).pvalue) if np.ptp(a - b) > 1e-12 else 1.0


def holm(p_values: list[float]) -> list[float]:
    """Return p-values adjusted so that the family-wise error rate stays at the level.

    Source: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values)):
        floor = max(floor, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = floor
    return adjusted
