"""Training a finder of numbers: targets, squares, losses, resuming, export."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inkfast.experiments.finder_export import export_finder
from inkfast.inference.finder import NumberFinder
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.strips import Handwriting
from inkfast.training.finder_loop import FinderRecipe, finder_losses, fit_finder
from inkfast.training.finder_pages import (
    LabelledPage,
    compose_page_shards,
    cut_square,
    load_page_shard,
)
from inkfast.training.finder_targets import IGNORED, NUMBER, OTHER, draw_target

RECIPE = FinderRecipe(steps=3, batch_size=2, side=64)


def quad(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return the corners of a level rectangle."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def target(quads: list[np.ndarray], kinds: list[int]):
    """Return the maps of a page of 64 x 128 pixels."""
    return draw_target((64, 128), np.stack(quads), np.array(kinds), (64, 128))


def pages() -> list[LabelledPage]:
    """Return two pages with a dark bar as a number."""
    image = np.full((80, 90), 220, np.uint8)
    image[30:50, 20:70] = 40
    return [LabelledPage(image, quad(20, 30, 70, 50)[None], np.array([NUMBER], np.int8))] * 2


def test_core_is_the_middle_half():
    """A core has the length of its number and the middle half of its height."""
    maps = target([quad(16, 16, 112, 48)], [NUMBER])
    rows, columns = np.nonzero(maps.core)
    assert (rows.min(), rows.max() + 1) == (pytest.approx(6, abs=1), pytest.approx(10, abs=1))
    assert (columns.min(), columns.max() + 1) == (pytest.approx(4, abs=1), pytest.approx(28, abs=1))
    assert np.exp(maps.height[maps.core > 0]) == pytest.approx(32, abs=1e-3)
    assert not maps.angle.any()


def test_lines_one_above_another_stay_apart():
    """The cores of lines without a gap between them have no common cell."""
    maps = target([quad(8, 8, 120, 32), quad(8, 32, 120, 56)], [NUMBER, NUMBER])
    assert maps.core.any(axis=1).astype(int).tolist().count(0) >= 6
    assert not maps.core[7:9].any()


def test_words_have_a_map_of_their_own():
    """A word is no number, and its height is not learned from."""
    maps = target([quad(16, 16, 112, 48)], [OTHER])
    assert maps.other.any()
    assert not maps.core.any()


def test_ignored_rectangles_have_no_weight():
    """Where something may be found or not, nothing is learned; a number in it still counts."""
    maps = target([quad(0, 0, 128, 64), quad(16, 16, 112, 48)], [IGNORED, NUMBER])
    assert maps.weight[8, 16] == 1
    assert maps.weight[1, 1] == 0


def test_too_high_numbers_are_background():
    """A number of 300 pixels is found at another size; one of 110 may be found or not."""
    high, higher = (
        target([quad(0, -50, 128, 60)], [NUMBER]),
        target([quad(0, 0, 128, 300)], [NUMBER]),
    )
    assert not high.core.any()
    assert not higher.core.any()
    assert (high.weight == 0).any()
    assert higher.weight.all()


def test_square_and_target_fit():
    """In a square cut from a page, the core lies on the number's ink."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        square, maps = cut_square(pages()[0], 128, rng)
        assert square.shape == (128, 128)
        assert maps.shape == (5, 32, 32)
        core = np.kron(maps[0], np.ones((4, 4))) > 0
        if core.any():
            assert abs(square[core].mean() - square[square != 0].mean()) > 0.3


def test_perfect_maps_cost_less():
    """Maps that agree with the target have a lower loss than their opposite, in every part."""
    maps = target([quad(16, 16, 112, 48)], [NUMBER])
    goal = torch.from_numpy(maps.stack())[None]
    good = torch.stack([8 * goal[:, 0] - 4, 8 * goal[:, 1] - 4, goal[:, 2], goal[:, 3]], 1)
    bad = torch.stack([-good[:, 0], -good[:, 1], goal[:, 2] + 1, goal[:, 3] + 1], 1)
    better, worse = finder_losses(good, goal), finder_losses(bad, goal)
    assert all(better[name] < worse[name] for name in better)


def test_resumed_training_gives_the_same_network(tmp_path, monkeypatch):
    """Training that was interrupted ends with the same weights as without the interruption."""
    monkeypatch.setattr("inkfast.training.finder_loop._SAVED_EVERY", 1)
    whole = fit_finder(RECIPE, pages(), tmp_path / "whole", threads=1)

    def interrupt(step: int, _: dict[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_finder(RECIPE, pages(), tmp_path / "cut", 1, interrupt)
    again = fit_finder(RECIPE, pages(), tmp_path / "cut", threads=1)
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_shards_are_composed_once(tmp_path):
    """A shard that is there is loaded; a missing one is composed with the same pages again."""
    handwriting = Handwriting(draw_library())
    (path,) = compose_page_shards(tmp_path, handwriting, 1, 3, seed=1)
    first = load_page_shard(path)
    path.unlink()
    list(compose_page_shards(tmp_path, handwriting, 1, 3, seed=1))
    second = load_page_shard(path)
    assert len(first) == 3
    assert all(
        np.array_equal(a.image, b.image) and np.array_equal(a.quads, b.quads)
        for a, b in zip(first, second, strict=True)
    )


def test_exported_finder_opens(tmp_path):
    """An exported network gives its maps for an image of any size."""
    network = fit_finder(RECIPE, pages(), tmp_path / "state", threads=1)
    finder = NumberFinder(export_finder(network, {"steps": 3}), 1)
    assert finder.predict_maps(np.zeros((50, 70), np.uint8)).shape == (4, 13, 18)
