"""A digit on any paper and in any light is brought to MNIST's form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from inkfast.core.errors import NoInkError
from inkfast.data import embedded
from inkfast.imaging.normalization import isolate_digit, keep_soft_edges, preprocess, whole_image
from tests.conftest import DATA


@pytest.fixture(scope="module")
def written() -> list[np.ndarray]:
    """Return ten digits, 90 pixels high, as ink in [0, 1] on 160x160 pixels."""
    digits = embedded.load_embedded().train
    fields = []
    for digit in range(10):
        image = digits.images[int(np.flatnonzero(digits.known_labels == digit)[0])]
        large = Image.fromarray(image).resize((126, 126), Image.Resampling.BICUBIC)
        fields.append(np.pad(np.asarray(large, np.float32) / 255, 17))
    return fields


def likeness(found: np.ndarray, ink: np.ndarray) -> float:
    """Return the best correlation with the clean digit, shifted by at most one pixel."""
    moved = [np.roll(found, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(m.ravel(), preprocess(ink).ravel())[0, 1]) for m in moved)


def photographed(ink: np.ndarray, kind: str) -> np.ndarray:
    """Return the grey values of a photograph of this ink."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]] / 160
    paper = {
        "shadow": 0.9 - 0.5 * x * y,
        "lamp": 0.4 + 0.5 * np.exp(-((x - 0.3) ** 2 + (y - 0.2) ** 2) * 2),
        "pale pencil": np.full_like(ink, 0.85),
        "grain": 0.8 + 0.04 * rng.normal(size=ink.shape),
        "blackboard": np.full_like(ink, 0.15),
    }[kind]
    towards = {"blackboard": 0.85, "pale pencil": 0.7}.get(kind, 0.1)
    return np.clip(paper + ink * (towards - paper), 0, 1).astype(np.float32)


@pytest.mark.parametrize("kind", ["shadow", "lamp", "pale pencil", "grain", "blackboard"])
def test_paper_and_light_do_not_matter(kind, written):
    """On each kind of paper, all ten digits come out as they do without paper."""
    for ink in written:
        assert likeness(preprocess(photographed(ink, kind)), ink) > 0.9


@pytest.mark.parametrize("scale", [0.1, 0.15, 0.3, 2.0])
def test_size_does_not_matter(scale, written):
    """Digits from 9 pixels high to larger than the working size come out alike."""
    for ink in written:
        small = np.clip(ndimage.zoom(photographed(ink, "shadow"), scale, order=1), 0, 1)
        assert likeness(preprocess(small), ink) > (0.8 if scale == 0.1 else 0.9)


def test_the_frame_is_mnists(written):
    """The longer side is 20 pixels, the centre of mass in the middle, ink bright on black."""
    for ink in written:
        found = preprocess(photographed(ink, "lamp")).astype(float)
        rows, columns = np.nonzero(found > 51)
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        middle = ndimage.center_of_mass(found)
        assert np.abs(np.array(middle) - 13.5).max() < 1.5
        assert found.max() > 200


@pytest.mark.parametrize("thickness", [1, 3, 8, 14, 30])
def test_thin_strokes_are_as_bright_as_thick_ones(thickness):
    """A stroke that covers a part of a pixel of MNIST's frame is not faint."""
    grey = np.zeros((160, 160), np.float32)
    grey[30:130, 80 : 80 + thickness] = 1  # a one
    found = preprocess(grey)
    assert found[10:18].max(axis=1).min() > 200
    assert np.count_nonzero((found > 50).any(axis=0)) == pytest.approx(thickness / 5, abs=2)


def test_lines_and_specks_are_left_out(written):
    """A ruled line that leaves the image and a speck are not part of the digit."""
    for ink in written:
        dirty = photographed(ink, "shadow")
        dirty[150:153] = 0.2
        dirty[8:11, 8:11] = 0.1
        assert likeness(preprocess(dirty), ink) > 0.9


