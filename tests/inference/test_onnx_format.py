"""ONNX files of other tools: every form of input and output, by option and by metadata."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inkfast import load_reader
from inkfast.core.errors import InkfastError
from inkfast.core.pixels import to_unit
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.onnx_format import OnnxFormat
from inkfast.inference.reader import Reader
from tests.inference.makers import bars, classifier, write_csv, write_pictures

DOCUMENT = (Path(__file__).parents[2] / "docs" / "robustness.md").read_text(encoding="utf-8")


def recorder(shape, kind: int = TensorProto.FLOAT, output: str = "Identity") -> onnx.ModelProto:
    """Return a model whose answer is the first ten pixels that it was given, in rows of 28."""
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("Slice", ["flat", "start", "end", "axis"], ["ten"]),
        helper.make_node(output, ["ten"], ["answer"]),
    ]
    sizes = {"start": [0], "end": [10], "axis": [1]}
    graph = helper.make_graph(
        nodes,
        "recorder",
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(np.array(value), name) for name, value in sizes.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def label_model(kind: str = "int64", batch: int | str = "n") -> onnx.ModelProto:
    """Return a model that returns labels alone: ``(n,)``, ``(n, 1)``, or as text."""
    model = classifier((batch, 784), kind=TensorProto.FLOAT)
    keep = int(kind == "column")
    model.graph.node.append(
        helper.make_node("ArgMax", ["answer"], ["label"], axis=1, keepdims=keep)
    )
    element = TensorProto.INT64
    if kind in ("text", "float"):
        element = TensorProto.STRING if kind == "text" else TensorProto.FLOAT
        model.graph.node[-1].output[0] = "found"
        model.graph.node.append(helper.make_node("Cast", ["found"], ["label"], to=element))
    shape = [batch, 1] if keep else [batch]
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("label", element, shape))
    return model


def two_outputs() -> onnx.ModelProto:
    """Return a model with logits and probabilities."""
    model = classifier()
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10]))
    return model


def scored() -> onnx.ModelProto:
    """Return a model with a sigmoid for each class."""
    return recorder(("n", 28, 28), output="Sigmoid")


def opened(model: onnx.ModelProto, text: str = "") -> OnnxClassifier:
    return OnnxClassifier(model.SerializeToString(), "model", 1, text)


def given(text: str, metadata: dict[str, str] | None = None) -> np.ndarray:
    """Return the values that a network gets for pixels 0, 51, .. 255 and four more of 0."""
    model = recorder(("n", 784))
    helper.set_model_props(model, metadata or {})
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 0, :6] = range(0, 256, 51)
    found = opened(model, f"{text}, output=logits".strip(", "))._answers(images)
    return found[0]


@pytest.mark.parametrize(
    ("text", "black", "white"),
    [
        ("", 0, 1),
        ("range=0..255", 0, 255),
        ("range=-1..1", -1, 1),
        ("range=16..235", 16, 235),
        ("mean=0.1307, std=0.3081", -0.1307 / 0.3081, (1 - 0.1307) / 0.3081),
        ("range=0..255,mean=127.5,std=127.5", -1, 1),
        ("ink=dark", 1, 0),
        ("ink=dark, range=-1..1", 1, -1),
    ],
)
def test_pixels_have_the_values_of_the_format(text, black, white):
    """Pixels are scaled to the range, then mean and standard deviation are applied."""
    expected = np.array([black + (white - black) * k / 5 for k in range(6)])
    np.testing.assert_allclose(given(text)[:6], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(given(text)[6:], black, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("metadata", "text", "white"),
    [
        ({"inkfast_format": "range=0..255"}, "", 255),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, "", 255),
        ({"image.nominalpixelrange": "NORMALIZED_0_1"}, "", 1),
        ({"Image.NominalPixelRange": "Normalized_1_1", "inkfast_format": "range=0..2"}, "", 2),
        ({"inkfast_format": "range=0..255, ink=dark"}, "range=0..1", 0),
    ],
)
def test_a_file_may_state_its_format(metadata, text, white):
    """Its metadata counts, in inkfast's words or in those of the standard; an option goes before."""
    assert given(text, metadata)[5] == white


def test_pixels_in_the_unit_range_are_those_of_training():
    """The default values of float networks are those that inkfast trains with, to the bit."""
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(OnnxFormat().pixel_values(np.float32), to_unit(every))


@pytest.mark.parametrize("text", ["", "784", "28x28", "1x28x28", "28x28x1"])
@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.FLOAT, TensorProto.DOUBLE])
def test_every_shape_is_taken(text, kind):
    """Flat pixels, and images with or without a channel, of any type."""
    shapes = {"784": [784], "28x28": [28, 28], "1x28x28": [1, 28, 28], "28x28x1": [28, 28, 1]}
    for key in [text] if text else shapes:
        model = classifier(("n", *shapes[key]), kind=kind)
        found = opened(model, f"shape={text}" if text else "").probabilities(bars(20))
        np.testing.assert_array_equal(found.argmax(1), np.arange(20) % 10)


