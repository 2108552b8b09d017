"""`Classifier`: a network in an ONNX file that answers for 28x28 images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.data.digits import CLASSES, Images
from inkfast.errors import InkfastError
from inkfast.files import sha256
from inkfast.reading.protobuf import names_other_files

_LARGEST = 2**31 - 1  # bytes of a protobuf message
_BATCH = 250  # images at a time: their activations stay in the cache
METADATA = "inkfast"  # the key under which an exported model describes itself


class Classifier:
    """An ONNX classifier of 28x28 images, whoever made it.

    Args:
        content: Of the file.
        name: What messages call it.
        threads: Threads of a call; 0 for all cores.

    Attributes:
        name: What messages call it.
        about: What the file says of itself, if inkfast made it.

    Raises:
        InkfastError: If it is no such classifier.
    """

    def __init__(self, content: bytes, name: str, threads: int = 0) -> None:
        self.name = name
        self.session = _session(name, content, threads)
        self.input, self.output = _ends(name, self.session)
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.about: dict[str, Any] = json.loads(metadata.get(METADATA, "{}"))

    @classmethod
    def open(cls, path: Path, threads: int = 0) -> Classifier:
        """Read a file, checked against the SHA-256 in the JSON file beside it, if there is one.

        Raises:
            InkfastError: If it cannot be read, was changed, or is no such classifier.
        """
        return cls(_content(path), str(path), threads)

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, ink bright on dark.

        Raises:
            InkfastError: If what comes out are no probabilities.
        """
        shape = self.input.shape
        batch = shape[0] if isinstance(shape[0], int) else _BATCH
        wanted = images if self.input.type == "tensor(uint8)" else images.astype(np.float32) / 255
        wanted = wanted.reshape(-1, *shape[1:])
        found = [self._batch(wanted[i : i + batch], batch) for i in range(0, len(wanted), batch)]
        result = np.concatenate(found) if found else np.zeros((0, CLASSES))
        self._check(result)
        return result

    def _batch(self, images: NDArray[Any], size: int) -> NDArray[np.float64]:
        count = len(images)
        if isinstance(self.input.shape[0], int) and count < size:  # a fixed batch is filled up
            images = np.concatenate(
                [images, np.zeros((size - count, *images.shape[1:]), images.dtype)]
            )
        (found,) = self.session.run([self.output.name], {self.input.name: images})
        return np.asarray(found, np.float64)[:count]

    def _check(self, result: NDArray[np.float64]) -> None:
        if result.ndim != 2 or result.shape[1] != CLASSES:
            raise InkfastError(
                f"{self.name}: expected an answer (n, {CLASSES}), got {result.shape}."
            )
        sums = result.sum(axis=1)
        if result.size and not (np.all(result >= -1e-6) and np.allclose(sums, 1, atol=1e-3)):
            raise InkfastError(
                f"{self.name}: expected probabilities that sum to 1, got sums from "
                f"{np.min(sums):.3g} to {np.max(sums):.3g}. Put a softmax at the end of the graph."
            )


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        beside = path.with_suffix(".json")
        known = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    except (OSError, ValueError) as error:
        raise InkfastError(f"{path} cannot be read ({error}).") from None
    if not 0 < len(content) <= _LARGEST:
        raise InkfastError(f"{path}: expected an ONNX model, got {len(content)} bytes.")
    expected = known.get("sha256") if isinstance(known, dict) else None
    if expected is not None and expected != sha256(content):
        raise InkfastError(
            f"{path} was changed or damaged: its SHA-256 is not the one in {beside.name}. "
            "Install or export it again."
        )
    return content


def _session(name: str, content: bytes, threads: int) -> Any:
    import onnxruntime

    try:
        if names_other_files(content):
            raise InkfastError("its weights lie in other files: save it as one file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # a second thread that spins steals the time of whoever else works on this machine
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except InkfastError as error:
        raise InkfastError(f"{name} cannot be used: {error}.") from None
    except Exception as error:  # whatever onnxruntime finds wrong with a file
        reason = str(error).strip().splitlines()[0][:200]
        raise InkfastError(f"{name} is no ONNX model that can be run ({reason}).") from None


def _ends(name: str, session: Any) -> tuple[Any, Any]:
    """Return the input and the output, if they are those of a digit classifier."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1:
        raise InkfastError(f"{name}: expected one input of 28x28 images, got {len(inputs)}.")
    (found,) = inputs
    if found.type not in ("tensor(uint8)", "tensor(float)"):
        raise InkfastError(f"{name}: expected an input of uint8 or float, got {found.type}.")
    sizes = found.shape[1:]
    if sizes not in ([28, 28], [1, 28, 28], [28, 28, 1]):
        raise InkfastError(
            f"{name}: expected an input (n, 28, 28), (n, 1, 28, 28) or (n, 28, 28, 1), got "
            f"{tuple(found.shape)}."
        )
    return found, outputs[0]
