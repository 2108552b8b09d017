"""`Classifier`: a network in an ONNX file that answers for 28x28 images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Images
from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import sha256
from inkfast.inference.onnx_check import has_external_data

_MAX_BYTES = 2**31 - 1  # bytes of a protobuf message
_BATCH_SIZE = 250  # images at a time: their activations stay in the cache
_FLOAT_TYPES = ("tensor(float)", "tensor(double)", "tensor(float16)")
METADATA_KEY = "inkfast"  # the key under which an exported model describes itself
# Keys of that description: risk guarantees and prediction sets, as the first files named them.
GUARANTEES, PREDICTION_SETS = "promises", "label_sets"


@dataclass(frozen=True)
class ModelMetadata:
    """What a file says of itself.

    Attributes:
        values: By name.
        name: Of the file, for messages.
    """

    values: dict[str, Any]
    name: str

    @classmethod
    def read(cls, text: str, name: str) -> ModelMetadata:
        """Read JSON.

        Raises:
            InkfastError: If it is not a JSON object.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):  # the latter for thousands of brackets
            values = None
        if not isinstance(values, dict):
            raise InkfastError(f"{name}: expected what it says of itself as a JSON object.")
        return cls(values, name)

    def text(self, key: str) -> str:
        """Return a word; "" if it is not there."""
        return str(self._value(key, str, ""))

    def number(self, key: str) -> float:
        """Return a number; NaN if it is not there."""
        found = self._value(key, (int, float), float("nan"))
        try:
            return float(found)
        except OverflowError:
            raise self._nonsense(key, found) from None

    def pairs(self, key: str) -> list[tuple[float, float]]:
        """Return a list of pairs of numbers; [] if it is not there."""
        found = self._value(key, list, [])
        try:
            return [(float(first), float(second)) for first, second in found]
        except (TypeError, ValueError, OverflowError):
            raise InkfastError(f"{self.name}: its `{key}` makes no sense.") from None

    def _value(self, key: str, kind: Any, default: Any) -> Any:
        found = self.values.get(key, default)
        if not isinstance(found, kind) or isinstance(found, bool):
            raise self._nonsense(key, found)
        return found

    def _nonsense(self, key: str, found: object) -> InkfastError:
        return InkfastError(
            f"{self.name}: its `{key}` is {short_repr(found)}, which makes no sense."
        )


