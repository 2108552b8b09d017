"""Arrays, words and the `Digits` type itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from inkfast import data
from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError
from inkfast.core.splits import stratified_group_split, stratified_split


def saved(tmp_path, **arrays):
    path = tmp_path / "digits.npz"
    np.savez(path, **arrays)
    return data.load(str(path))


IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
LABELS = np.arange(12) % 10


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("data", "target")])
def test_named_arrays(tmp_path, names):
    """Images and labels are found under their usual names."""
    digits = saved(tmp_path, **{names[0]: IMAGES, names[1]: LABELS.astype(np.uint8)}).train
    np.testing.assert_array_equal(digits.images, IMAGES)
    np.testing.assert_array_equal(digits.labels, LABELS)


def test_keras_layout(tmp_path):
    """x_train, y_train, x_test and y_test give both parts."""
    source = saved(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:4], y_test=LABELS[:4])
    assert (len(source.train), len(source.test)) == (12, 4)


@pytest.mark.parametrize("form", [
    IMAGES.reshape(12, 784), IMAGES / 255, IMAGES.astype(np.float32), IMAGES.astype(np.int32),
])  # fmt: skip
def test_forms_of_pixels(tmp_path, form):
    """Flat, unit-scaled, float and wide integer pixels become the same uint8."""
    np.testing.assert_array_equal(saved(tmp_path, images=form).train.images, IMAGES)


def test_a_word_stays_a_word_where_a_folder_has_its_name(tmp_path, monkeypatch):
    """Asked for again from anywhere, `mnist` is not the folder that its files may lie in."""
    (tmp_path / "mnist").mkdir()
    (tmp_path / "scans").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data.asked_again("mnist", "mnist") == "mnist"
    assert data.asked_again("auto", "embedded") == "embedded"
    assert data.asked_again("scans", "scans") == str(tmp_path / "scans")


def test_npy_is_images_alone(tmp_path):
    """A .npy file gives unlabelled digits."""
    np.save(tmp_path / "a.npy", IMAGES)
    assert data.load(str(tmp_path / "a.npy")).train.labels is None


@pytest.mark.parametrize(("arrays", "message"), [
    ({"pictures": IMAGES}, "expected arrays named images and labels"),
    ({"images": IMAGES[:, :20]}, r"must have shape \(n, 28, 28\) or \(n, 784\), got \(12, 20, 28\)"),
    ({"images": np.full((2, 784), np.nan)}, "without NaN"),
    ({"images": np.full((2, 784), 256)}, "pixels must be 0 to 255"),
    ({"images": np.full((2, 784), -0.1)}, "pixels must be 0 to 255"),
    ({"images": IMAGES / 254.5}, r"floats must be in \[0, 1\], or whole numbers to 255; got up to"),
    ({"images": IMAGES, "labels": LABELS[:5]}, r"labels must be int64 of shape \(12,\)"),
    ({"images": IMAGES, "labels": LABELS + 1}, "labels must be 0 to 9, got 10 in row 10"),
    ({"images": IMAGES, "labels": LABELS.astype(str)}, "labels must be whole numbers"),
    ({"images": np.zeros((0, 28, 28), np.uint8)}, "must have shape|at least one image"),
    ({"images": np.array([{"a": 1}], dtype=object)}, "or holds pickled objects"),
])  # fmt: skip
def test_bad_arrays_are_explained(tmp_path, arrays, message):
    """Every wrong shape, type and value is named; pickles are never opened."""
    with pytest.raises(ValueError, match=message):
        saved(tmp_path, **arrays)


def test_damaged_and_foreign_files(tmp_path):
    """A damaged archive, an unknown suffix and a missing file are told apart."""
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(ValueError, match=r"a\.npz cannot be read: it is damaged"):
        data.load(str(tmp_path / "a.npz"))
    (tmp_path / "a.txt").write_text("7")
    with pytest.raises(ValueError, match=r"expected a \.csv, \.npz or \.npy file"):
        data.load(str(tmp_path / "a.txt"))
    with pytest.raises(ValueError, match="there is no such file or folder"):
        data.load(str(tmp_path / "b.csv"))
    with pytest.raises(ValueError, match="unknown data source 'mnits'. Did you mean 'mnist'"):
        data.load("mnits")


def test_embedded_digits_are_real_and_framed():
    """1,797 scans, all classes, each in a box of about 20 pixels around the centre of mass."""
    digits = data.load("embedded").train
    assert len(digits) == 1797
    assert np.bincount(digits.labels).min() == 174
    mass = digits.images.astype(float)
    rows = (mass.sum(axis=2) * np.arange(28)).sum(axis=1) / mass.sum(axis=(1, 2))
    assert np.abs(rows - 13.5).max() < 1
    assert digits.images.max(axis=(1, 2)).min() > 200


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([[0]], None, r"n: images must be a NumPy array, got \[\[0\]\]"),
        (None, None, "n: images must be a NumPy array, got None"),
        (IMAGES, [1] * 12, r"n: labels must be a NumPy array, got \[1, 1"),
    ],
)
def test_what_is_no_array_is_explained(images, labels, message):
    """Lists are not turned into arrays: their type would be a guess."""
    with pytest.raises(ValueError, match=message):
        Digits(images, labels, "n")


def test_a_fingerprint_is_of_images_and_labels():
    """It changes with a pixel, a label and the order, and not with the name."""
    digits = Digits(IMAGES, LABELS, "a")
    assert digits.fingerprint == Digits(IMAGES.copy(), LABELS, "b").fingerprint
    changed = IMAGES.copy()
    changed[3, 4, 5] ^= 1
    others = [
        Digits(changed, LABELS, "a"),
        Digits(IMAGES, (LABELS + 1) % 10, "a"),
        digits.pick(np.arange(12)[::-1], "a"),
    ]
    assert len({digits.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_pictures_are_told_apart_and_cut_together():
    """Copies have the number of the first; without any the rows are those of a stratified split."""
    images = np.arange(10, dtype=np.uint8)[[3, 1, 3, 4, 1]].repeat(784).reshape(5, 28, 28)
    assert Digits(images, None, "a").groups.tolist() == [0, 1, 0, 3, 1]
    labels = np.repeat(np.arange(10), 30)
    for seed in range(3):
        cut = stratified_group_split(labels, np.arange(300), 0.2, seed)
        for rows, expected in zip(cut, stratified_split(labels, 0.2, seed), strict=True):
            np.testing.assert_array_equal(rows, expected)
    with pytest.raises(ValueError, match="class 0 has 1, .* Copies of a picture were counted once"):
        stratified_group_split(np.array([0, 0, 1, 1]), np.array([0, 0, 2, 3]), 0.5, 0)


def test_stratified_split_keeps_shares_and_is_seeded():
    """Each class gives its share, every row is on one side, the seed decides which."""
    labels = np.repeat(np.arange(10), 30)
    kept, cut = stratified_split(labels, 0.2, 1)
    assert np.bincount(labels[cut]).tolist() == [6] * 10
    assert sorted([*kept, *cut]) == list(range(300))
    assert not np.array_equal(cut, stratified_split(labels, 0.2, 2)[1])
    with pytest.raises(
        ValueError, match="too few digits to cut off 20% .* class 0 has 1, all have 4"
    ):
        stratified_split(np.array([0, 1, 1, 1]), 0.2, 0)


@pytest.mark.parametrize(("counts", "fraction"), [
    ([100, 100, 2], 0.02), ([100, 100, 2], 0.9), ([144] * 3 + [3] + [144] * 6, 0.1),
    ([2, 2, 150], 0.03), ([3, 40, 40], 0.95),
])  # fmt: skip
def test_a_rare_class_is_on_both_sides_of_a_cut(counts, fraction):
    """A share that rounds to no row is one; which row goes over follows from the seed."""
    labels = np.repeat(np.arange(len(counts)), counts)
    cuts = [stratified_split(labels, fraction, seed) for seed in (*range(30), 0)]
    for kept, cut in cuts:
        assert sorted([*kept, *cut]) == list(range(len(labels)))
        for rows in (kept, cut):
            assert sorted(rows) == list(rows)
            assert len(np.unique(labels[rows])) == len(counts)
        assert abs(len(cut) - fraction * len(labels)) < 1 + len(counts)
    np.testing.assert_array_equal(cuts[0][1], cuts[-1][1])
    rare = int(np.argmin(counts))
    moved = {tuple(cut[labels[cut] == rare]) for _, cut in cuts}
    assert len(moved) > 1


@pytest.mark.parametrize(("n", "fraction"), [(30, 0.2), (29, 0.13), (11, 0.3), (500, 0.1)])
def test_a_cut_with_every_class_is_that_of_scikit_learn(n, fraction):
    """Rows that a run was cut into stay where they are, to the bit."""
    labels = np.random.default_rng(n).permutation(np.arange(10).repeat(n))
    found = stratified_split(labels, fraction, 7)
    expected = train_test_split(
        np.arange(len(labels)), test_size=fraction, stratify=labels, random_state=7
    )
    for rows, those in zip(found, expected, strict=True):
        np.testing.assert_array_equal(rows, np.sort(those))


def test_a_cut_that_rounds_up_to_too_many_is_refused():
    """Half of two rows a class can be cut off, and no row more."""
    labels = np.arange(20) % 10
    assert [len(rows) for rows in stratified_split(labels, 0.5, 0)] == [10, 10]
    with pytest.raises(InkfastError, match="too few digits to cut off 51%.* class 0 has 2, all"):
        stratified_split(labels, 0.51, 0)
