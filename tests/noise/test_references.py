"""Corruptions against scipy.ndimage and closed forms, and strengths against their units."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from inkfast import noise
from inkfast.core.random import make_generator
from inkfast.noise import NOISES
from inkfast.noise.resample import FILLS

CENTRE = 13.5
MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect"}


@pytest.fixture
def images() -> np.ndarray:
    """Return 12 random images with structure at every scale."""
    return np.random.default_rng(2).random((12, 28, 28), np.float32)


def resampled(image: np.ndarray, inverse: np.ndarray, shift: np.ndarray, fill: str) -> np.ndarray:
    """Resample by scipy: (row, column) output -> input about the centre."""
    offset = CENTRE + shift - inverse @ np.array([CENTRE, CENTRE])
    return ndimage.affine_transform(
        image.astype(np.float64), inverse, offset, order=1, mode=MODES[fill]
    )


def applied(text: str, images: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what a corruption made of the images and what it had drawn."""
    corruption = noise.build_noise(text).noises[0]
    params = corruption.sample(len(images), make_generator(7))
    out = corruption.apply(torch.tensor(images), params)
    return out.numpy(), {key: value.numpy() for key, value in params.items()}


@pytest.mark.parametrize("fill", FILLS)
def test_rotation_agrees_with_scipy(fill, images):
    """Rotation reads where the inverse rotation about (13.5, 13.5) points, in every fill mode."""
    out, drawn = applied(f"rotate(degrees=72, fill='{fill}')", images)
    for image, result, angle in zip(images, out, drawn["radians"], strict=True):
        cos, sin = np.cos(angle), np.sin(angle)
        # (row, column): x' = cos x - sin y and y' = sin x + cos y
        expected = resampled(image, np.array([[cos, sin], [-sin, cos]]), np.zeros(2), fill)
        np.testing.assert_allclose(result, expected, atol=2e-5)


def test_positive_rotation_is_counter_clockwise(images):
    """Ninety degrees turn an image as np.rot90 does."""
    out, _ = applied("rotate(degrees=[90, 90])", images)
    np.testing.assert_allclose(out, np.rot90(images, axes=(1, 2)), atol=1e-4)


@pytest.mark.parametrize("fill", FILLS)
def test_translation_agrees_with_scipy(fill, images):
    """A shift of fractional pixels is bilinear, right and down positive."""
    out, drawn = applied(f"translate(pixels=5.6, fill='{fill}')", images)
    for image, result, x, y in zip(images, out, drawn["x"], drawn["y"], strict=True):
        expected = resampled(image, np.eye(2), np.array([-y, -x]), fill)
        np.testing.assert_allclose(result, expected, atol=2e-5)


def test_whole_shifts_move_pixels_unchanged(images):
    """Whole shifts are np.roll with the wrapped part black, and all are equally likely."""
    out, drawn = applied("translate(pixels=2, whole=True)", images)
    for image, result, x, y in zip(images, out, drawn["x"], drawn["y"], strict=True):
        padded = np.pad(image, 2)
        top, left = 2 - int(y), 2 - int(x)
        np.testing.assert_allclose(result, padded[top : top + 28, left : left + 28], atol=1e-5)
    shifts = (
        noise.build_noise("translate(pixels=2, whole=True)")
        .noises[0]
        .sample(5000, make_generator(0))["x"]
    )
    assert torch.bincount(shifts.long() + 2).tolist() == pytest.approx([1000] * 5, rel=0.12)


@pytest.mark.parametrize("fill", FILLS)
def test_zoom_agrees_with_scipy(fill, images):
    """A factor below 1 shrinks: the input is read further apart."""
    out, drawn = applied(f"zoom(factor=[0.6, 1.4], fill='{fill}')", images)
    for image, result, factor in zip(images, out, drawn["factor"], strict=True):
        np.testing.assert_allclose(
            result, resampled(image, np.eye(2) / factor, np.zeros(2), fill), atol=2e-5
        )


