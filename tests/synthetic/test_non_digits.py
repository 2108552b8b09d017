"""Images of no digit: of many kinds, the same for the same seed, useful in training."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.core.digits import Digits
from inkfast.imaging.centering import BOX
from inkfast.models import build_model
from inkfast.noise import build_noise as chain
from inkfast.synthetic.handwriting import make_handwriting
from inkfast.synthetic.non_digits import _draw_touching_pairs, make_non_digits
from inkfast.training import FitSpec, fit, resolve_recipe


def test_a_seed_decides_the_images():
    """As many as asked for are made, the same for the same seed, hardly two inked ones equal."""
    digits = make_handwriting(100)
    made = make_non_digits(digits, 600, seed=3)
    assert made.shape == (600, 28, 28)
    assert made.dtype == np.uint8
    assert np.array_equal(made, make_non_digits(digits, 600, seed=3))
    assert not np.array_equal(made, make_non_digits(digits, 600, seed=4))
    inked = made[made.any(axis=(1, 2))]
    assert len(inked) > 540
    assert len({image.tobytes() for image in inked}) > 0.99 * len(inked)


@pytest.mark.parametrize("n", [1, 5, 7])
def test_any_number_can_be_made(n):
    """Fewer images than kinds can be made, and from blank digits."""
    assert len(make_non_digits(make_handwriting(10), n)) == n
    assert len(make_non_digits(Digits(np.zeros((3, 28, 28), np.uint8), None, "blank"), n)) == n


def test_no_image_is_a_digit_it_was_made_of():
    """Pairs and quarters are changed digits, never a digit itself."""
    digits = make_handwriting(50)
    known = {image.tobytes() for image in digits.images}
    assert not any(image.tobytes() in known for image in make_non_digits(digits, 600))


def test_a_network_that_saw_outliers_is_unsure_of_new_ones(strokes):
    """Training with outliers lowers its confidence in new ones and not in digits."""
    digits = Digits(strokes.images, strokes.labels, "strokes")
    model, fresh = build_model("mlp(hidden=[64])"), make_non_digits(strokes, 120, seed=9)
    sure = {}
    for count in (0, 300):
        recipe = resolve_recipe(model.recipe, {"epochs": 4, "outliers": count})
        fit_spec = FitSpec(
            architecture=model, recipe=recipe, digits=digits, noise=chain("none"), threads=1
        )
        trained = fit(fit_spec)
        sure[count] = np.mean(trained.probabilities(Digits(fresh, None, "others")).max(axis=1))
        known = trained.probabilities(digits)
        assert (known.argmax(axis=1) == digits.known_labels).mean() > 0.95
        assert known.max(axis=1).mean() > 0.85
        assert trained.history[-1].accuracy > 0.9  # of the digits: outliers have no right answer
    assert sure[300] < sure[0] - 0.1


def test_touching_pairs_are_in_one_frame():
    """Most pairs are wider than high, and none is larger than the frame's 20 pixels."""
    made = _draw_touching_pairs(make_handwriting(200).images, 60, np.random.default_rng(0))
    rows, columns = ((made > 50).any(axis=axis) for axis in (2, 1))
    heights, widths = (
        np.array([np.ptp(np.flatnonzero(one)) + 1 for one in b]) for b in (rows, columns)
    )
    assert np.maximum(heights, widths).max() <= BOX + 1
    assert (widths > heights).mean() > 0.5
