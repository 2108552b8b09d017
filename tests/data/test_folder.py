"""Image folders in each format and mode, and faulty ones."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from PIL import Image

from inkfast import data
from inkfast.imaging.centering import center_digit

SUFFIXES = ["png", "jpg", "webp", "bmp", "gif", "tiff"]


@pytest.fixture
def seven() -> np.ndarray:
    """Return a 7, dark on light, 60 wide and 90 high, off centre."""
    page = np.full((90, 60), 255, np.uint8)
    page[10:18, 8:50] = 0
    for i in range(56):
        page[18 + i, 42 - i // 2 : 50 - i // 2] = 0
    return page


def save(folder, image: Image.Image, name: str = "a.png", **options):
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / name, **options)
    return folder.parent


def only(folder) -> np.ndarray:
    return data.load(str(folder)).train.images[0].astype(float)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_formats(tmp_path, seven, suffix):
    """Every format gives the same digit in MNIST's frame: bright, boxed, centred."""
    root = save(tmp_path / "7", Image.fromarray(seven), f"a.{suffix}")
    digits = data.load(str(root)).train
    assert digits.labels.tolist() == [7]
    expected = center_digit(255.0 - seven)
    assert np.abs(digits.images[0].astype(float) - expected).mean() < 3
    rows, _ = np.nonzero(expected > 30)
    assert np.ptp(rows) + 1 == 20
    mass = expected.astype(float)
    centre = (mass * np.arange(28)[:, None]).sum() / mass.sum()
    assert centre == pytest.approx(13.5, abs=0.6)


@pytest.mark.parametrize(
    "mode", ["alpha", "white ink alpha", "palette", "16 bit", "CMYK", "RGB", "bit", "exif"]
)
def test_modes(tmp_path, seven, mode):
    """Transparency, depth, colour space, polarity and EXIF rotation do not change the digit."""
    options = {}
    if mode == "alpha":
        image = Image.fromarray(np.dstack([np.zeros((90, 60, 3), np.uint8), 255 - seven]))
    elif mode == "white ink alpha":
        image = Image.fromarray(np.dstack([np.full((90, 60, 3), 255, np.uint8), 255 - seven]))
    elif mode == "16 bit":
        image = Image.fromarray(seven.astype(np.uint16) * 257)
    elif mode == "CMYK":
        image, options = Image.fromarray(seven).convert("CMYK"), {"name": "a.tiff"}
    elif mode == "exif":
        image = Image.fromarray(np.rot90(seven).copy())
        exif = Image.Exif()
        exif[0x0112] = 6  # shown after a quarter turn clockwise
        options = {"exif": exif}
    else:
        image = Image.fromarray(seven).convert({"palette": "P", "RGB": "RGB", "bit": "1"}[mode])
    root = save(tmp_path / "7", image, **options)
    assert np.abs(only(root) - center_digit(255.0 - seven)).mean() < 3


def test_images_of_28_by_28_are_taken_unchanged(tmp_path):
    """A 28x28 picture with bright ink keeps every pixel."""
    image = np.zeros((28, 28), np.uint8)
    image[4:20, 3:7] = np.arange(64).reshape(16, 4) + 100
    root = save(tmp_path / "1", Image.fromarray(image))
    np.testing.assert_array_equal(only(root), image)


def test_train_and_test_folders(tmp_path, seven):
    """Folders train and test become both parts."""
    save(tmp_path / "train" / "7", Image.fromarray(seven))
    save(tmp_path / "test" / "7", Image.fromarray(seven))
    source = data.load(str(tmp_path))
    assert (len(source.train), len(source.test)) == (1, 1)


def test_what_is_no_picture_folder(tmp_path, seven):
    """Empty folders, foreign class names, damaged and huge images are refused by name."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="got no images"):
        data.load(str(empty))
    with pytest.raises(ValueError, match="got a folder named 'seven'"):
        data.load(str(save(tmp_path / "named" / "seven", Image.fromarray(seven))))
    corrupt = tmp_path / "corrupt" / "3"
    corrupt.mkdir(parents=True)
    buffer = io.BytesIO()
    Image.fromarray(seven).save(buffer, "PNG")
    (corrupt / "b.png").write_bytes(buffer.getvalue()[:60])
    with pytest.raises(ValueError, match=r"b\.png: expected an image, but it cannot be decoded"):
        data.load(str(corrupt.parent))
    huge = save(tmp_path / "huge" / "3", Image.new("1", (8000, 8000)))
    with pytest.raises(ValueError, match="expected at most 50 million pixels"):
        data.load(str(huge))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_among_images_does_not_block(tmp_path, seven):
    """What is no regular file ends the load, and a survey leaves it out."""
    root = save(tmp_path / "all" / "7", Image.fromarray(seven))
    os.mkfifo(root / "7" / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe\.png: expected an image, got no regular file"):
        data.load(str(root))
    found = data.survey(str(root))
    assert (len(found.source.train), len(found.unreadable)) == (1, 1)


def test_a_blank_picture_is_blank():
    """A picture without ink becomes an empty frame, not noise."""
    assert center_digit(np.full((40, 30), 7.0)).max() == 0