def test_a_channel_that_the_graph_does_not_show_is_asked_for():
    """An input of unknown sizes is refused with the option that decides it, which is then taken."""
    model = recorder(("n", "a", "b", "c"), output="Softmax")
    with pytest.raises(
        InkfastError, match=r"where the channel is: expected --onnx-format shape=1x"
    ):
        opened(model)
    assert opened(model, "shape=1x28x28").probabilities(bars(3)).shape == (3, 10)


def test_logits_are_told_from_probabilities():
    """Their softmax is taken, and one sentence says so; with the option nothing is to be said."""
    model = classifier(softmax=False)
    logits = opened(model)._answers(bars(20))
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    found = opened(model)
    np.testing.assert_allclose(found.probabilities(bars(20)), expected)
    assert (found.returns, "softmax" in found.notice) == ("logits", True)
    assert opened(model, "output=logits").notice == ""
    assert (opened(classifier()).returns, opened(classifier()).notice) == ("probabilities", "")


def test_scores_that_are_neither_are_refused_with_the_option():
    """Scores in [0, 1] that do not sum to 1 may be several things: the line names both options."""
    with pytest.raises(InkfastError, match=r"--onnx-format output=logits; .* output=scores\."):
        opened(scored())
    found = opened(scored(), "output=scores").probabilities(bars(4))
    np.testing.assert_allclose(found.sum(1), 1)
    with pytest.raises(InkfastError, match="expected probabilities that sum to 1, got values"):
        opened(scored(), "output=probabilities").probabilities(bars(4))
    with pytest.raises(InkfastError, match="expected scores >= 0, not all 0, got values from -1"):
        opened(recorder(("n", 784)), "output=scores, range=-1..1").probabilities(bars(4))


@pytest.mark.parametrize("kind", ["int64", "column", "text", "float"])
def test_labels_alone_have_no_confidence(kind):
    """The digit is the label; confidence and runner-up do not exist, and nothing is unsure."""
    text = "output=labels" if kind == "float" else ""
    found = opened(label_model(kind), text)
    reader = Reader(found, 0, labels_only=found.returns == "labels")
    predictions = reader.predict(bars(12))
    assert [one.digit for one in predictions] == [*range(10), 0, 1]
    assert all(np.isnan([one.confidence, one.runner_up_confidence]).all() for one in predictions)
    assert {(one.runner_up, one.unsure) for one in predictions} == {(None, "")}


def test_other_labels_than_digits_are_refused():
    """A label that is no digit is named."""
    model = label_model("float")
    model.graph.initializer.append(numpy_helper.from_array(np.float32(3.5), "more"))
    model.graph.node[-1].output[0] = "plain"
    model.graph.node.append(helper.make_node("Add", ["plain", "more"], ["label"]))
    with pytest.raises(InkfastError, match=r"expected labels from 0 to 9, got 3\.5"):
        opened(model, "output=labels").probabilities(bars(1))


def test_one_of_several_outputs_is_chosen_by_name():
    """Two outputs of scores are refused with the option that chooses one."""
    with pytest.raises(InkfastError, match=r"got answer .*, logits .*--onnx-format tensor=answer"):
        opened(two_outputs())
    assert opened(two_outputs(), "tensor=answer").returns == "probabilities"
    assert opened(two_outputs(), "tensor=logits").returns == "logits"
    with pytest.raises(InkfastError, match="labels named other, got answer"):
        opened(two_outputs(), "tensor=other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scal=2", "unknown key of the format 'scal'"),
        ("output", r"`output` must have a value, e\.g\. output=logits, got 'output'"),
        ("output=digits", "`output` must be one of 'probabilities', 'logits', 'scores', 'labels'"),
        ("ink=red", "`ink` must be one of 'bright', 'dark', got 'red'"),
        ("shape=32x32", "`shape` must be one of '28x28'"),
        ("range=0", r"`range` must be the values of a black and of a white pixel.* got '0'"),
        ("range=1..0", "`range` must be the values"),
        ("range=0..inf", "`range` must be the values"),
        ("mean=a", "`mean` must be a number, got 'a'"),
        ("std=0", "`std` must be a finite number > 0, got 0"),
        ("std=nan", "`std` must be a finite number > 0"),
        ("shape=784", r"got \('n', 28, 28\), --onnx-format asks for 784"),
    ],
)
def test_a_wrong_format_is_one_line(text, message):
    """What is wrong in the text of a format is said in one line, wherever it is given."""
    with pytest.raises(InkfastError, match=message) as error:
        opened(classifier(kind=TensorProto.FLOAT), text)
    assert "\n" not in str(error.value)
    if text == "shape=784":
        return
    stated = classifier()
    helper.set_model_props(stated, {"inkfast_format": text})
    with pytest.raises(InkfastError, match=f"model: metadata `inkfast_format`: {message}"):
        opened(stated)


