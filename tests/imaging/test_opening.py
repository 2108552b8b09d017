"""Image files: limits are checked before anything is decoded, large photographs cost little."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from inkfast.core.errors import InkfastError
from inkfast.imaging.opening import open_image, shrink


def content(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def slope(width: int = 60, height: int = 40) -> Image.Image:
    """Return an image that differs in every corner."""
    return Image.fromarray(
        np.add.outer(np.linspace(0, 60, height), np.linspace(0, 180, width)).astype(np.uint8)
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(form, orientation, tmp_path):
    """All eight EXIF orientations are turned upright, in every format that stores them."""
    turns = {
        1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4,  # the inverse of what the tag asks for
    }  # fmt: skip
    upright = slope()
    turn = turns[orientation]
    stored = upright if turn is None else upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "image"
    path.write_bytes(content(stored, form, exif=exif))
    for source in (path, path.read_bytes()):
        found = open_image(source)
        assert found.size == (60, 40)
        assert np.abs(255 * found.grey - np.asarray(upright, float)).max() < 8


def test_large_photographs_are_decoded_small(monkeypatch):
    """A JPEG of 12 million pixels is scaled down by its decoder, not after it."""
    decoded = []
    load = JpegImagePlugin.JpegImageFile.load
    monkeypatch.setattr(
        JpegImagePlugin.JpegImageFile, "load", lambda self: decoded.append(self.size) or load(self)
    )
    found = open_image(content(slope(4000, 3000), "JPEG"), longest=1000)
    assert found.size == (4000, 3000)
    assert found.grey.shape == (750, 1000)
    assert max(decoded) == (1000, 750)
    assert np.abs(255 * found.grey - np.asarray(slope(1000, 750), float)).mean() < 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "L", "1", "P", "I;16", "I", "F"])
def test_every_mode_has_brightness_and_rgb(mode):
    """In every mode, from 1 bit to float, a dark square on white stays one, scaled down too."""
    page = np.full((80, 120), 255, np.uint8)
    page[20:60, 40:80] = 0
    image = Image.fromarray(page)
    image = Image.fromarray(page.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    for longest in (None, 60):
        found = open_image(content(image, "TIFF"), longest)
        grey = found.grey
        middle = grey[grey.shape[0] // 2, grey.shape[1] // 2]
        assert (grey.shape, middle) == ((60, 90), 0) or middle < 0.05
        assert grey[0, 0] > 0.95
        assert found.rgb.getpixel((1, 1)) >= (240, 240, 240)


def header_of(width: int, height: int) -> bytes:
    """Return a PNG file whose header names a size and whose pixels are missing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"


@pytest.mark.parametrize("size", [(50_001, 1_000), (200_000, 200_000)])
def test_too_many_pixels_are_refused_by_the_header(size):
    """The limit is checked before a pixel is decoded: these files have none."""
    with pytest.raises(InkfastError, match="bomb: expected at most 50 million pixels"):
        open_image(header_of(*size), name="bomb")


@pytest.mark.parametrize("form", ["ICO", "TGA", "JPEG2000"])
def test_other_formats_are_refused(form):
    """Only the documented formats reach a decoder."""
    with pytest.raises(InkfastError, match="expected an image, but it cannot be decoded"):
        open_image(content(slope().convert("RGB"), form))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_damaged_files_are_one_line(form):
    """Truncated files and files with changed bytes raise an InkfastError or are read."""
    whole = content(slope(), form)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole[: rng.integers(len(whole)) + 1])
        for place in rng.integers(len(damaged), size=3):
            damaged[place] = rng.integers(256)
        with contextlib.suppress(InkfastError):
            assert open_image(bytes(damaged), 100, "damaged").grey.ndim == 2


def test_pixels_that_are_not_finite_are_refused():
    """An image with NaN pixels is refused."""
    image = Image.fromarray(np.full((30, 30), np.nan, np.float32))
    with pytest.raises(InkfastError, match=r"^a\.tif: .* got NaN or infinity"):
        open_image(content(image, "TIFF"), name="a.tif")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (400, 300)), ((3000, 4000), (300, 400)), ((1210, 404), (400, 134)),
        ((400, 100), (400, 100)), ((1200, 100), (1200, 100)), ((50, 6000), (36, 4381)),
        ((2000, 400), (665, 133)),
    ],
)  # fmt: skip
def test_a_strip_keeps_its_height(size, expected):
    """A strip keeps its height within the pixels of a square; other images scale by the longer side."""
    image = slope(*size)
    found = open_image(content(image), 400, shortest=133)
    assert (found.image.size, found.size) == (expected, size)
    grey = shrink(np.asarray(image, np.float32) / 255, 400, 133)
    assert grey.shape[::-1] == expected
    assert shrink(grey, 400, 133) is grey
    if max(size) <= 3 * min(size):
        assert np.array_equal(found.image, open_image(content(image), 400).image)
