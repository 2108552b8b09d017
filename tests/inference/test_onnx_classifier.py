"""ONNX files of any maker: classifiers of 28x28 images are used, other files get one clear line."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from inkfast.core.errors import InkfastError
from inkfast.core.io import sha256
from inkfast.inference.onnx_check import has_external_data
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import Reader
from tests.inference.makers import classifier


def scalar() -> onnx.ModelProto:
    """Return a model whose output is a single number for all images."""
    model = classifier()
    model.graph.node.append(helper.make_node("ReduceMax", ["answer"], ["one"], keepdims=0))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("one", TensorProto.FLOAT, []))
    return model


def other_rows(how: str, shape: tuple = ("n", 28, 28)) -> onnx.ModelProto:
    """Return a model whose output has one row for all images, one row too few, or two per image."""
    model = classifier(shape)
    bounds = {"from": [0], "to": [1 if how == "same" else -1]}
    for name, values in bounds.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    node = helper.make_node("Slice", ["answer", "from", "to"], ["rows"])
    if how == "twice":
        node = helper.make_node("Concat", ["answer", "answer"], ["rows"], axis=0)
    model.graph.node.append(node)
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["m", 10])
    )
    return model


@pytest.fixture
def images() -> np.ndarray:
    """Return 600 images; in each, one tenth of the pixels is bright."""
    images = np.random.default_rng(0).integers(0, 30, (600, 784), dtype=np.uint8)
    for row, image in enumerate(images):
        image[(np.arange(784) * 10 // 784) == row % 10] = 255
    return images.reshape(600, 28, 28)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (("n", 28, 28), TensorProto.UINT8),
        (("n", 1, 28, 28), TensorProto.UINT8),
        (("n", 28, 28, 1), TensorProto.UINT8),
        ((1, 28, 28), TensorProto.UINT8),
        ((64, 28, 28), TensorProto.UINT8),
        (("n", 1, 28, 28), TensorProto.FLOAT),
    ],
)
def test_every_common_input_is_accepted(shape, kind, images):
    """Any batch size, with or without a channel axis, uint8 or float in [0, 1]."""
    found = OnnxClassifier(classifier(shape, kind=kind).SerializeToString(), "model").probabilities(
        images
    )
    assert found.shape == (600, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), np.arange(600) % 10)


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.FLOAT])
@pytest.mark.parametrize(
    ("given", "came"),
    [
        (np.zeros((28, 28, 5), np.uint8), r"uint8 \(28, 28, 5\)"),
        (np.zeros((1, 56, 56), np.uint8), r"uint8 \(1, 56, 56\)"),
        (np.zeros((28, 28), np.uint8), r"uint8 \(28, 28\)"),
        (np.array(3, np.uint8), r"uint8 \(\)"),
        (np.zeros((2, 28, 28)), r"float64 \(2, 28, 28\)"),
        ([[0]], "list"),
    ],
)
def test_other_types_and_shapes_are_refused(given, came, kind):
    """No array is reshaped or divided by 255 twice: one line says what was given."""
    reader = Reader(OnnxClassifier(classifier(kind=kind).SerializeToString(), "model"), 0.5)
    with pytest.raises(InkfastError, match=rf"expected .* \(n, 28, 28\).* got {came}\. "):
        reader.predict(given)


def test_no_images_give_no_predictions(images):
    """An empty batch gives an empty array of probabilities."""
    reader = OnnxClassifier(classifier().SerializeToString(), "model")
    assert reader.probabilities(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (classifier(("n", 32, 32)), r"expected an input \(n, 28, 28\).*got \('n', 32, 32\)"),
        (classifier(("n", 3, 28, 28)), r"got \('n', 3, 28, 28\)"),
        (classifier(kind=TensorProto.INT64), r"expected an input of uint8 or float, got .*int64"),
        (classifier(classes=7), r"expected an output of shape \(16, 10\) .*, got \(16, 7\)"),
        (scalar(), r"expected an output of shape .* 16 images, got \(\)"),
        (other_rows("same"), r"expected an output of shape .* 16 images, got \(1, 10\)"),
        (other_rows("fewer"), r"expected an output .* 16 images, got \(15, 10\)"),
        (other_rows("twice"), r"expected an output .* 16 images, got \(32, 10\)"),
        (other_rows("fewer", (64, 28, 28)), r"64 images, got \(63, 10\)"),
    ],
)
def test_a_model_of_another_shape_is_refused(model, message, images):
    """A model that does not map 28x28 images to ten probabilities is refused in one line."""
    with pytest.raises(InkfastError, match=message) as error:
        OnnxClassifier(model.SerializeToString(), "model").probabilities(images)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"not a model", b"\x08", b"", b"\xff" * 100])
def test_another_file_is_refused(content, tmp_path):
    """A file that is not an ONNX model is refused in one line."""
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(InkfastError, match=r"model\.onnx") as error:
        OnnxClassifier.open(tmp_path / "model.onnx")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    """The message says that the file cannot be read."""
    with pytest.raises(InkfastError, match="cannot be read"):
        OnnxClassifier.open(tmp_path / "model.onnx")


def external(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with a note that its weights are in another file."""
    external_data_helper.set_external_data(model.graph.initializer[0], "/etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model


def inner(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with such weights in the branch of an If, and in a constant."""
    branch = onnx.GraphProto()
    branch.CopyFrom(external(classifier()).graph)
    model.graph.node.append(
        helper.make_node("If", ["c"], ["d"], then_branch=branch, else_branch=branch)
    )
    return model


def function(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with such weights in a function of its own."""
    tensor = external(classifier()).graph.initializer[0]
    node = helper.make_node("Constant", [], ["c"], value=tensor)
    model.functions.append(
        helper.make_function("own", "f", [], ["c"], [node], [helper.make_opsetid("", 17)])
    )
    return model


def sparse(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with such weights as the values of a sparse tensor."""
    attribute = onnx.AttributeProto(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR)
    attribute.sparse_tensor.values.CopyFrom(external(classifier()).graph.initializer[0])
    model.graph.node.add(op_type="Constant", output=["c"]).attribute.append(attribute)
    return model


def training(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with such weights in its training information."""
    model.training_info.add().algorithm.CopyFrom(external(classifier()).graph)
    return model


@pytest.mark.parametrize("change", [external, inner, function, sparse, training])
def test_weights_in_other_files_are_refused(change):
    """No file is opened that the user did not name, wherever in the model it is named."""
    content = change(classifier()).SerializeToString()
    assert has_external_data(content)
    with pytest.raises(InkfastError, match="it keeps weights in other files: save it as one file"):
        OnnxClassifier(content, "model")
    assert not has_external_data(classifier().SerializeToString())


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("no json", "expected metadata as a JSON object"),
        ("[1]", "expected metadata as a JSON object"),
        ('{"threshold": null}', "expected a number as its `threshold`, got None"),
        ('{"a": ' + "[" * 100_000, "expected metadata as a JSON object"),
        ('{"threshold": 1%s}' % ("0" * 400), r"expected a number as its `threshold`, got 10+…"),
        ('{"threshold": "x"}', "expected a number as its `threshold`, got 'x'"),
    ],
)
def test_invalid_metadata_is_refused(metadata, message):
    """Metadata is checked like the rest of the file."""
    model = classifier()
    helper.set_model_props(model, {"inkfast": metadata})
    with pytest.raises(InkfastError, match=message):
        OnnxClassifier(model.SerializeToString(), "model").metadata.number("threshold")


def test_an_error_of_the_graph_is_one_line(images):
    """A graph that fails on its input, or returns NaN, is reported in one line."""
    model = classifier()
    for node in model.graph.node:
        if node.op_type == "Flatten":
            node.CopyFrom(helper.make_node("Reshape", ["numbers", "one"], ["flat"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 784]), "one"))
    with pytest.raises(InkfastError, match="cannot read 16 images at a time") as error:
        OnnxClassifier(model.SerializeToString(), "model").probabilities(images)
    assert "\n" not in str(error.value)
    broken = classifier()
    weights = numpy_helper.to_array(broken.graph.initializer[0]) * np.nan
    broken.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "weights"))
    with pytest.raises(InkfastError, match="got NaN or infinity"):
        OnnxClassifier(broken.SerializeToString(), "model").probabilities(images)


def test_labels_beside_probabilities_are_ignored(images):
    """Converters of scikit-learn's models put an output of labels before the probabilities."""
    model = classifier()
    model.graph.node.append(helper.make_node("ArgMax", ["answer"], ["label"], axis=1, keepdims=0))
    model.graph.output.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]))
    found = OnnxClassifier(model.SerializeToString(), "model").probabilities(images)
    np.testing.assert_array_equal(found.argmax(axis=1), np.arange(600) % 10)


def test_a_tampered_file_is_refused(tmp_path):
    """The SHA-256 beside the file is checked before the file is parsed."""
    content = classifier().SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps({"sha256": sha256(content)}))
    OnnxClassifier.open(path)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InkfastError, match="was changed or damaged: its SHA-256"):
        OnnxClassifier.open(path)
