"""As much of protobuf as it takes to look into an ONNX file before anything else opens it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inkfast.core.errors import InkfastError

# field numbers of onnx.proto: where tensors lie, and where they would name another file
_GRAPH, _TRAINING, _FUNCTION = 7, 20, 25  # of a model
_TRAINING_GRAPHS, _FUNCTION_NODE = (1, 2), 7
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15  # of a graph
_ATTRIBUTE = 5  # of a node
_TENSORS, _SUBGRAPHS, _SPARSES = (5, 10), (6, 11), (22, 23)  # of an attribute
_VALUES_AND_INDICES = (1, 2)  # of a sparse tensor
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_MAX_DEPTH = 20


def has_external_data(model: bytes) -> bool:
    """Return whether an ONNX file keeps weights in other files, which reading it would open.

    Raises:
        InkfastError: If the bytes are no protobuf message.
    """
    trained = [
        g for part in _submessages(model, _TRAINING) for g in _submessages(part, *_TRAINING_GRAPHS)
    ]
    functions = [
        n for part in _submessages(model, _FUNCTION) for n in _submessages(part, _FUNCTION_NODE)
    ]
    graphs = (*_submessages(model, _GRAPH), *trained)
    return any(_graph_has_external_data(g, 0) for g in graphs) or any(
        _node_has_external_data(n, 0) for n in functions
    )


def _graph_has_external_data(graph: bytes, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise InkfastError("the file is no ONNX model: its graphs are nested too deeply")
    tensors = (*_submessages(graph, _INITIALIZER), *_sparse_tensors(_submessages(graph, _SPARSE)))
    return any(map(_tensor_has_external_data, tensors)) or any(
        _node_has_external_data(node, depth) for node in _submessages(graph, _NODE)
    )


def _node_has_external_data(node: bytes, depth: int) -> bool:
    for attribute in _submessages(node, _ATTRIBUTE):
        sparse = _sparse_tensors(_submessages(attribute, *_SPARSES))
        if any(map(_tensor_has_external_data, (*_submessages(attribute, *_TENSORS), *sparse))):
            return True
        if any(
            _graph_has_external_data(graph, depth + 1)
            for graph in _submessages(attribute, *_SUBGRAPHS)
        ):
            return True
    return False


def _sparse_tensors(tensors: Iterable[bytes]) -> list[bytes]:
    return [part for tensor in tensors for part in _submessages(tensor, *_VALUES_AND_INDICES)]


def _tensor_has_external_data(tensor: bytes) -> bool:
    return any(
        number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        for number, value in _message_fields(tensor)
    )


def _submessages(message: bytes, *numbers: int) -> Iterator[bytes]:
    """Yield the messages that lie in fields of the given numbers."""
    for number, value in _message_fields(message):
        if number in numbers and isinstance(value, bytes):
            yield value


def _message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (number, value) of a message's fields: a whole number, or the bytes they hold."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _read_varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _read_varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise InkfastError("the file is no ONNX model")
        if at + length > len(message):
            raise InkfastError("the file is no ONNX model, or was cut off")
        yield key >> 3, message[at : at + length]
        at += length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the whole number at a place and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise InkfastError("the file is no ONNX model, or was cut off")
