"""The last layer of a network in an ONNX file: its weights, its input, and how to replace it.

It is dense, or a convolution of one pixel, as in the files that `inkfast export` writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.inference.onnx_classifier import METADATA_KEY, create_session

Floats = NDArray[np.float64]

_AFTER = ("Softmax", "LogSoftmax", "Div", "Transpose", "Squeeze")  # what may follow the last layer
_BATCH_SIZE = 250  # inputs of a call, so that their activations stay in the cache; not tuned


class Votes(NamedTuple):
    """Known examples that vote for their classes where features are nearly like theirs.

    An example adds its votes ``exp(sharpness * (cosine - 1))`` times.

    Attributes:
        examples: Features of the examples, each of length 1, float64 ``(m, features)``.
        values: What each adds to the logits, float64 ``(m, classes)``.
        sharpness: How near an example must be.

    Source: Zhang and others (2022), Tip-Adapter, arXiv:2111.03930.
    """

    examples: Floats
    values: Floats
    sharpness: float

    def logits(self, features: Floats) -> Floats:
        """Return what is added to the logits ``(n, classes)`` of features ``(n, features)``."""
        cosine = to_unit_length(features) @ self.examples.T
        return np.asarray(np.exp(self.sharpness * (cosine - 1)) @ self.values)


@dataclass(frozen=True, eq=False)
class LastLayer:
    """A layer from features to the logits of classes.

    Attributes:
        weights: Float64 ``(features + 1, classes)``; the last row is added to every logit.
        votes: What is added by known examples, or None.
    """

    weights: Floats
    votes: Votes | None = None

    def logits(self, features: Floats) -> Floats:
        """Return logits ``(n, classes)`` of features ``(n, features)``."""
        dense: Floats = features @ self.weights[:-1] + self.weights[-1]
        return dense if self.votes is None else dense + self.votes.logits(features)

    def divided_by(self, temperature: float) -> LastLayer:
        """Return a layer whose logits are these, divided by a number."""
        votes = self.votes and self.votes._replace(values=self.votes.values / temperature)
        return LastLayer(self.weights / temperature, votes)


def to_unit_length(features: Floats) -> Floats:
    """Return features ``(n, features)``, each divided by its length; 0 stays 0."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, length, out=np.zeros_like(features), where=length > 0))


class SplitNetwork:
    """A network cut in two before its last layer.

    Args:
        content: Content of the ONNX file.
        name: Name of the file in messages.
        threads: Threads of a call; 0 for all cores.

    Attributes:
        layer: The last layer, and what the graph divides its outputs by.

    Raises:
        InkfastError: If the network does not end in a layer that can be refitted.
    """

    def __init__(self, content: bytes, name: str, threads: int = 0) -> None:
        self._proto = onnx.load_from_string(content)
        node, self.layer, self._parts = _find_last_layer(self._proto.graph, name)
        self._input, self._output = node.input[0], node.output[0]
        body = onnx.load_from_string(content)
        end = [one.output[0] for one in body.graph.node].index(self._output)
        del body.graph.node[end:]
        del body.graph.output[:]
        kind = onnx.TensorProto.FLOAT
        body.graph.output.append(onnx.helper.make_tensor_value_info(self._input, kind, None))
        self._session = create_session(name, body.SerializeToString(), threads)
        if self._session.get_inputs()[0].type != "tensor(uint8)":
            raise _unsuited(name, f"an input of {self._session.get_inputs()[0].type}")

    def features(self, inputs: NDArray[np.uint8]) -> Floats:
        """Return the input of the last layer.

        Args:
            inputs: Inputs of the network, uint8 ``(n, 28, 28)`` or strips ``(n, 40, width)``.

        Returns:
            Float64 ``(n, features)`` of digits, ``(n, frames, features)`` of strips.
        """
        given = self._session.get_inputs()[0].name
        found = [
            self._session.run(None, {given: inputs[start : start + _BATCH_SIZE]})[0]
            for start in range(0, len(inputs), _BATCH_SIZE)
        ]
        features = np.concatenate(found).astype(np.float64)
        return features[:, :, 0].swapaxes(1, 2) if features.ndim == 4 else features

    def with_layer(self, layer: LastLayer, about: dict[str, Any]) -> bytes:
        """Return the content of the file with another last layer, in 32 bits.

        Args:
            layer: The layer. One with votes is for networks that end in a dense layer.
            about: Metadata in place of that of the file.
        """
        proto = onnx.ModelProto()
        proto.CopyFrom(self._proto)
        graph, parts = proto.graph, self._parts
        stored = layer.divided_by(1 / parts.divisor)
        for name, shape, values in (
            (parts.weights, parts.shape, stored.weights[:-1].T),
            (parts.bias, (-1,), stored.weights[-1]),
        ):
            _remove_tensor(graph, name)
            _add_tensor(graph, name, values.reshape(shape))
        if stored.votes is not None:
            _add_votes(graph, self._output, self._input, stored.votes)
        onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(about)})
        return bytes(proto.SerializeToString())