def test_shear_agrees_with_scipy(images):
    """Rows above the centre move right for a positive slope."""
    out, drawn = applied("shear(slope=0.5)", images)
    for image, result, slope in zip(images, out, drawn["slope"], strict=True):
        expected = resampled(image, np.array([[1, 0], [slope, 1]]), np.zeros(2), "constant")
        np.testing.assert_allclose(result, expected, atol=2e-5)
    bar = np.zeros((1, 28, 28), np.float32)
    bar[0, :, 13:15] = 1
    slanted, _ = applied("shear(slope=[0.5, 0.5])", bar)
    assert slanted[0, 3].argmax() > slanted[0, 24].argmax()


def keras_matrix(theta, tx, ty, shear, zx, zy):
    """Return R.T.S.Z in (row, column) order, as apply_affine_transform composes it."""
    rotation = np.array(
        [[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]]
    )
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    slant = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    scale = np.diag([zx, zy, 1])
    return rotation @ shift @ slant @ scale


def test_affine_agrees_with_the_keras_composition(images):
    """One inverse map, rows before columns, independent zooms, order 1, fill nearest."""
    out, d = applied("affine(degrees=40, shift=0.2, shear=20, zoom=0.3)", images)
    for i, image in enumerate(images):
        matrix = keras_matrix(
            d["theta"][i], 28 * d["down"][i], 28 * d["right"][i], d["shear"][i],
            d["zoom_down"][i], d["zoom_right"][i],
        )  # fmt: skip
        expected = resampled(image, matrix[:2, :2], matrix[:2, 2], "nearest")
        np.testing.assert_allclose(out[i], expected, atol=3e-5)
    assert not np.allclose(d["zoom_down"], d["zoom_right"])


def test_affine_draws_to_both_sides():
    """Every range but those of the zooms lies evenly about 0, those about 1."""
    text = "affine(degrees=40, shift=0.2, shear=20, zoom=0.3)"
    drawn = noise.build_noise(text).noises[0].sample(20_000, make_generator(0))
    ranges = {"theta": np.radians(40), "down": 0.2, "right": 0.2, "shear": np.radians(20)}
    middles = dict.fromkeys(ranges, 0.0)
    for zoom in ("zoom_down", "zoom_right"):
        ranges[zoom], middles[zoom] = 0.3, 1.0
    assert set(drawn) == set(ranges)
    for name, widest in ranges.items():
        values = (drawn[name].numpy() - middles[name]) / widest
        assert abs(values.mean()) < 0.02
        assert (values.min(), values.max()) == pytest.approx((-1, 1), abs=0.01)


def test_bends_are_added_to_where_affine_and_elastic_read(images):
    """Both read at their map's place plus the field's, in pixels; affine without a map likewise."""
    straight = "affine(degrees=0, bend=2, fill='constant')"
    place = np.mgrid[:28, :28].astype(np.float64)
    for text in ("elastic(pixels=2)", straight):
        out, drawn = applied(text, images)
        for image, result, offsets in zip(images, out, drawn["offsets"], strict=True):
            where = place + offsets[::-1]  # (x, y) is (column, row)
            expected = ndimage.map_coordinates(image, where, order=1, mode="grid-constant")
            np.testing.assert_allclose(result, expected, atol=3e-5)
    turned, drawn = applied("affine(degrees=30, bend=2, fill='constant')", images)
    for image, result, angle, offsets in zip(
        images, turned, drawn["theta"], drawn["offsets"], strict=True
    ):
        matrix = keras_matrix(angle, 0, 0, 0, 1, 1)[:2, :2]
        where = np.einsum("ij,jrc->irc", matrix, place - CENTRE) + CENTRE + offsets[::-1]
        expected = ndimage.map_coordinates(image, where, order=1, mode="grid-constant")
        np.testing.assert_allclose(result, expected, atol=3e-5)


