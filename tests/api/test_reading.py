"""Reading from Python: every form of an image, and what is said about the wrong ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import inkfast
from inkfast.experiments.onnx_export import with_metadata
from inkfast.inference.drift import CONFIDENCES, summarize_confidences
from tests.imaging.document_makers import pages_file, patched_tiff
from tests.inference.makers import bars, classifier


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Return a photograph of a seven, dark on light."""
    image = Image.new("L", (120, 120), 230)
    ImageDraw.Draw(image).line([(35, 30), (85, 30), (55, 95)], fill=20, width=9)
    return image


@pytest.fixture(scope="module")
def one() -> np.ndarray:
    """Return a one as networks see it, uint8 28x28."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    return image


def test_each_form_of_an_image_gives_the_same_prediction(photo, tmp_path):
    """Path, text, PIL image and array, grey, colour or float, are one image."""
    path = tmp_path / "seven.png"
    photo.save(path)
    array = np.asarray(photo)
    forms = [
        path, str(path), photo, photo.convert("RGB"), photo.convert("RGBA"), array,
        np.repeat(array[..., None], 3, axis=2), array / 255, (array / 255).astype(np.float32),
    ]  # fmt: skip
    found = [inkfast.predict(form) for form in forms]
    assert all(len(predictions) == 1 for predictions in found)
    assert {predictions[0].digit for predictions in found} == {7}
    first = found[0][0].confidence
    assert all(predictions[0].confidence == pytest.approx(first, abs=1e-3) for predictions in found)
    assert [prediction.digit for prediction in inkfast.predict(forms)] == [7] * len(forms)


def test_pil_images_are_turned_upright(photo):
    """An image's EXIF orientation is followed, as it is in a file."""
    turned = photo.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6  # must be turned by 270 degrees to be upright
    assert inkfast.predict(turned)[0].digit == 7


def test_arrays_of_28_by_28_go_to_the_network_as_they_are(one):
    """One array, a batch, floats and a list give the same predictions in order."""
    (alone,) = inkfast.predict(one)
    assert alone.digit == 1
    for several in (np.stack([one, one]), np.stack([one, one]) / 255, [one, one]):
        assert inkfast.predict(several) == [alone, alone]


def test_a_page_is_read_from_each_form(photo, tmp_path):
    """Path, PIL image and array give the same numbers and boxes."""
    path = tmp_path / "page.png"
    photo.save(path)
    pages = [inkfast.read(form) for form in (path, str(path), photo, np.asarray(photo))]
    assert [page.lines for page in pages] == [[["7"]]] * 4
    assert len({page.numbers[0].box for page in pages}) == 1


def test_a_stricter_guarantee_has_a_higher_threshold(one):
    """`max_error` moves the threshold; a guarantee that the file lacks is refused."""
    reader = inkfast.load_reader("reader", max_error=0.002)
    assert reader.threshold > inkfast.load_reader().threshold
    assert "reader.onnx" in repr(reader)
    assert reader.predict(one)[0].digit == 1
    with pytest.raises(inkfast.InkfastError, match="max_error=1e-06"):
        inkfast.load_reader(max_error=1e-6)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("nowhere.png", "nowhere.png: there is no such file"),
        (7, "images must be a path, a PIL image or a NumPy array, or a list of them, got 7"),
        ([[0, 1]], r"expected an image: a path, a PIL image or a NumPy array, got \[0, 1\]"),
        (np.zeros((28, 28)) - 1, r"uint8, or floats in \[0, 1\] without NaN, got float64 from -1"),
        (np.full((28, 28), np.nan), "without NaN"),
        (np.zeros((28, 28), np.int64), "must be uint8, or floats .* got int64 from 0 to 0"),
        (np.zeros((5, 40, 40, 2), np.uint8), "must be an array of shape .* got shape"),
        (np.zeros((2, 28, 28), str), "got <U1"),
    ],
)
def test_wrong_images_are_explained(images, message):
    """One sentence says what was expected and what was given."""
    with pytest.raises(inkfast.InkfastError, match=message) as error:
        inkfast.predict(images)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("raeder", "unknown shipped network 'raeder'. Did you mean 'reader'"),
        (3, "model must be the name of a network, the path of an ONNX file or a run folder, got 3"),
        ("none.onnx", "none.onnx"),
    ],
)
def test_wrong_models_are_explained(model, message):
    """An unknown network suggests the nearest one."""
    with pytest.raises(inkfast.InkfastError, match=message):
        inkfast.load_reader(model)
    with pytest.raises(inkfast.InkfastError, match="there is no such file"):
        inkfast.read("nowhere.png")
    with pytest.raises(inkfast.InkfastError, match="expected an image"):
        inkfast.read([1, 2])


def test_pages_of_a_document_are_read(photo, tmp_path):
    """A document has a prediction per page; `read` takes one page, `read_pages` all of them."""
    path = tmp_path / "scan.tif"
    path.write_bytes(pages_file([photo, photo.convert("RGB")], "TIFF"))
    expected = inkfast.predict(photo)
    assert inkfast.predict(path) == expected * 2
    large = photo.resize((900, 900)).rotate(12, fillcolor=255)
    (tmp_path / "large.tif").write_bytes(pages_file([large, large], "TIFF"))
    assert inkfast.predict(tmp_path / "large.tif") == inkfast.predict(large) * 2
    with pytest.raises(inkfast.InkfastError, match="pages from 1"):
        inkfast.read(path, page=0)
    with pytest.raises(inkfast.InkfastError, match="expected one image .* document of 2 pages"):
        inkfast.predict([photo, path])
    with pytest.raises(inkfast.InkfastError, match="has 2 pages: choose one with page=1"):
        inkfast.read(path)
    assert inkfast.read(path, page=2).lines == inkfast.read(photo).lines
    reader = inkfast.load_reader()
    assert [page.page for page in reader.read_pages(path)] == [1, 2]
    assert [page.page for page in reader.read_pages(path, pages="2-")] == [2]


def test_a_torn_page_has_its_error(photo, tmp_path):
    """`read_pages` yields a torn page with its error, and then the next one."""
    content = pages_file([photo, photo], "TIFF")
    path = tmp_path / "scan.tif"
    path.write_bytes(patched_tiff(content, 1, 273, len(content) + 99))
    torn, whole = inkfast.load_reader().read_pages(path)
    assert torn.error.startswith(f"{path}, page 1: expected an image")
    assert (torn.page, torn.numbers, whole.error) == (1, (), "")
    with pytest.raises(inkfast.InkfastError, match="page 1: expected an image"):
        inkfast.read(path, page=1)


def test_what_differs_from_the_calibration_is_warned_of_once(one, tmp_path):
    """Images of low confidence give one `UserWarning`, which says that more may be wrong."""
    about = {"promises": [[0.02, 0.4]], "threshold": 0.4}
    about[CONFIDENCES] = summarize_confidences(np.full(500, 0.99))
    path = tmp_path / "bars.onnx"
    path.write_bytes(with_metadata(classifier().SerializeToString(), about))
    reader = inkfast.load_reader(path)
    assert len(reader.predict(bars(100))) == 100
    doubtful = np.maximum(bars(100), bars(101)[1:])
    with pytest.warns(UserWarning, match="more than 2 % of the answers may be wrong") as caught:
        reader.predict(doubtful)
    assert caught[0].filename == __file__
    reader.predict(doubtful)