@dataclass(frozen=True)
class _Parts:
    """Where the numbers of a layer stand in a graph.

    Attributes:
        weights: Name of the matrix.
        bias: Name of what is added.
        shape: Shape of the matrix.
        divisor: Number that the graph divides the layer's outputs by; 1 if it does not.
    """

    weights: str
    bias: str
    shape: tuple[int, ...]
    divisor: float


def _add_tensor(graph: Any, name: str, values: Floats) -> str:
    graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float32), name))
    return name


def _add_votes(graph: Any, output: str, features: str, given: Votes) -> None:
    """Add the votes of examples to the output of the dense layer."""
    examples = _add_tensor(graph, f"{output}.examples", given.examples)
    votes = _add_tensor(graph, f"{output}.votes", given.values)
    offset = _add_tensor(graph, f"{output}.offset", np.array([-given.sharpness]))
    unit, cosine, near, added, dense = (
        f"{output}.{name}" for name in ("unit", "cosine", "near", "added", "dense")
    )
    at = next(i for i, node in enumerate(graph.node) if output in node.output)
    graph.node[at].output[0] = dense
    make = onnx.helper.make_node
    nodes = [
        make("LpNormalization", [features], [unit], axis=1, p=2),
        make("Gemm", [unit, examples, offset], [cosine], alpha=given.sharpness, transB=1),
        make("Exp", [cosine], [near]),
        make("MatMul", [near, votes], [added]),
        make("Add", [dense, added], [output]),
    ]
    for place, node in enumerate(nodes, start=at + 1):
        graph.node.insert(place, node)


def _find_last_layer(graph: Any, name: str) -> tuple[Any, LastLayer, _Parts]:
    """Return the node of the last layer, the layer, and where its numbers are.

    Raises:
        InkfastError: If there is no such layer.
    """
    nodes = {output: node for node in graph.node for output in node.output}
    node, divisor = nodes.get(graph.output[0].name), 1.0
    while node is not None and node.op_type in _AFTER:
        if node.op_type == "Div":
            divisor *= float(_tensor(graph, nodes, node.input[1], name).reshape(()))
        node = nodes.get(node.input[0])
    if node is None or not _is_dense(node) or len(node.input) != 3:
        raise _unsuited(name, "nothing" if node is None else node.op_type)
    weights, bias = (_tensor(graph, nodes, one, name) for one in node.input[1:])
    if weights.ndim not in (2, 4) or weights.size != weights.shape[0] * weights.shape[1]:
        raise _unsuited(name, f"{node.op_type} with weights {weights.shape}")
    matrix = weights.reshape(weights.shape[:2]).T.astype(np.float64)
    layer = LastLayer(np.vstack([matrix, bias.astype(np.float64)])).divided_by(divisor)
    return node, layer, _Parts(node.input[1], node.input[2], weights.shape, divisor)


def _is_dense(node: Any) -> bool:
    """Return whether a node multiplies each pixel's features by one matrix, stored transposed."""
    values = {one.name: one for one in node.attribute}
    if node.op_type == "Gemm":
        scale = all(values[key].f == 1 for key in ("alpha", "beta") if key in values)
        return scale and "transB" in values and values["transB"].i == 1
    return node.op_type == "Conv" and ("group" not in values or values["group"].i == 1)


def _tensor(graph: Any, nodes: dict[str, Any], tensor: str, name: str) -> NDArray[Any]:
    """Return a constant of a graph, which may be stored in 16 bits."""
    if tensor in nodes and nodes[tensor].op_type == "Cast":
        tensor = nodes[tensor].input[0]
    for one in graph.initializer:
        if one.name == tensor:
            return np.asarray(onnx.numpy_helper.to_array(one))
    raise _unsuited(name, "one whose numbers are not constants")


def _remove_tensor(graph: Any, name: str) -> None:
    """Remove a constant, and the cast that it comes from if it is stored in 16 bits."""
    stored = [name]
    for node in [node for node in graph.node if name in node.output]:
        stored += node.input
        graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name in stored]:
        graph.initializer.remove(tensor)


def _unsuited(name: str, found: str) -> InkfastError:
    return InkfastError(
        f"{name} cannot be adapted: expected a network whose last layer is dense, or a convolution "
        f"of one pixel, with constant weights, as `inkfast export` writes it, got {found}."
    )