def keys(distance, a=-0.75):
    """Return the weights of Keys' cubic convolution (1981), with the slope that torch takes."""
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def test_bicubic_is_cubic_convolution_cut_off_to_the_range_and_sharper(images):
    """It reads 4x4 pixels by Keys' weights; what overshoots is cut off."""
    out, drawn = applied(
        "affine(degrees=0, shift=0.1, fill='constant', interpolation='bicubic')", images
    )
    place = np.arange(28)
    for image, result, down, right in zip(images, out, drawn["down"], drawn["right"], strict=True):
        rows, columns = (keys(place[:, None] + 28 * s - place[None]) for s in (down, right))
        expected = np.clip(rows @ image @ columns.T, 0, 1)
        np.testing.assert_allclose(result, expected, atol=1e-4)
    soft, _ = applied("affine(degrees=0, shift=0.1, fill='constant')", images)
    assert 1.1 * np.diff(soft).std() < np.diff(out).std() < np.diff(images).std()


def test_noisy_mnist_is_four_steps_in_order(images):
    """The preset equals rotation, shift, zoom-out by 1.2 and brightness, one after the other."""
    chain = noise.build_noise("noisy-mnist")
    params = chain.sample(len(images), make_generator(3))
    out = chain.apply(torch.tensor(images), params).numpy()
    turn, shift, _, light = ({k: v.numpy() for k, v in p.items()} for p in params)
    for i, image in enumerate(images):
        cos, sin = np.cos(turn["radians"][i]), np.sin(turn["radians"][i])
        step = resampled(image, np.array([[cos, sin], [-sin, cos]]), np.zeros(2), "reflect")
        step = resampled(step, np.eye(2), -np.array([shift["y"][i], shift["x"][i]]), "reflect")
        step = resampled(step, 1.2 * np.eye(2), np.zeros(2), "reflect")
        np.testing.assert_allclose(out[i], np.clip(step + light["delta"][i], 0, 1), atol=5e-5)
    limits = [np.abs(turn["radians"]).max(), np.abs(shift["x"]).max(), np.abs(light["delta"]).max()]
    assert (np.array(limits) <= [np.radians(72), 5.6, 0.2]).all()


def test_noisy_mnist_has_the_published_moments(mnist_folder):
    """Per-class mean and standard deviation agree with the published noisy train images."""
    from inkfast import data

    train = data.load("mnist").train
    copy = noise.noisy(train, noise.build_noise("noisy-mnist"), 0)
    published_mean = [0.174, 0.101, 0.157, 0.151, 0.133, 0.142, 0.145, 0.133, 0.157, 0.134]
    published_std = [.266, .185, .248, .241, .221, .228, .236, .223, .246, .223]  # fmt: skip
    pixels = [copy.images[copy.labels == digit] / 255 for digit in range(10)]
    np.testing.assert_allclose([p.mean() for p in pixels], published_mean, atol=0.003)
    np.testing.assert_allclose([p.std() for p in pixels], published_std, atol=0.002)


@pytest.mark.parametrize("fill", FILLS)
def test_blur_agrees_with_scipy(fill, images):
    """The kernel is scipy's Gaussian, cut off at four sigma."""
    out, _ = applied(f"blur(sigma=1.25, fill='{fill}')", images)
    mode = {"constant": "constant", "nearest": "nearest", "reflect": "reflect"}[fill]
    for image, result in zip(images, out, strict=True):
        expected = ndimage.gaussian_filter(image.astype(np.float64), 1.25, mode=mode, truncate=4)
        np.testing.assert_allclose(result, expected, atol=2e-5)


def test_motion_blur_is_a_line_at_its_angle():
    """A dot becomes a line of the given length, counter-clockwise from the horizontal."""
    dot = np.zeros((1, 28, 28), np.float32)
    dot[0, 14, 14] = 1
    flat, _ = applied("motion-blur(length=5, angle=[0, 0])", dot)
    np.testing.assert_allclose(flat[0, 14, 12:17], 0.2, atol=1e-6)
    assert flat.sum() == pytest.approx(1, abs=1e-5)
    risen, _ = applied("motion-blur(length=9, angle=[45, 45])", dot)
    assert risen[0, 12, 16] > 0.05  # up and to the right
    assert risen[0, 16, 16] < 1e-6


