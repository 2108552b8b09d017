"""`OnnxClassifier`: a classifier of 28x28 images in an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Images
from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import sha256
from inkfast.inference.onnx_check import has_external_data
from inkfast.inference.onnx_format import OPTION, OnnxFormat
from inkfast.inference.onnx_graph import (
    find_input,
    find_output,
    is_label,
    output_kind,
    probe_images,
    stack_answers,
    to_probabilities,
)

_MAX_BYTES = 2**31 - 1  # the limit of protobuf messages
_BATCH_SIZE = 250  # images of a call, so that their activations stay in the cache; not tuned
_NOTICES = {
    "logits": "{name} returns logits: their softmax is taken for confidences.",
    "labels": "{name} returns labels alone: no digit has a confidence or is unsure for its lack.",
}
METADATA_KEY = "inkfast"  # key of the metadata in an exported model
# keys in that metadata; their words are older than the names in the code
GUARANTEES, PREDICTION_SETS = "promises", "label_sets"


@dataclass(frozen=True)
class ModelMetadata:
    """Metadata that an exported model carries, or the JSON file beside it.

    Attributes:
        values: Values by key.
        name: Name of the file, for messages.
    """

    values: dict[str, Any]
    name: str

    @classmethod
    def parse(cls, text: str, name: str) -> ModelMetadata:
        """Parse JSON.

        Raises:
            InkfastError: If it is not a JSON object.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):  # the latter for thousands of brackets
            values = None
        if not isinstance(values, dict):
            raise InkfastError(f"{name}: expected metadata as a JSON object, got something else.")
        return cls(values, name)

    def text(self, key: str) -> str:
        """Return a string; "" if the key is missing."""
        return str(self._value(key, str, ""))

    def number(self, key: str) -> float:
        """Return a number; NaN if the key is missing."""
        found = self._value(key, (int, float), float("nan"))
        try:
            return float(found)
        except OverflowError:
            raise self._invalid(key, "a number", found) from None

    def pairs(self, key: str) -> list[tuple[float, float]]:
        """Return a list of pairs of numbers; [] if the key is missing."""
        found = self._value(key, list, [])
        try:
            return [(float(first), float(second)) for first, second in found]
        except (TypeError, ValueError, OverflowError):
            raise self._invalid(key, "pairs of numbers", found) from None

    def _value(self, key: str, kind: Any, default: Any) -> Any:
        found = self.values.get(key, default)
        if not isinstance(found, kind) or isinstance(found, bool):
            names = {str: "a string", list: "a list"}
            raise self._invalid(key, names.get(kind, "a number"), found)
        return found

    def _invalid(self, key: str, expected: str, found: object) -> InkfastError:
        return InkfastError(
            f"{self.name}: expected {expected} as its `{key}`, got {short_repr(found)}."
        )


class OnnxFile:
    """A network in an ONNX file, made by inkfast or by others.

    Args:
        content: Content of the file.
        name: Name of the file in messages.
        threads: Threads of a call; 0 for all cores.

    Attributes:
        name: Name of the file in messages.
        fingerprint: SHA-256 of the file.
        metadata: Metadata in the file; empty if inkfast did not make it.

    Raises:
        InkfastError: If the file is not such a network.
    """

    def __init__(self, content: bytes, name: str, threads: int = 0) -> None:
        self.name = name
        self.fingerprint = sha256(content)
        self._arguments: tuple[Any, ...] = (content, name, threads)
        self.session = create_session(name, content, threads)
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.metadata = ModelMetadata.parse(metadata.get(METADATA_KEY, "{}"), name)
        self.check_signature()

    def __reduce__(self) -> tuple[Any, ...]:
        # a session cannot be serialised; the other process may not have this disk
        return type(self), self._arguments

    @classmethod
    def open(cls, path: Path, threads: int = 0) -> Self:
        """Open a file; its SHA-256 is checked if a JSON file beside it has one.

        Raises:
            InkfastError: If it cannot be read, was changed, or is not such a network.
        """
        return cls(read_verified(path), str(path), threads)

    def check_signature(self) -> None:
        """Raise an `InkfastError` if inputs and outputs are not those of such a network."""