class OnnxClassifier:
    """An ONNX classifier of 28x28 images, whoever made it.

    Args:
        content: Of the file.
        name: What messages call it.
        threads: Threads of a call; 0 for all cores.

    Attributes:
        name: What messages call it.
        fingerprint: SHA-256 of the file.
        about: What the file says of itself, if inkfast made it.

    Raises:
        InkfastError: If it is no such classifier.
    """

    def __init__(self, content: bytes, name: str, threads: int = 0) -> None:
        self.name = name
        self.fingerprint = sha256(content)
        self._made_of = (content, name, threads)
        self.session = _create_session(name, content, threads)
        self.input, self.output = _find_input_and_output(name, self.session)
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.metadata = ModelMetadata.read(metadata.get(METADATA_KEY, "{}"), name)

    def __reduce__(self) -> tuple[Any, ...]:
        # so that it can be sent to another process, whose disk may be another
        return OnnxClassifier, self._made_of

    @classmethod
    def open(cls, path: Path, threads: int = 0) -> OnnxClassifier:
        """Read a file, checked against the SHA-256 in the JSON file beside it, if there is one.

        Raises:
            InkfastError: If it cannot be read, was changed, or is no such classifier.
        """
        return cls(_read_verified(path), str(path), threads)

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, ink bright on dark.

        Raises:
            InkfastError: If these are no such images, or what comes out are no probabilities.
        """
        _check_images(images)
        shape = self.input.shape
        batch = self._fixed_batch or _BATCH_SIZE
        wanted = images if self.input.type == "tensor(uint8)" else images.astype(np.float32) / 255
        wanted = wanted.reshape(-1, *shape[1:])
        found = [self._batch(wanted[i : i + batch], batch) for i in range(0, len(wanted), batch)]
        result = np.concatenate(found) if found else np.zeros((0, CLASSES))
        self._check(result)
        return result

    @property
    def _fixed_batch(self) -> int:
        """The only number of images that the file takes at a time; 0 if it takes any."""
        size = self.input.shape[0]
        return size if isinstance(size, int) and size > 0 else 0

    def _batch(self, images: NDArray[Any], size: int) -> NDArray[np.float64]:
        count = len(images)
        if self._fixed_batch and count < size:
            spare = np.zeros((size - count, *images.shape[1:]), images.dtype)
            images = np.concatenate([images, spare])
        try:
            (found,) = self.session.run([self.output.name], {self.input.name: images})
        except Exception as error:  # whatever the graph does with its input
            raise InkfastError(
                f"{self.name} cannot read {len(images)} images at a time ({_error_summary(error)})."
            ) from None
        answers = np.asarray(found, np.float64)
        if answers.shape != (len(images), CLASSES):  # else a row may be another image's answer
            raise InkfastError(
                f"{self.name}: expected an answer (n, {CLASSES}), got {answers.shape} for "
                f"{len(images)} images."
            )
        return answers[:count]

    def _check(self, result: NDArray[np.float64]) -> None:
        if not np.isfinite(result).all():
            raise InkfastError(f"{self.name}: expected probabilities, got NaN or infinity.")
        sums = result.sum(axis=1)
        if result.size and not (np.all(result >= -1e-6) and np.allclose(sums, 1, atol=1e-3)):
            raise InkfastError(
                f"{self.name}: expected probabilities that sum to 1, got sums from "
                f"{np.min(sums):.3g} to {np.max(sums):.3g}. Put a softmax at the end of the graph."
            )


def _check_images(images: object) -> None:
    """Raise if these are no uint8 ``(n, 28, 28)``: another shape would be cut up anew."""
    if not isinstance(images, np.ndarray):
        came = type(images).__name__
    elif images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        came = f"{images.dtype} {images.shape}"
    else:
        return
    raise InkfastError(
        f"expected images as a NumPy array, uint8 (n, {SIDE}, {SIDE}), ink bright on dark, got "
        f"{came}. Pictures of any size are read by `inkfast.inference.page.read_page`."
    )


def _read_verified(path: Path) -> bytes:
    beside = path.with_suffix(".json")
    try:
        size = path.stat().st_size
        if not 0 < size <= _MAX_BYTES:
            raise InkfastError(f"{path}: expected an ONNX model, got {size:,} bytes.")
        content = path.read_bytes()
        about = beside.read_text(encoding="utf-8") if beside.is_file() else "{}"
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InkfastError(
            f"{getattr(error, 'filename', beside)} cannot be read: {reason}."
        ) from None
    expected = ModelMetadata.read(about, str(beside)).text("sha256")
    if expected and expected != sha256(content):
        raise InkfastError(
            f"{path} was changed or damaged: its SHA-256 is not the one in {beside.name}. "
            "Install or export it again."
        )
    return content


def _create_session(name: str, content: bytes, threads: int) -> Any:
    import onnxruntime

    try:
        if has_external_data(content):
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
        raise InkfastError(
            f"{name} is no ONNX model that can be run ({_error_summary(error)})."
        ) from None


def _error_summary(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _find_input_and_output(name: str, session: Any) -> tuple[Any, Any]:
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
    # converters of scikit-learn's models put the labels, whole numbers, beside the probabilities
    answers = [one for one in outputs if one.type in _FLOAT_TYPES]
    if len(answers) != 1:
        kinds = ", ".join(f"{one.name} {one.type}" for one in outputs)
        raise InkfastError(f"{name}: expected one output of probabilities, got {kinds}.")
    return found, answers[0]
