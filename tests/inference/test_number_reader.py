"""`NumberReader`: order, confidence, places and reasons, with a network that is made up."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.inference.expectation import Expectation
from inkfast.inference.number_reader import UNKNOWN_SIGN, NumberReader
from inkfast.inference.number_strips import frames_of_width
from inkfast.inference.numbers import ALPHABET
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import NO_GUARANTEE

BLANK = len(ALPHABET)


class MadeUpNetwork:
    """Says of every strip what its first pixel names in a list of texts.

    Characters stand in every fourth frame from the third on; `share` is the probability of each,
    and the rest is that of `rival`.
    """

    name, fingerprint = "made-up.onnx", "0"

    def __init__(self, texts: list[str], share: float = 0.99, rival: str = "7", **metadata) -> None:
        self.texts, self.share, self.rival = texts, share, rival
        self.metadata = ModelMetadata(metadata, self.name)
        self.sizes: list[int] = []

    def log_probabilities(self, strips: np.ndarray) -> np.ndarray:
        self.sizes.append(len(strips))
        frames = frames_of_width(strips.shape[2])
        found = np.full((len(strips), frames, BLANK + 1), 1e-9, np.float32)
        found[:, :, BLANK] = 1
        for row, strip in zip(found, strips, strict=True):
            for place, character in enumerate(self.texts[strip[0, 0]]):
                row[2 + 4 * place] = 1e-9
                row[2 + 4 * place, ALPHABET.index(character)] = self.share
                row[2 + 4 * place, ALPHABET.index(self.rival)] += 1 - self.share
        return np.log(found)


def strip(number: int, width: int = 100) -> np.ndarray:
    return np.full((40, width), number, np.uint8)


def test_readings_come_in_the_order_of_the_strips():
    """Strips of one width are read together, and readings keep the order that was given."""
    network = MadeUpNetwork(["12", "3.5", "-40", ""], share=0.999)
    strips = [strip(0), strip(1, 130), strip(2), strip(3, 130), strip(0, 90)]
    readings = NumberReader(network, 0.5).read(strips)
    assert [reading.text for reading in readings] == ["12", "3.5", "-40", "", "12"]
    assert sorted(network.sizes) == [1, 2, 2]
    assert NumberReader(network, 0.5).read([]) == []


def test_a_strip_is_seen_again_where_the_network_is_not_certain():
    """Strips that are not certain are seen at two other widths; confidences are means."""
    certain = MadeUpNetwork(["12"], share=0.999)
    assert NumberReader(certain, 0.5).read([strip(0)])[0].confidence > 0.98
    assert certain.sizes == [1]
    network = MadeUpNetwork(["12"], share=0.9)
    (reading,) = NumberReader(network, 0.5).read([strip(0)])
    assert (reading.text, len(reading.characters)) == ("12", 2)
    assert reading.confidence == pytest.approx(0.81, abs=0.01)
    assert network.sizes == [1, 1, 1]


def test_a_number_below_the_threshold_is_unsure():
    """The reason names the two most probable texts; a sure one has none."""
    sure, unsure = (
        NumberReader(MadeUpNetwork(["13"], share), 0.9).read([strip(0)])[0] for share in (0.99, 0.7)
    )
    assert (sure.unsure, sure.text) == ("", "13")
    assert unsure.text == "13"
    assert unsure.confidence == pytest.approx(0.7 * 0.7, abs=1e-3)
    assert unsure.unsure in ("it may be 13 or 17", "it may be 13 or 73")


def test_a_temperature_in_the_metadata_lowers_confidence():
    """Logits are divided by it."""
    plain, warm = (
        NumberReader(MadeUpNetwork(["13"], 0.9, **about), 0).read([strip(0)])[0]
        for about in ({}, {"temperature": 2.0})
    )
    assert warm.confidence < plain.confidence


def test_an_unknown_sign_makes_a_number_unsure():
    """A number with a sign that the reader does not know is not relied on."""
    (reading,) = NumberReader(MadeUpNetwork(["12?"]), 0.5).read([strip(0)])
    assert (reading.text, reading.unsure) == ("12?", UNKNOWN_SIGN)
    (digits,) = NumberReader(MadeUpNetwork(["12?"]), 0.5).read([strip(0)], digits_only=True)
    assert (digits.text, digits.unsure) == ("12", "")


def test_without_a_guarantee_every_number_is_unsure():
    """A threshold above 1 marks everything."""
    (reading,) = NumberReader(MadeUpNetwork(["12"]), 2.0).read([strip(0)])
    assert reading.unsure == NO_GUARANTEE


def test_an_expectation_is_part_of_the_search():
    """Only expected texts are found, and what does not look like one is unsure."""
    reader = NumberReader(MadeUpNetwork(["13"], 0.6), 0.3)
    (found,) = reader.read([strip(0)], expect=Expectation.compile("7."))
    assert found.text == "73"
    (other,) = reader.read([strip(0)], expect=Expectation.compile(r"\d{5}"))
    assert other.unsure


def test_places_are_shares_of_the_strip():
    """Frame 2 lies at column 0 of the strip, frame 6 at column 16; neighbours meet halfway."""
    (reading,) = NumberReader(MadeUpNetwork(["12"]), 0).read([strip(0)])
    first, second = reading.characters
    assert (first.text, second.text) == ("1", "2")
    assert first.start == 0
    assert first.end == second.start == pytest.approx(8 / 100)
    assert second.end == pytest.approx((16 + 2 + 14) / 100)


def test_a_strip_that_cannot_be_read_is_named():
    """The error counts from 1."""
    with pytest.raises(ValueError, match=r"strip 2: expected .* got 1 x 10,000"):
        NumberReader(MadeUpNetwork([""]), 0).read([strip(0), np.zeros((1, 10_000), np.uint8)])


def test_unknown_and_other_models_are_refused(tmp_path):
    """A name that is not shipped, a folder, and a network of single digits."""
    with pytest.raises(ValueError, match="unknown shipped network 'numbr'"):
        NumberReader.open("numbr")
    with pytest.raises(ValueError, match="is a folder: expected a shipped network"):
        NumberReader.open(str(tmp_path))
    from inkfast.inference.reader import SHIPPED_FOLDER

    with pytest.raises(ValueError, match="expected a network that reads numbers"):
        NumberReader.open(str(SHIPPED_FOLDER / "reader.onnx"))
