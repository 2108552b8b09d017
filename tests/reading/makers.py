"""Small ONNX classifiers, good and bad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def classifier(
    shape: Sequence[int | str] = ("n", 28, 28),
    *,
    kind: int = TensorProto.UINT8,
    classes: int = 10,
    softmax: bool = True,
) -> onnx.ModelProto:
    """Return a model whose class is told by which tenth of the pixels is brightest."""
    pixels = int(np.prod(shape[1:]))
    weights = np.zeros((pixels, classes), np.float32)
    weights[np.arange(pixels), np.arange(pixels) * classes // pixels] = 0.01
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax" if softmax else "Identity", ["logits"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [shape[0], classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