class OnnxClassifier(OnnxFile):
    """A classifier of 28x28 images.

    Args:
        content: Content of the file.
        name: Name of the file in messages.
        threads: Threads of a call; 0 for all cores.
        onnx_format: How a network of another tool takes pixels and what it returns, see
            `inkfast.inference.onnx_format`; it goes before what the file says.

    Attributes:
        returns: What the network returns: probabilities, logits, scores or labels.
        notice: Sentence on what was found out about the network and users should know, or "".
    """

    def __init__(self, content: bytes, name: str, threads: int = 0, onnx_format: str = "") -> None:
        self._text = onnx_format
        super().__init__(content, name, threads)
        self._arguments = (content, name, threads, onnx_format)
        known = self._format.output or ("probabilities" if self.metadata.values else "")
        self.returns = known or self._find_kind()
        self.notice = "" if known else _NOTICES.get(self.returns, "").format(name=name)

    @classmethod
    def open(cls, path: Path, threads: int = 0, onnx_format: str = "") -> Self:
        """Open a file, see `OnnxFile.open`.

        Raises:
            InkfastError: See `OnnxFile.open`; or if `onnx_format` is given for a file that inkfast
                made.
        """
        return cls(read_verified(path), str(path), threads, onnx_format)

    def check_signature(self) -> None:
        """See `OnnxFile`."""
        if self._text and self.metadata.values:
            raise InkfastError(
                f"{self.name} was exported by inkfast, which knows its format: leave {OPTION} out."
            )
        stated = self.session.get_modelmeta().custom_metadata_map
        self._format = OnnxFormat.parse(self._text, OnnxFormat.of_metadata(stated, self.name))
        self.input, self._shape, dtype = find_input(self.name, self.session, self._format)
        self.output = find_output(self.name, self.session, self._format)
        self._values = self._format.pixel_values(dtype)

    def _find_kind(self) -> str:
        return output_kind(self.name, self.output, self._answers(probe_images()), self._format)

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities.

        Args:
            images: uint8 ``(n, 28, 28)``, bright ink on dark.

        Returns:
            Probabilities ``(n, 10)`` in [0, 1]; each row sums to 1. A network that returns labels
            alone gives its label all of it.

        Raises:
            InkfastError: If the images have another type or shape, or the model's output is not
                what it `returns`.
        """
        _check_images(images)
        if not len(images):
            return np.zeros((0, CLASSES))
        return to_probabilities(self.name, self._answers(images), self.returns)

    def _answers(self, images: Images) -> NDArray[Any]:
        """Return what the network returns for images ``(n, 28, 28)``, at least one."""
        wanted = self._values[images].reshape(-1, *self._shape)
        batch = self._fixed_batch or _BATCH_SIZE
        found = [
            self._run_batch(wanted[i : i + batch], batch) for i in range(0, len(wanted), batch)
        ]
        return np.concatenate(found)

    @property
    def _fixed_batch(self) -> int:
        """The only batch size that the model takes; 0 if it takes any."""
        size = self.input.shape[0]
        return size if isinstance(size, int) and size > 0 else 0

    def _run_batch(self, images: NDArray[Any], size: int) -> NDArray[Any]:
        count = len(images)
        if self._fixed_batch and count < size:
            spare = np.zeros((size - count, *images.shape[1:]), images.dtype)
            images = np.concatenate([images, spare])
        try:
            (found,) = self.session.run([self.output.name], {self.input.name: images})
        except Exception as error:  # a graph may fail on its input in any way
            raise InkfastError(
                f"{self.name} cannot read {len(images)} images at a time ({error_summary(error)})."
            ) from None
        answers = stack_answers(found, self.output)
        labels = self._format.output == "labels" or is_label(self.output)
        wanted = (len(images),) if labels else (len(images), CLASSES)
        if answers.shape != wanted:  # else a row may be another image's answer
            raise InkfastError(
                f"{self.name}: expected an output of shape {wanted} for {len(images)} images, got "
                f"{answers.shape}."
            )
        return answers[:count]


def _check_images(images: object) -> None:
    """Raise unless these are uint8 ``(n, 28, 28)``: `reshape` would accept other shapes."""
    if not isinstance(images, np.ndarray):
        came = type(images).__name__
    elif images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        came = f"{images.dtype} {images.shape}"
    else:
        return
    raise InkfastError(
        f"expected images as a NumPy array, uint8 (n, {SIDE}, {SIDE}), ink bright on dark, got "
        f"{came}. Images of any size are read by `inkfast.inference.page.read_page`."
    )


def read_verified(path: Path) -> bytes:
    """Return the content of a model; its SHA-256 is checked if a JSON file beside it has one.

    Raises:
        InkfastError: If it cannot be read or was changed.
    """
    beside = path.with_suffix(".json")
    try:
        size = path.stat().st_size
        if not 0 < size <= _MAX_BYTES:
            raise InkfastError(f"{path}: expected an ONNX model, got {size:,} bytes.")
        content = path.read_bytes()
        metadata = beside.read_text(encoding="utf-8") if beside.is_file() else "{}"
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InkfastError(
            f"{getattr(error, 'filename', beside)} cannot be read: {reason}."
        ) from None
    expected = ModelMetadata.parse(metadata, str(beside)).text("sha256")
    if expected and expected != sha256(content):
        raise InkfastError(
            f"{path} was changed or damaged: its SHA-256 is not the one in {beside.name}. "
            "Install or export it again."
        )
    return content


def create_session(name: str, content: bytes, threads: int) -> Any:
    """Return a session of ONNX Runtime for a model.

    Args:
        name: Name of the file in messages.
        content: Content of the file.
        threads: Threads of a call; 0 for all cores.

    Raises:
        InkfastError: If it is not a model that can be run.
    """
    import onnxruntime

    try:
        if has_external_data(content):
            raise InkfastError("it keeps weights in other files: save it as one file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # a second thread that spins takes time from other processes on this machine
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except InkfastError as error:
        raise InkfastError(f"{name} cannot be used: {error}.") from None
    except Exception as error:  # onnxruntime raises many kinds of errors
        raise InkfastError(
            f"{name} is not an ONNX model that can be run ({error_summary(error)})."
        ) from None


def error_summary(error: Exception) -> str:
    """Return the first line of an error of another package."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
