"""Robustness: protocols of training, and equal corruption for every classifier."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import noise
from inkfast.core.digits import Digits
from inkfast.evaluation.robustness import Candidate, evaluate_robustness, protocol, suite_noises


@pytest.mark.parametrize(
    ("met", "tested", "label"),
    [
        ("none", "mnist-c", "i"),
        ("affine + elastic + erase", "mnist-c", "ii"),
        ("rotate + gaussian", "mnist-c", "iii"),
        ("rotate + gaussian", "n-mnist", "iv"),
        ("affine + canny", "mnist-c", "iv"),
        ("one-of(chains=['affine', 'canny'])", "mnist-c", "iv"),
        ("one-of(chains=['affine', 'erase'])", "mnist-c", "ii"),
        ("noisy-mnist", "noisy-mnist", "iv"),
        ("rotate + translate", "noisy-mnist", "ii"),
    ],
)
def test_protocols_are_told_apart(met, tested, label):
    """The protocol depends on the noise in training and on the noise tested."""
    assert protocol(noise.build_noise(met), suite_noises(tested)) == label


def test_a_set_is_corrupted_once_for_everyone():
    """All classifiers get the same pixels, and the first noise of a suite is clean."""
    digits = Digits(
        np.eye(28, dtype=np.uint8)[None].repeat(20, 0) * 200, np.zeros(20, np.int64), "lines"
    )
    seen: dict[str, list[bytes]] = {"a": [], "b": []}

    def watcher(name: str) -> Candidate:
        def answer(images: np.ndarray) -> np.ndarray:
            seen[name].append(images.tobytes())
            return np.full((len(images), 10), 0.1)

        return Candidate(name, 0, digits, answer, 0.5, set_threshold=0.1)

    found = list(evaluate_robustness([watcher("a"), watcher("b")], suite_noises("n-mnist"), seed=1))
    assert seen["a"] == seen["b"]
    assert seen["a"][0] == digits.images.tobytes()
    assert len(set(seen["a"])) == 4
    assert all(one.coverage == 0 and np.isnan(one.error) for one in found)
    assert all((one.set_coverage, one.set_size) == (1, 10) for one in found)