def fspecial_motion(length: float, degrees: float) -> np.ndarray:
    """Return the kernel of MATLAB's fspecial('motion') for angles in (0, 90)."""
    half, phi = (length - 1) / 2, np.radians(degrees)
    x, y = np.meshgrid(
        np.arange(int(half * np.cos(phi) + 1) + 1), np.arange(int(half * np.sin(phi) + 1) + 1)
    )
    distance = y * np.cos(phi) - x * np.sin(phi)
    last = (np.hypot(x, y) >= half) & (np.abs(distance) <= 1)
    beyond = half - np.abs((x + distance * np.sin(phi)) / np.cos(phi))
    distance = np.where(last, np.hypot(distance, beyond), distance)
    quarter = np.clip(1 - np.abs(distance), 0, None)
    rows, columns = quarter.shape
    kernel = np.zeros((2 * rows - 1, 2 * columns - 1))
    kernel[:rows, :columns] = quarter[::-1, ::-1]
    kernel[rows - 1 :, columns - 1 :] = quarter
    return kernel[::-1] / kernel.sum()


def test_motion_blur_agrees_with_fspecial():
    """The kernel of n-MNIST, length 5 at 15 degrees, is MATLAB's."""
    dot = np.zeros((1, 28, 28), np.float32)
    dot[0, 14, 14] = 1
    kernel, _ = applied("motion-blur(length=5, angle=[15, 15])", dot)
    np.testing.assert_allclose(kernel[0, 13:16, 12:17], fspecial_motion(5, 15), atol=0.001)


def test_contrast_brightness_and_gain_are_their_formulas(images):
    """Grey values follow the closed forms."""
    light, drawn = applied("brightness(delta=0.4)", images)
    np.testing.assert_allclose(
        light, np.clip(images + drawn["delta"][:, None, None], 0, 1), atol=1e-6
    )
    gain, drawn = applied("gain(factor=[0.5, 2])", images)
    np.testing.assert_allclose(
        gain, np.clip(images * drawn["factor"][:, None, None], 0, 1), atol=1e-6
    )
    flat, _ = applied("contrast(factor=0.25, pivot=0.6)", images)
    np.testing.assert_allclose(flat, 0.6 + (images - 0.6) * 0.25, atol=1e-6)


def test_gaussian_has_its_sigma():
    """The added noise is normal with the stated standard deviation."""
    grey = np.full((200, 28, 28), 0.5, np.float32)
    out, _ = applied("gaussian(sigma=0.1)", grey)
    added = (out - grey).ravel()
    assert added.std() == pytest.approx(0.1, rel=0.01)
    assert stats.kstest(added[:5000] / 0.1, "norm").pvalue > 0.001


def test_shot_is_poisson():
    """Counts have the Poisson distribution of the pixel, checked against scipy."""
    grey = np.full((300, 28, 28), 0.4, np.float32)
    out, _ = applied("shot(photons=12)", grey)
    counts = np.bincount(np.rint(out.ravel() * 12).astype(int), minlength=13)[:13]
    expected = stats.poisson.pmf(np.arange(13), 4.8) * grey.size
    expected[12] += stats.poisson.sf(12, 4.8) * grey.size  # clipped at full white
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 0.001


def test_impulse_hits_its_share_in_equal_parts():
    """Salt and pepper each take half of the stated amount."""
    grey = np.full((300, 28, 28), 0.5, np.float32)
    out, _ = applied("impulse(amount=0.3)", grey)
    assert (out == 1).mean() == pytest.approx(0.15, abs=0.005)
    assert (out == 0).mean() == pytest.approx(0.15, abs=0.005)


def test_erase_takes_its_area_in_one_rectangle():
    """The erased share is the area asked for, in one block inside the image."""
    white = np.ones((300, 28, 28), np.float32)
    out, _ = applied("erase(area=0.2)", white)
    assert (out == 0).mean() == pytest.approx(0.2, abs=0.006)
    for image in out[:20] == 0:
        rows, columns = np.nonzero(image)
        assert image.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_elastic_moves_by_its_root_mean_square():
    """The displacement field has the stated size and is smooth."""
    corruption = noise.build_noise("elastic(pixels=1.5, smoothness=4)").noises[0]
    field = corruption.sample(2000, make_generator(0))["offsets"]
    assert float(field.square().mean().sqrt()) == pytest.approx(1.5, rel=0.03)
    step = (field[..., 1:] - field[..., :-1]).square().mean().sqrt()
    assert float(step) < 0.3 * 1.5


