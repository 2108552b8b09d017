"""A reader answers or says why it is unsure; the shipped one tells digits from other images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from inkfast.core.errors import InkfastError
from inkfast.inference.reader import NOT_A_DIGIT, SHIPPED_FOLDER, Reader, shipped_names
from inkfast.synthetic.handwriting import make_handwriting
from tests.inference.makers import classifier
from tests.inference.non_digits import KINDS, make


@pytest.fixture(scope="module")
def shipped() -> Reader:
    return Reader.open(threads=1)


@pytest.fixture
def model(tmp_path):
    """Return a function that writes a small classifier with the given metadata: its path."""

    def write_model(**metadata: object) -> str:
        made = classifier()
        entry = made.metadata_props.add()
        entry.key, entry.value = "inkfast", json.dumps(metadata)
        path = tmp_path / "small.onnx"
        path.write_bytes(made.SerializeToString())
        return str(path)

    return write_model


def bright(tenth: int, value: int, also: int = 0, second: int = 0) -> np.ndarray:
    """Return an image that the small classifier reads as `tenth`; brighter pixels make it surer."""
    image = np.zeros(784, np.uint8)
    places = np.arange(784) * 10 // 784
    image[places == tenth] = value
    image[places == also] = np.maximum(image[places == also], second)
    return image.reshape(1, 28, 28)


def test_a_prediction_has_a_runner_up(model):
    """A prediction holds the two likeliest digits and their probabilities."""
    (answer,) = Reader.open(model(threshold=0.5)).predict(bright(7, 200, 3, 195))
    assert (answer.digit, answer.runner_up) == (7, 3)
    assert answer.confidence > answer.runner_up_confidence > 0.001
    assert answer.unsure == ""


def test_a_confidence_equal_to_the_threshold_is_enough(model):
    """A confidence equal to the threshold is sure; one just below it is unsure."""
    reader = Reader.open(model(threshold=0.5))
    (answer,) = reader.predict(bright(7, 200, 3, 195))
    assert (
        Reader(reader.classifier, answer.confidence).predict(bright(7, 200, 3, 195))[0].unsure == ""
    )
    above = float(np.nextafter(answer.confidence, 1))
    assert Reader(reader.classifier, above).predict(bright(7, 200, 3, 195))[0].unsure != ""


def test_it_says_why_it_is_unsure(model):
    """Between two digits both are named; if no two digits are likely, it is not a digit."""
    reader = Reader.open(model(threshold=0.95))
    (between,) = reader.predict(bright(7, 200, 3, 199))
    assert between.unsure == "it may be 7 or 3"
    (none,) = reader.predict(np.zeros((1, 28, 28), np.uint8))
    assert none.unsure == NOT_A_DIGIT == "this does not look like a digit"
    strict = Reader(reader.classifier, threshold=0.9999)
    assert strict.predict(bright(7, 200, 3, 199))[0].unsure == "it may be 7 or 3"


def test_a_model_without_a_guarantee_never_answers(model):
    """However confident it is, the reason is the missing guarantee and not the image."""
    (sure,) = Reader.open(model(threshold=2)).predict(bright(7, 255))
    assert sure.confidence > 0.9
    assert sure.unsure == "no error rate could be guaranteed for this network"


def test_a_stricter_guarantee_needs_more_confidence(model):
    """Of the guarantees in the file, the loosest that is strict enough is taken."""
    path = model(threshold=0.5, promises=[[0.001, 2], [0.005, 0.9], [0.01, 0.8], [0.02, 0.3]])
    assert Reader.open(path).threshold == 0.5
    assert Reader.open(path, max_error=0.01).threshold == 0.8
    assert Reader.open(path, max_error=0.019).threshold == 0.8
    assert Reader.open(path, max_error=0.02).threshold == 0.5
    with pytest.raises(
        InkfastError, match=r"does not guarantee max_error=0\.002; it guarantees 0\.005"
    ):
        Reader.open(path, max_error=0.002)
    assert Reader.open(model(threshold=0.0)).threshold == 0.5


def test_only_an_own_model_can_be_exported_again(model):
    """For a shipped reader the message lists its guarantees, without advice on exporting it."""
    with pytest.raises(
        InkfastError, match=r"it guarantees [\d., ]+\. Ask for one of these, or more\.$"
    ):
        Reader.open(max_error=0.0001)
    with pytest.raises(InkfastError, match=r"guarantees nothing\. .* is exported, by --max"):
        Reader.open(model(threshold=2.0, promises=[[0.01, 2]]), max_error=0.01)


def test_a_model_without_metadata_always_answers(model):
    """A classifier of another maker has no threshold; asked for a guarantee, it is refused."""
    assert Reader.open(model()).threshold == 0
    with pytest.raises(InkfastError, match="it guarantees nothing"):
        Reader.open(model(), max_error=0.01)
    for promises in ([1], [[0.01, 10**400]]):
        with pytest.raises(InkfastError, match="expected pairs of numbers as its `promises`"):
            Reader.open(model(promises=promises), max_error=0.01)


def test_an_unknown_name_lists_what_is_shipped():
    """The message suggests the nearest name."""
    with pytest.raises(InkfastError, match=r"unknown shipped network 'raeder'.*Did you mean"):
        Reader.open("raeder")


def test_a_tampered_weight_file_is_refused(tmp_path):
    """A file with one changed byte no longer has the SHA-256 beside it."""
    content = bytearray((SHIPPED_FOLDER / "reader.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "reader.onnx").write_bytes(content)
    (tmp_path / "reader.json").write_bytes((SHIPPED_FOLDER / "reader.json").read_bytes())
    with pytest.raises(InkfastError, match="was changed or damaged"):
        Reader.open(str(tmp_path / "reader.onnx"))


def test_shipped_networks_are_small_and_carry_metadata():
    """Each file has at most 1.5 MB, and the JSON beside it repeats its metadata."""
    assert "reader" in shipped_names()
    for name in shipped_names():
        path = SHIPPED_FOLDER / f"{name}.onnx"
        assert path.stat().st_size <= 1_500_000
        beside = json.loads(path.with_suffix(".json").read_text())
        metadata = Reader.open(name).classifier.metadata.values
        assert {key: beside[key] for key in metadata} == metadata
        assert {"recipe", "digits", "temperature", "calibration_digits", "threshold"} <= set(
            metadata
        )


def test_the_shipped_reader_reads(shipped):
    """It reads synthetic handwriting of a seed it was not trained on."""
    digits = make_handwriting(500, seed=99)
    answers = shipped.predict(digits.images)
    right = [a.digit == label for a, label in zip(answers, digits.labels, strict=True)]
    assert np.mean(right) > 0.95
    assert sum(not a.unsure for a in answers) > 400


@pytest.mark.parametrize("kind", KINDS)
def test_non_digits_are_told_from_digits(shipped, kind):
    """Confidence alone separates each kind, made by other code than the training's outliers."""
    digits = make_handwriting(300, seed=98).images
    others = make(kind, 300, digits)
    sure = shipped.classifier.probabilities(np.concatenate([digits, others])).max(axis=1)
    assert roc_auc_score(np.arange(600) < 300, sure) > 0.95
