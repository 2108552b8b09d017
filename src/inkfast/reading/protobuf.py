"""As much of protobuf as it takes to look into an ONNX file before anything else opens it."""

from __future__ import annotations

from collections.abc import Iterator

from inkfast.errors import InkfastError

# field numbers of onnx.proto: where tensors lie, and where they would name another file
_GRAPH, _NODE, _ATTRIBUTE, _INITIALIZER, _SPARSE = 7, 1, 5, 5, 15
_SUBGRAPHS, _TENSORS = (6, 11), (5, 10)
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 20


def names_other_files(model: bytes) -> bool:
    """Return whether an ONNX file keeps weights in other files, which reading it would open.

    Raises:
        InkfastError: If the bytes are no protobuf message.
    """
    return any(_graph_does(graph, 0) for graph in _parts(model, _GRAPH))


def _graph_does(graph: bytes, depth: int) -> bool:
    if depth > _DEEPEST:
        raise InkfastError("the file is no ONNX model: its graphs are nested too deeply")
    if any(_tensor_does(tensor) for tensor in _parts(graph, _INITIALIZER)):
        return True
    if any(
        _tensor_does(part) for sparse in _parts(graph, _SPARSE) for part in _parts(sparse, 1, 2)
    ):
        return True
    attributes = [a for node in _parts(graph, _NODE) for a in _parts(node, _ATTRIBUTE)]
    return any(
        any(_tensor_does(tensor) for tensor in _parts(attribute, *_TENSORS))
        or any(_graph_does(inner, depth + 1) for inner in _parts(attribute, *_SUBGRAPHS))
        for attribute in attributes
    )


def _tensor_does(tensor: bytes) -> bool:
    return any(
        number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        for number, value in _fields(tensor)
    )


def _parts(message: bytes, *numbers: int) -> Iterator[bytes]:
    """Yield the messages that lie in fields of the given numbers."""
    for number, value in _fields(message):
        if number in numbers and isinstance(value, bytes):
            yield value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (number, value) of a message's fields: a whole number, or the bytes they hold."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise InkfastError("the file is no ONNX model")
        if at + length > len(message):
            raise InkfastError("the file is no ONNX model, or was cut off")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
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