def test_glass_blur_is_the_published_loop(images):
    """Blur, a swap with a neighbour at half of the visits, from the last pixel on, blur."""
    out, drawn = applied("glass-blur(sigma=0.9, delta=2, iterations=2, blur='vertical')", images)
    visits = [(h, w) for h in range(26, 2, -1) for w in range(26, 2, -1)] * 2
    for image, result, moves in zip(images, out, drawn["moves"], strict=True):
        x = ndimage.gaussian_filter1d(image, 0.9, axis=0, mode="nearest")
        for (h, w), move in zip(visits, moves.tolist(), strict=True):
            there = divmod(h * 28 + w + move, 28)
            assert -2 <= there[0] - h < 2
            assert -2 <= there[1] - w < 2
            x[h, w], x[there] = x[there], x[h, w]
        expected = ndimage.gaussian_filter1d(x, 0.9, axis=0, mode="nearest")
        np.testing.assert_allclose(result, expected, atol=1e-5)
    assert np.mean(drawn["moves"] == 0) == pytest.approx(0.5 + 0.5 / 16, abs=0.02)
    both, _ = applied("glass-blur(sigma=0.9, delta=0)", images)
    twice = ndimage.gaussian_filter(images, (0, 0.9, 0.9), mode="nearest")
    twice = ndimage.gaussian_filter(twice, (0, 0.9, 0.9), mode="nearest")
    np.testing.assert_allclose(both, twice, atol=1e-5)


def test_streak_follows_a_ray_with_half_a_gaussian(images):
    """Each pixel is the weighted mean of pixels along the ray, the edge repeated."""
    out, drawn = applied("streak(radius=4, sigma=2)", images)
    weights = np.exp(-0.5 * (np.arange(9) / 2) ** 2)
    for image, result, angle in zip(images, out, drawn["radians"], strict=True):
        expected = np.zeros((28, 28))
        for length, weight in enumerate(weights / weights.sum()):
            row = np.arange(28) + int(np.ceil(length * np.sin(angle) - 0.5))
            column = np.arange(28) + int(np.ceil(length * np.cos(angle) - 0.5))
            expected += weight * image[np.clip(row, 0, 27)][:, np.clip(column, 0, 27)]
        np.testing.assert_allclose(result, expected, atol=1e-5)
    assert np.abs(drawn["radians"]).max() <= np.radians(45)


def test_stripe_inverts_the_sides(images):
    """Columns 0 to 6 and 21 to 27 are negatives; those between stay."""
    out, _ = applied("stripe(width=7)", images)
    np.testing.assert_allclose(out[:, :, 7:21], images[:, :, 7:21])
    np.testing.assert_allclose(out[:, :, :7], 1 - images[:, :, :7])
    np.testing.assert_allclose(out[:, :, 21:], 1 - images[:, :, 21:])


def test_fog_is_scaled_back_to_the_brightest_pixel(images):
    """The clouds are added in units of full white, and the sum scaled."""
    out, drawn = applied("fog(amount=2, size=32)", images)
    top = images.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(out, (images + 2 * drawn["fog"]) * top / (top + 2), atol=1e-6)


