"""A small network of digits in an ONNX file, and corrected answers of a hand that it misreads."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inkfast.adaptation.refit import Term, cross_entropy, refit_weights, with_ones
from inkfast.core.digits import Images
from inkfast.synthetic.handwriting import make_handwriting

POOL = 4  # pixels of each side of the squares whose means are the features
METADATA = {"max_error": 0.01, "threshold": 0.9, "promises": [[0.01, 0.9]], "model": "means"}


def means(images: Images) -> np.ndarray:
    """Return what the network's last layer sees: 49 means of squares, in [0, 1]."""
    squares = images.reshape(len(images), 28 // POOL, POOL, 28 // POOL, POOL)
    return squares.mean(axis=(2, 4)).reshape(len(images), -1) / 255


def fitted_weights() -> np.ndarray:
    """Return weights ``(50, 10)`` that read drawn digits."""
    drawn = make_handwriting(400, seed=9)
    features = with_ones(means(drawn.images))
    term = Term(features, cross_entropy(np.eye(10)[drawn.known_labels], 1.0))
    return refit_weights(np.zeros((50, 10)), [term], np.full(50, 0.1))


def network(
    weights: np.ndarray, *, half: bool = False, op: str = "Gemm", divisor: float = 2.0
) -> bytes:
    """Return a network with a last layer, whose logits are divided by a number.

    Args:
        weights: Weights by which logits come out after the division.
        half: Whether its matrix is stored in 16 bits.
        op: Kind of the last node.
        divisor: The number.
    """
    matrix = numpy_helper.from_array((divisor * weights[:-1].T).astype(np.float32), "matrix")
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["pixels", "axis"], ["planes"]),
        helper.make_node(
            "AveragePool", ["planes"], ["squares"], kernel_shape=[POOL] * 2, strides=[POOL] * 2
        ),
        helper.make_node("Flatten", ["squares"], ["flat"]),
        helper.make_node("Div", ["flat", "white"], ["features"]),
        helper.make_node(op, ["features", "matrix", "bias"], ["logits"], transB=1),
        helper.make_node("Div", ["logits", "divisor"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=1),
    ]
    if half:
        matrix = numpy_helper.from_array(numpy_helper.to_array(matrix).astype(np.float16), "half")
        nodes.insert(0, helper.make_node("Cast", ["half"], ["matrix"], to=TensorProto.FLOAT))
    numbers = {
        "axis": np.array([1]), "white": np.array(255, np.float32),
        "divisor": np.array(divisor, np.float32),
        "bias": (divisor * weights[-1]).astype(np.float32),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes, "means",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])],
        [matrix, *(numpy_helper.from_array(value, name) for name, value in numbers.items())],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"inkfast": json.dumps(METADATA)})
    return bytes(model.SerializeToString())


def write_model(folder: Path) -> Path:
    """Write a network that reads drawn digits."""
    path = folder / "means.onnx"
    path.write_bytes(network(fitted_weights()))
    return path


def draw_hand(n: int, seed: int) -> tuple[Images, np.ndarray]:
    """Return digits of a strange hand, one pattern of squares each, and their labels."""
    labels = np.arange(n) % 10
    patterns = np.random.default_rng(9).integers(0, 255, (10, 28 // POOL, 28 // POOL))
    drawn = patterns[labels] + np.random.default_rng(seed).normal(0, 30, (n, *patterns.shape[1:]))
    return np.kron(drawn.clip(0, 255).astype(np.uint8), np.ones((1, POOL, POOL), np.uint8)), labels


def write_hand(folder: Path, n: int = 60) -> Path:
    """Write a table of digits of the hand, and its corrected answers."""
    images, labels = draw_hand(n, seed=5)
    np.save(folder / "hand.npy", images)
    with (folder / "answers.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "page", "digit", "confidence", "unsure", "error", "corrected"])
        for row, label in enumerate(labels, start=1):
            table.writerow([f"{folder}/hand.npy#{row}", 1, 0, 0.5, "", "", label])
    return folder / "answers.csv"


def edit(path: Path, change: str, to: str) -> Path:
    """Replace text in a file."""
    path.write_text(path.read_text().replace(change, to))
    return path


def proto(content: bytes) -> onnx.ModelProto:
    """Return a parsed ONNX file."""
    return onnx.load_from_string(content)
