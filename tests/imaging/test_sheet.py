"""A sheet on a desk is found; paper without a desk is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inkfast.imaging.sheet import isolate_sheet
from tests.imaging.photographs import page, photographed


def on_desk(sheet: np.ndarray, shade: float, grain: float, turn: float = 0.0) -> np.ndarray:
    """Return a photograph ``(h, w)`` in [0, 1] of a sheet, in the middle of a grainy desk."""
    paper = Image.fromarray(sheet).convert("RGBA").rotate(turn, expand=True)
    size = paper.width + 300, paper.height + 300
    rng = np.random.default_rng(0)
    desk = np.clip(shade + rng.normal(0, grain, (size[1], size[0])), 0, 1)
    whole = Image.fromarray(np.rint(255 * desk).astype(np.uint8))
    whole.paste(paper.convert("L"), (150, 150), paper)
    return np.asarray(whole, np.float32) / 255


@pytest.mark.parametrize("turn", [0, 12])
@pytest.mark.parametrize("shade", [0.15, 0.45])
def test_the_desk_is_painted_over(turn, shade):
    """Around the sheet there is paper as bright as the sheet; on the sheet nothing changes."""
    sheet = photographed(page("0123 456", "789 0246"))
    picture = on_desk(sheet, shade, 0.05, turn)
    found = isolate_sheet(picture)
    assert found is not None
    assert found[:100].min() > 0.75
    height, width = picture.shape
    middle = slice(height // 2 - 60, height // 2 + 60), slice(width // 2 - 150, width // 2 + 150)
    np.testing.assert_array_equal(found[middle], picture[middle])


@pytest.mark.parametrize("kind", ["plain", "ruled", "squared", "slope of light", "blackboard"])
def test_paper_alone_has_no_desk(kind):
    """Neither ink nor lines nor falling light is taken for the edge of a sheet."""
    sheet = Image.fromarray(photographed(page("0123 456", "789 0246"), kind)).convert("L")
    assert isolate_sheet(np.asarray(sheet, np.float32) / 255) is None


def test_a_soft_shadow_is_not_a_desk():
    """A shadow with a soft edge does not end a sheet."""
    _, x = np.mgrid[:400, :600]
    shadow = 0.9 * (1 - 0.6 / (1 + np.exp((300 - x) / 40)))
    assert isolate_sheet(shadow.astype(np.float32)) is None


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_an_even_image_has_no_sheet(grey):
    """An image of one brightness has no sheet."""
    assert isolate_sheet(np.full((50, 80), grey, np.float32)) is None
    assert isolate_sheet(np.full((1, 1), grey, np.float32)) is None