@pytest.mark.parametrize("decay", [1.4, 2.0])
def test_the_roughness_of_fog_decays_with_scale(decay):
    """A midpoint strays from its corners' mean by decay^2 less at half the distance."""
    drawn = (
        noise.build_noise(f"fog(decay={decay}, size=32)")
        .noises[0]
        .sample(300, make_generator(0))["fog"]
    )

    def strays(step: int) -> float:
        corners = drawn[:, ::step, ::step]
        inner = drawn[:, step // 2 :: step, step // 2 :: step]
        mean = (corners[:, :-1] + corners[:, 1:]) / 2
        mean = (mean[:, :, :-1] + mean[:, :, 1:]) / 2
        far = inner[:, : mean.shape[1], : mean.shape[2]] - mean
        assert abs(float(far.mean())) < 0.01
        return float(far.std())

    assert strays(8) / strays(4) == pytest.approx(decay**2, rel=0.05)
    assert strays(4) / strays(2) == pytest.approx(decay**2, rel=0.05)
    assert float(drawn.min()) >= 0
    assert float(drawn.max()) <= 1


def test_edge_midpoints_of_fog_have_four_neighbours():
    """They stray as far from the mean of their neighbours as midpoints of squares do."""
    drawn = (
        noise.build_noise("fog(decay=2, size=32)").noises[0].sample(300, make_generator(1))["fog"]
    ).numpy()

    def strays(half: int, top: int, left: int, offsets: list[tuple[int, int]]) -> float:
        moved = [np.roll(drawn, (-half * y, -half * x), (1, 2)) for y, x in offsets]
        away = (drawn - np.mean(moved, axis=0))[:, half:-half, half:-half]
        rows = np.arange(half, 28 - half) % (2 * half) == half * top
        columns = np.arange(half, 28 - half) % (2 * half) == half * left
        return float(away[:, rows][:, :, columns].std())

    beside, diagonal = [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    for half in (2, 4):
        middle = strays(half, 1, 1, diagonal)
        assert strays(half, 0, 1, beside) == pytest.approx(middle, rel=0.05)
        assert strays(half, 1, 0, beside) == pytest.approx(middle, rel=0.05)


def test_spatter_covers_what_is_high(images):
    """Mud lies where the smoothed field is above the threshold, blurred and cut at 0.8."""
    out, drawn = applied("spatter(level=0.7)", images)
    for image, result, drops in zip(images, out, drawn["field"], strict=True):
        field = ndimage.gaussian_filter(0.7 + 0.3 * drops, 1, mode="nearest")
        mud = ndimage.gaussian_filter((field > 0.65).astype(float), 1.5, mode="nearest")
        mud[mud < 0.8] = 0
        expected = image * (1 - mud) + 63 / 255 * mud
        assert np.mean(np.abs(result - expected) < 1e-5) > 0.999  # a pixel may lie on the edge
        assert 0.05 < np.mean(mud > 0) < 0.95


def line_at(x: float, y: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return how bright a stroke is at one pixel."""
    if not np.floor(start[0]) <= x < np.ceil(end[0]):
        return 0.0
    slope = (end[1] - start[1]) / (end[0] - start[0])
    distance = abs(y - (start[1] + slope * (x - start[0])))
    return max(0.0, 1 + np.log(1 - distance / 2.3)) if distance < 2.3 else 0.0


def test_dotted_line_runs_from_edge_to_edge(images):
    """Two columns of a straight line are left out, two are drawn."""
    out, drawn = applied("dotted-line(opacity=0.5)", images)
    for image, result, (left, right) in zip(images, out, drawn["rows"].tolist(), strict=True):
        expected = [
            [line_at(x, y, (0, left), (27, right)) * (x // 2 % 2) for x in range(28)]
            for y in range(28)
        ]
        np.testing.assert_allclose(
            result, np.clip(image + 0.5 * np.array(expected), 0, 1), atol=1e-5
        )


def test_zigzag_has_its_corners(images):
    """Six corners 4 pixels apart, 2 pixels to either side of a nearly level line."""
    out, drawn = applied("zigzag(opacity=1)", np.zeros_like(images))
    for result, row, fall in zip(out, drawn["row"], drawn["fall"], strict=True):
        length = np.hypot(23, fall)
        turn = np.array([[23, -fall], [fall, 23]]) / length
        ends = [(0, 0), (2, 2), (6, -2), (10, 2), (14, -2), (18, 2), (22, -2)]
        ends = [*ends, (length, -2 / (2 * (length - 20)))]
        corners = [turn @ end + (2, row) for end in np.array(ends)]
        expected = [
            [sum(line_at(x, y, a, b) for a, b in pairwise(corners)) for x in range(28)]
            for y in range(28)
        ]
        np.testing.assert_allclose(result, np.clip(expected, 0, 1), atol=1e-4)


def test_zigzag_lies_where_the_source_puts_it():
    """The left end in rows 0 to 26, the right end from 5 rows higher to 4 lower, and none else."""
    drawn = noise.build_noise("zigzag").noises[0].sample(5000, make_generator(3))
    assert sorted(set(drawn["row"].tolist())) == list(range(27))
    assert sorted(set(drawn["fall"].tolist())) == list(range(-5, 5))


def test_canny_agrees_with_scikit_image():
    """Not a pixel differs from `skimage.feature.canny`, at other settings neither."""
    from skimage import feature

    field = np.random.default_rng(0).random((60, 7, 7))
    smooth = np.clip(ndimage.zoom(field, (1, 4, 4), order=3), 0, 1).astype(np.float32)
    for sigma, low, high in ((1.0, 0.1, 0.2), (1.7, 0.2, 0.4)):
        out, _ = applied(f"canny(sigma={sigma}, low={low}, high={high})", smooth)
        for image, result in zip(smooth, out, strict=True):
            expected = feature.canny(image, sigma, low, high)
            assert expected.any()
            np.testing.assert_array_equal(result, expected)
    half, _ = applied("canny(amount=0.5)", smooth)
    whole, _ = applied("canny(amount=1)", smooth)
    np.testing.assert_allclose(half, (smooth + whole) / 2, atol=1e-6)


def test_extremes_are_both_ends_and_nothing_else():
    """With `extremes` a sign is drawn and the size is exact."""
    for text, key, size in (
        ("rotate(degrees=90, extremes=True)", "radians", np.pi / 2),
        ("translate(pixels=3, extremes=True)", "x", 3),
        ("shear(slope=0.4, extremes=True)", "slope", 0.4),
    ):
        drawn = noise.build_noise(text).noises[0].sample(2000, make_generator(0))[key].numpy()
        np.testing.assert_allclose(np.abs(drawn), size, rtol=1e-6)
        assert np.mean(drawn > 0) == pytest.approx(0.5, abs=0.04)
    whole = noise.build_noise("translate(pixels=2.7, whole=True, extremes=True)").noises[0]
    assert set(whole.sample(50, make_generator(0))["x"].tolist()) == {-2.0, 2.0}


def test_shear_can_make_taller(images):
    """A stretch reads rows closer together, about the centre."""
    out, drawn = applied("shear(slope=0.5, stretch=1.25)", images)
    for image, result, slope in zip(images, out, drawn["slope"], strict=True):
        expected = resampled(image, np.array([[0.8, 0], [slope, 1]]), np.zeros(2), "constant")
        np.testing.assert_allclose(result, expected, atol=2e-5)


def test_one_of_gives_each_image_one_chain(images):
    """Every image is what one of the chains, with what was drawn for it, makes of it."""
    many = np.tile(images, (50, 1, 1))
    out, drawn = applied("one-of(chains=['stripe', 'brightness(delta=[.2, .2]) + stripe'])", many)
    bright = np.clip(many + 0.2, 0, 1)
    for chosen, before in ((0, many), (1, bright)):
        rows = drawn["chosen"] == chosen
        assert rows.mean() == pytest.approx(0.5, abs=0.1)
        expected, _ = applied("stripe(width=7)", before[rows])
        np.testing.assert_allclose(out[rows], expected, atol=1e-6)
    some, drawn = applied("one-of(chains=['gaussian(sigma=.3)', 'none'], share=0.5)", many)
    still = np.all(some == many, axis=(1, 2))
    assert still.mean() == pytest.approx(0.75, abs=0.06)  # spared, or met by `none`
    assert np.mean(drawn["chosen"] == -1) == pytest.approx(0.5, abs=0.07)


def test_every_corruption_has_a_reference_here():
    """A new corruption must bring its independent check."""
    source = Path(__file__).read_text(encoding="utf-8")
    missing = [cls.name for cls in NOISES if f'"{cls.name}(' not in source]
    assert not missing
