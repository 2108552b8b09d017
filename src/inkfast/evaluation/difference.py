"""Is the difference between two models real, or could chance have made it?

Two kinds of chance are kept apart. Another test set of the same size: McNemar's exact test for
one seed, its generalisation to the mean over seeds for several. Another seed: a paired t-test over
the seeds. With several seeds a difference is called real only when both say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """What the tests say of two models, the better one first.

    Attributes:
        better: Name of the model with the higher mean accuracy.
        worse: Name of the other.
        difference: Accuracy of the better less that of the worse, mean over seeds.
        p_value: The largest p of the tests made, adjusted by Holm's method over all pairs when
            there are more than two models.
        real: Whether `p_value` is below 0.05.
        tests: Each test in words, with its n and its own p.
        pairs: Pairs of models that `p_value` is adjusted over.
    """

    better: str
    worse: str
    difference: float
    p_value: float
    real: bool
    tests: tuple[str, ...]
    pairs: int = 1


def compare_models(right: dict[str, NDArray[np.bool_]]) -> list[Comparison]:
    """Compare the best model with every other.

    Which model is best is itself an outcome of the test digits, so Holm's adjustment covers all
    pairs, not only those shown.

    Args:
        right: Model name -> bool ``(seeds, n)``, whether each test digit was read right. The
            seeds and the digits are the same for all models, in the same order.

    Returns:
        One comparison for each model but the best, in order of accuracy.
    """
    order = sorted(right, key=lambda name: -float(right[name].mean()))
    pairs = list(combinations(order, 2))
    tested = [_tests(right[a], right[b]) for a, b in pairs]
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


def _tests(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, tuple[str, ...]]:
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
    """What the corrected test says of two models over the same folds, the better one first.

    Attributes:
        better: Name of the model with the higher mean accuracy.
        worse: Name of the other.
        difference: Mean over folds of accuracy of the better less that of the worse.
        p_value: Adjusted by Holm's method over all pairs when there are more than two models.
        real: Whether `p_value` is below 0.05.
        test: The test in words, with its n, and what a rank test could reach on this design.
        pairs: Pairs of models that `p_value` is adjusted over.
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
        """The test, as `Comparison` has its own."""
        return (self.test,)


def deciding_p(comparison: Comparison | FoldComparison) -> str:
    """Return the p that decides whether a difference is real, and what it was adjusted for."""
    p, pairs = comparison.p_value, comparison.pairs
    found = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return f"{found} after Holm's adjustment over {pairs} pairs of models" if pairs > 1 else found


def all_tests(comparison: Comparison | FoldComparison) -> str:
    """Return every test made of two models, and what decides where that is another p."""
    adjusted = [deciding_p(comparison)] if comparison.pairs > 1 else []
    return "; ".join([*comparison.tests, *adjusted])


def compare_folds(
    accuracy: dict[str, dict[str, float]], order: list[str], share: float
) -> list[FoldComparison]:
    """Compare the best model with every other over folds.

    Args:
        accuracy: Model name -> fold -> accuracy; the folds are the same for all models.
        order: Model names, the best first.
        share: Held-out rows per training row, 1 / (k - 1) for k folds.

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
            test=_in_words(len(differences), raw),
            pairs=len(pairs),
        )
        for (a, b), (differences, raw), p in zip(pairs, tested, adjusted, strict=True)
        if a == order[0]
    ]


def _in_words(n: int, p: float) -> str:
    return (
        f"corrected resampled t-test over n = {n} folds (Nadeau and Bengio 2003), p = {p:.2g}; "
        f"a signed-rank test on {n} folds could never go below p = {2 / 2**n:.2g}"
    )


def corrected_resampled_t(differences: NDArray[np.float64], share: float) -> float:
    """Return the two-sided p of a mean difference over folds that share training rows.

    Source: Nadeau and Bengio (2003), Inference for the Generalization Error, equation 9: the
    variance of the mean is (1/n + share) times that of the differences, not 1/n of it.

    Args:
        differences: ``(n,)``, one for each fold; below two folds the answer is 1.
        share: Held-out rows per training row.
    """
    from scipy.stats import t

    n = len(differences)
    spread = float(np.var(differences, ddof=1)) if n > 1 else 0.0
    if spread < 1e-24:  # no spread: the test divides by it and can say nothing
        return 1.0
    statistic = float(differences.mean()) / np.sqrt((1 / n + share) * spread)
    return float(2 * t.sf(abs(statistic), n - 1))


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the two-sided exact p that both are right equally often.

    Source: McNemar (1947); exact binomial form. 1 when the two never disagree.
    """
    from scipy.stats import binomtest

    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def paired_z(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the two-sided p over test digits of the mean difference, ``(seeds, n)`` each.

    For one seed it is McNemar's test without correction, in its large-sample form.
    """
    from scipy.stats import norm

    difference = a.mean(axis=0) - b.mean(axis=0)
    spread = float(np.sqrt((difference**2).mean() / len(difference)))
    return float(2 * norm.sf(abs(difference.mean()) / spread)) if spread else 1.0


def paired_t(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the two-sided p of the mean difference over seeds, ``(seeds,)`` each.

    1 when the difference has no spread: the test divides by it and can say nothing.
    """
    from scipy.stats import ttest_rel

    return float(ttest_rel(a, b).pvalue) if np.ptp(a - b) > 1e-12 else 1.0


def holm(p_values: list[float]) -> list[float]:
    """Return p-values adjusted so that the chance of any false alarm stays at the level.

    Source: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values)):
        floor = max(floor, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = floor
    return adjusted
