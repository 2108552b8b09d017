"""The last layer of a network: found, cut off, and replaced."""

from __future__ import annotations

import json

import numpy as np
import pytest

from inkfast.adaptation.last_layer import LastLayer, SplitNetwork, Votes, to_unit_length
from inkfast.core.errors import InkfastError
from inkfast.inference.number_reader import NUMBERS_FOLDER, NumberReader
from inkfast.inference.onnx_classifier import METADATA_KEY, OnnxClassifier
from inkfast.inference.reader import Reader
from inkfast.synthetic.handwriting import make_handwriting
from tests.adaptation.hands import fitted_weights, means, network, proto

WEIGHTS = np.random.default_rng(0).normal(size=(50, 10))
IMAGES = make_handwriting(20).images


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("half", [False, True])
def test_features_and_layer_give_the_network(half):
    """The features are what the layer sees, and both together give the network's answers."""
    content = network(WEIGHTS, half=half)
    split = SplitNetwork(content, "means")
    features = split.features(IMAGES)
    np.testing.assert_allclose(features, means(IMAGES), atol=1e-6)
    expected = OnnxClassifier(content, "means").probabilities(IMAGES)
    np.testing.assert_allclose(softmax(split.layer.logits(features)), expected, atol=1e-5)
    np.testing.assert_allclose(split.layer.weights, WEIGHTS, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("half", [False, True])
def test_another_layer_is_put_in(half):
    """A file with another layer answers by it, in 32 bits, and has the metadata that was given."""
    split = SplitNetwork(network(WEIGHTS, half=half), "means")
    other = fitted_weights()
    content = split.with_layer(LastLayer(other), {"model": "other"})
    found = OnnxClassifier(content, "other").probabilities(IMAGES)
    np.testing.assert_allclose(found, softmax(means(IMAGES) @ other[:-1] + other[-1]), atol=1e-5)
    assert len(proto(content).graph.initializer) == 5
    (prop,) = proto(content).metadata_props
    assert (prop.key, json.loads(prop.value)) == (METADATA_KEY, {"model": "other"})


def test_examples_vote():
    """A file with votes answers as the layer; an example's own image gets all of its votes."""
    split, rng = SplitNetwork(network(WEIGHTS), "means"), np.random.default_rng(1)
    features = split.features(IMAGES)
    votes = rng.normal(size=(20, 10))
    layer = LastLayer(WEIGHTS, Votes(to_unit_length(features), votes, 60.0)).divided_by(1.5)
    content = split.with_layer(layer, {})
    found = OnnxClassifier(content, "votes").probabilities(IMAGES)
    np.testing.assert_allclose(found, softmax(layer.logits(features)), atol=1e-5)
    one = Votes(to_unit_length(features[:1]), votes[:1], 60.0)
    np.testing.assert_allclose(one.logits(7 * features[:1]), votes[:1])
    assert np.abs(one.logits(np.zeros((1, 49)))).max() < 1e-9


def test_the_shipped_reader_of_digits_is_cut():
    """Features and layer of the shipped network give its probabilities."""
    classifier = Reader.open().classifier
    split = SplitNetwork(classifier._arguments[0], "reader")
    found = softmax(split.layer.logits(split.features(IMAGES)))
    np.testing.assert_allclose(found, classifier.probabilities(IMAGES), atol=1e-5)


def test_the_shipped_reader_of_numbers_is_cut_and_joined():
    """Frames of its features give its log-probabilities; its own layer gives the same file again."""
    content = (NUMBERS_FOLDER / "number-reader.onnx").read_bytes()
    network = NumberReader.open().network
    split = SplitNetwork(content, "number-reader")
    strip = np.random.default_rng(0).integers(0, 255, (1, 40, 90)).astype(np.uint8)
    (features,) = split.features(strip)
    expected = network.log_probabilities(strip)[0]
    np.testing.assert_allclose(softmax(split.layer.logits(features)), np.exp(expected), atol=1e-4)
    again = type(network)(split.with_layer(split.layer, network.metadata.values), "again")
    np.testing.assert_allclose(again.log_probabilities(strip)[0], expected, atol=1e-5)


def test_other_networks_are_refused():
    """A network whose last node is no dense layer is named with that node."""
    content = proto(network(WEIGHTS))
    last = content.graph.node[-3]
    last.op_type = "MatMul"
    del last.attribute[:]
    del last.input[2]
    with pytest.raises(InkfastError, match="cannot be adapted: .* got MatMul"):
        SplitNetwork(content.SerializeToString(), "other.onnx")
