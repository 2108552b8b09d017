"""Sources of digits: NumPy files, names and paths, the embedded digits."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast import data


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


def test_a_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch):
    """`mnist` is the data source even beside a folder `mnist`; a path becomes absolute."""
    (tmp_path / "mnist").mkdir()
    (tmp_path / "scans").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data.resolved_source("mnist", "mnist") == "mnist"
    assert data.resolved_source("auto", "embedded") == "embedded"
    assert data.resolved_source("scans", "scans") == str(tmp_path / "scans")


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
    """A wrong shape, type or value is named; pickles are not opened."""
    with pytest.raises(ValueError, match=message):
        saved(tmp_path, **arrays)


def test_damaged_and_foreign_files(tmp_path):
    """A damaged archive, an unknown suffix and a missing file have different messages."""
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


def test_embedded_digits_are_scans_framed_as_mnist():
    """There are 1,797 digits of all classes, with bright ink and centred by mass."""
    digits = data.load("embedded").train
    assert len(digits) == 1797
    assert np.bincount(digits.labels).min() == 174
    mass = digits.images.astype(float)
    rows = (mass.sum(axis=2) * np.arange(28)).sum(axis=1) / mass.sum(axis=(1, 2))
    assert np.abs(rows - 13.5).max() < 1
    assert digits.images.max(axis=(1, 2)).min() > 200


def test_writers_of_an_npz_file_are_kept(tmp_path):
    """Numbers of writers come with the images; text is refused."""
    path, images = tmp_path / "a.npz", np.zeros((3, 28, 28), np.uint8)
    np.savez(
        path, x_train=images, y_train=np.arange(3), writers_train=np.array([4, 4, 7], np.int16)
    )
    assert data.load(str(path)).train.writers.tolist() == [4, 4, 7]
    np.savez(path, images=images, labels=np.arange(3), writers=np.array(["a", "a", "b"]))
    with pytest.raises(ValueError, match="writers must be whole numbers, got <U1"):
        data.load(str(path))