def test_a_separate_piece_of_the_digit_is_kept():
    """The bar of a five that does not touch its body is kept, at the image's edge as well."""
    grey = np.zeros((100, 100), np.float32)
    grey[40:80, 40:48] = grey[60:68, 40:66] = 1
    grey[30:36, 44:70] = 1
    for image in (grey, np.roll(grey, -30, axis=0), np.roll(grey, 20, axis=0)):
        np.testing.assert_array_equal(isolate_digit(image) > 0.5, image > 0.5)


def test_the_digit_in_the_middle_is_kept_beside_more_ink_at_the_edge():
    """Of two pieces the one nearer the centre is the digit, though the other has more ink."""
    grey = np.zeros((100, 100), np.float32)
    grey[30:70, 44:56] = grey[:, :8] = 1
    kept = isolate_digit(grey)
    assert np.count_nonzero(kept[:, 40:] > 0.5) == 40 * 12
    assert not kept[:, :40].any()


def test_a_digit_is_found_beside_a_shaded_edge():
    """Shade along one edge has more ink than the digit, and is not the digit."""
    grey = np.full((100, 80), 0.9, np.float32)
    grey[85:] = 0.3
    grey[30:60, 38:42] = 0.5
    kept = isolate_digit(grey)
    assert (kept[35:55, 39:41] > 0.2).all()
    assert not kept[70:].any()


def test_polarity_of_tight_crops_is_read_from_the_border():
    """A thick digit that fills its image is ink though it covers half of it."""
    ring = np.hypot(*np.mgrid[-9.5:10, -9.5:10])
    grey = ((ring > 5.2) & (ring < 9.5)).astype(np.float32)
    for image in (grey, 1 - grey):
        np.testing.assert_array_equal(isolate_digit(image) > 0.5, grey > 0.5)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_blank_paper_has_no_ink(value):
    """An even image has no ink, and neither has one with nothing but grain."""
    with pytest.raises(NoInkError, match="no ink was found"):
        preprocess(np.full((60, 40), value))
    grain = 0.5 + 0.02 * np.random.default_rng(0).normal(size=(80, 80))
    with pytest.raises(NoInkError):
        preprocess(grain.astype(np.float32))


def test_photographed_handwriting_is_found():
    """On 100 photographs of digits there is as much ink as in MNIST's."""
    folder = Path(DATA) / "handwriting" / "phone"
    if not folder.is_dir():
        pytest.skip("needs photographed handwriting beside MNIST")
    files = [file for digit in sorted(folder.iterdir()) for file in sorted(digit.iterdir())[:10]]
    found = np.stack([preprocess(np.asarray(Image.open(f).convert("L")) / 255) for f in files])
    shares = found.mean(axis=(1, 2)) / 255
    assert shares.min() > 0.02
    assert 0.07 < shares.mean() < 0.17  # MNIST has 0.13


def test_soft_edges_are_two_pixels_around_a_mask():
    """Soft edges are what scipy's dilation gives, at the image's edge too."""
    rng = np.random.default_rng(0)
    for density in (0.01, 0.3):
        amount, mask = rng.random((23, 31), np.float32), rng.random((23, 31)) < density
        around = ndimage.binary_dilation(mask, iterations=2)
        np.testing.assert_array_equal(keep_soft_edges(amount, mask), np.where(around, amount, 0))


def test_a_whole_image_is_seen_in_a_square_with_bright_ink():
    """Nothing is removed; the shorter side is filled up with paper."""
    grey = np.full((80, 40), 0.8, np.float32)
    grey[20:60, 16:24] = 0.2
    grey[:, :4] = 0.4  # a rule at the edge
    found = whole_image(grey)
    assert (found.shape, found.dtype) == ((28, 28), np.uint8)
    assert (found.max(), found.min()) == (255, 0)
    assert not found[:, :6].any()
    assert not found[:, 22:].any()
    assert found[14, 7] > 100  # the rule
    np.testing.assert_array_equal(whole_image(1 - grey), found)