def test_a_format_is_for_files_of_other_tools(tmp_path):
    """Files that inkfast exported, shipped networks, runs and uint8 inputs know their pixels."""
    own = classifier()
    helper.set_model_props(own, {"inkfast": json.dumps({"model": "mlp"})})
    with pytest.raises(InkfastError, match="exported by inkfast, .* leave --onnx-format out"):
        opened(own, "range=0..255")
    with pytest.raises(InkfastError, match="takes pixels as uint8, 0 to 255: leave range, mean"):
        opened(classifier(), "mean=0.1307")
    with pytest.raises(InkfastError, match="exported by inkfast"):
        load_reader("reader", onnx_format="ink=dark")
    with pytest.raises(InkfastError, match="give its path as the model"):
        load_reader(onnx_format="ink=dark")
    with pytest.raises(InkfastError, match="is a run folder: onnx_format is for ONNX files"):
        load_reader(tmp_path, onnx_format="ink=dark")


FORMS = {  # by the first cell of their row in docs/robustness.md
    "float in [0, 1]": recorder(("n", 1, 28, 28), output="Softmax"),
    "uint8, or float from 0 to 255": recorder(("n", 784), output="Softmax"),
    "float from -1 to 1": recorder(("n", 28, 28, 1), output="Softmax"),
    "PyTorch's `Normalize((0.1307,), (0.3081,))`": recorder(("n", 1, 28, 28)),
    "dark ink on bright": recorder(("n", 784), output="Softmax"),
    "logits": recorder(("n", 784)),
    "a sigmoid per class": scored(),
    "labels alone": label_model(),
    "several outputs": two_outputs(),
    "an input of unknown sizes": recorder(("n", "a", "b", "c"), output="Softmax"),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_examples_of_the_document_work(form, inkfast, tmp_path):
    """Every form of the table is read by `predict` with the option that its row states."""
    row = re.search(rf"^\| {re.escape(form)} \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert row, form
    option = re.search(r'--onnx-format "(.*?)"', row[1])
    path = tmp_path / "other.onnx"
    path.write_bytes(FORMS[form].SerializeToString())
    words = [
        "predict",
        write_pictures(tmp_path / "in", bars(10)),
        "--model",
        path,
        "--format",
        "csv",
    ]
    code, out, err = inkfast(*words, *(["--onnx-format", option[1]] if option else []))
    assert code == 0, err
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 10
    assert all((row["confidence"] == "") == (form == "labels alone") for row in rows)
    assert all(not row["error"] for row in rows)


def test_commands_say_what_they_found_out(inkfast, tmp_path):
    """`predict` says once that softmax was taken; `read` needs confidences; runs have no format."""
    path = tmp_path / "other.onnx"
    path.write_bytes(classifier(("n", 784), softmax=False).SerializeToString())
    images = write_pictures(tmp_path / "in", bars(3))
    code, _, err = inkfast("predict", images, "--model", path)
    assert (code, err.count("other.onnx returns logits: their softmax is taken")) == (0, 1)
    path.write_bytes(label_model().SerializeToString())
    code, _, err = inkfast("read", images, "--model", path)
    assert (code, "returns labels alone: expected a network with probabilities" in err) == (2, True)
    code, _, err = inkfast("predict", images, "--model", tmp_path, "--onnx-format", "ink=dark")
    assert (code, "is a run folder: --onnx-format is for .onnx files" in err) == (2, True)


def test_robustness_of_labels_has_no_calibration_error(inkfast, tmp_path):
    """Accuracy is measured; what needs a confidence is left open, and a threshold is refused."""
    path = tmp_path / "other.onnx"
    path.write_bytes(label_model().SerializeToString())
    digits = write_csv(tmp_path / "digits.csv", bars(40), labelled=True)
    words = ["robustness", path, "--suite", "noisy-mnist", "--data", digits]
    code, _, err = inkfast(*words, "--threshold", 0.9, "--out", tmp_path / "a")
    assert (code, "labels alone, without confidences: leave --threshold out" in err) == (2, True)
    code, _, err = inkfast(*words, "--out", tmp_path / "b")
    assert code == 0, err
    found = json.loads((tmp_path / "b" / "robustness.json").read_text())
    assert {row["ece"] for row in found["rows"]} == {None}
    assert found["models"][0]["worst_ece"] is None
