"""Look through an ONNX file before ONNX Runtime opens it: does it name other files to read?

ONNX lets a model keep weights in other files, which opening it would read. Only the protobuf fields
where a model can say so are parsed: the `onnx` package, which knows all, is larger than the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inkfast.core.errors import InkfastError

# Field numbers of onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_GRAPH, _TRAINING, _FUNCTION = 7, 20, 25  # of ModelProto
_TRAINING_GRAPHS, _FUNCTION_NODE = (1, 2), 7  # of TrainingInfoProto, of FunctionProto
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15  # of GraphProto
_ATTRIBUTE = 5  # of NodeProto
_TENSORS, _SUBGRAPHS, _SPARSES = (5, 10), (6, 11), (22, 23)  # of AttributeProto
_VALUES_AND_INDICES = (1, 2)  # of SparseTensorProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto
_MAX_DEPTH = 20  # graphs within graphs; chosen far above what exporters write
# Wire types of protobuf, https://protobuf.dev/programming-guides/encoding/
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def has_external_data(model: bytes) -> bool:
    """Return whether an ONNX model keeps weights in other files.

    Args:
        model: Content of the file.

    Raises:
        InkfastError: If the bytes are not a protobuf message.
    """
    graphs = list(_submessages(model, _GRAPH))
    for training in _submessages(model, _TRAINING):
        graphs += _submessages(training, *_TRAINING_GRAPHS)
    nodes = [
        node
        for function in _submessages(model, _FUNCTION)
        for node in _submessages(function, _FUNCTION_NODE)
    ]
    return any(_graph_has_external_data(graph, 0) for graph in graphs) or any(
        _node_has_external_data(node, 0) for node in nodes
    )


def _graph_has_external_data(graph: bytes, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise InkfastError("the file is not an ONNX model: its graphs are nested too deeply")
    sparse = _sparse_tensors(_submessages(graph, _SPARSE))
    tensors = (*_submessages(graph, _INITIALIZER), *sparse)
    return any(map(_tensor_has_external_data, tensors)) or any(
        _node_has_external_data(node, depth) for node in _submessages(graph, _NODE)
    )


def _node_has_external_data(node: bytes, depth: int) -> bool:
    for attribute in _submessages(node, _ATTRIBUTE):
        sparse = _sparse_tensors(_submessages(attribute, *_SPARSES))
        tensors = (*_submessages(attribute, *_TENSORS), *sparse)
        if any(map(_tensor_has_external_data, tensors)):
            return True
        subgraphs = _submessages(attribute, *_SUBGRAPHS)
        if any(_graph_has_external_data(graph, depth + 1) for graph in subgraphs):
            return True
    return False


def _sparse_tensors(sparse: Iterable[bytes]) -> list[bytes]:
    """Return the tensors of values and of indices of sparse tensors."""
    return [part for tensor in sparse for part in _submessages(tensor, *_VALUES_AND_INDICES)]


def _tensor_has_external_data(tensor: bytes) -> bool:
    return any(
        number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        for number, value in _message_fields(tensor)
    )


def _submessages(message: bytes, *numbers: int) -> Iterator[bytes]:
    """Yield the messages in a message's fields of the given numbers."""
    for number, value in _message_fields(message):
        if number in numbers and isinstance(value, bytes):
            yield value


def _message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field: an integer, or the bytes it holds."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _read_varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise InkfastError("the file is not an ONNX model")
        if at + length > len(message):
            raise InkfastError("the file is not an ONNX model, or was cut off")
        yield number, message[at : at + length]
        at += length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the integer at a position, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):  # ten bytes of seven bits at most
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise InkfastError("the file is not an ONNX model, or was cut off")
