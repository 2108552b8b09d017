"""What the graph of an ONNX file says about a classifier: its input, its output, what it returns.

Whatever neither the graph nor the format decides is refused in one line that names the option.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Images
from inkfast.core.errors import InkfastError
from inkfast.inference.onnx_format import OPTION, SHAPES, OnnxFormat

_INPUT_TYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
}
_SCORE_TYPES = ("tensor(float)", "tensor(double)", "tensor(float16)")
_LABEL_TYPES = ("tensor(int64)", "tensor(int32)", "tensor(string)")
_MAPS = "seq(map("  # probabilities by class, as converters of scikit-learn's models return them
_SUM_ERROR = 1e-3  # largest distance of a sum of probabilities from 1: float16 rounds to 5e-4


def find_input(name: str, session: Any, form: OnnxFormat) -> tuple[Any, list[int], Any]:
    """Return the input, the shape of one image and its NumPy type.

    Raises:
        InkfastError: If it is not the input of a classifier of 28x28 images.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise InkfastError(f"{name}: expected one input of 28x28 images, got {len(inputs)}.")
    (found,) = inputs
    if found.type not in _INPUT_TYPES:
        raise InkfastError(f"{name}: expected an input of uint8 or float, got {found.type}.")
    fitting = [text for text, sizes in SHAPES.items() if _fits(found.shape[1:], sizes)]
    if form.shape:
        fitting = [text for text in fitting if text == form.shape]
    if not fitting:
        asked = f", {OPTION} asks for {form.shape}" if form.shape else ""
        raise InkfastError(
            f"{name}: expected an input (n, 28, 28), (n, 1, 28, 28), (n, 28, 28, 1) or (n, 784), "
            f"got {tuple(found.shape)}{asked}."
        )
    if len(fitting) > 1:
        raise InkfastError(
            f"{name}: its input {tuple(found.shape)} does not say where the channel is: expected "
            f"{OPTION} shape={' or shape='.join(fitting)}."
        )
    return found, SHAPES[fitting[0]], _INPUT_TYPES[found.type]


def _fits(shape: list[Any], sizes: list[int]) -> bool:
    """Return whether a shape has these sizes; a name or None stands for any size."""
    return len(shape) == len(sizes) and all(
        one == size or not isinstance(one, int) for one, size in zip(shape, sizes, strict=True)
    )


def find_output(name: str, session: Any, form: OnnxFormat) -> Any:
    """Return the output that is read.

    Raises:
        InkfastError: If there are several, or none of a type that is known.
    """
    outputs = session.get_outputs()
    kinds = ", ".join(f"{one.name} {one.type}" for one in outputs)
    if form.tensor:
        outputs = [one for one in outputs if one.name == form.tensor]
    # converters of scikit-learn's models put the labels beside the probabilities
    scores = [one for one in outputs if one.type in _SCORE_TYPES or one.type.startswith(_MAPS)]
    labels = [one for one in outputs if one.type in _LABEL_TYPES]
    found = labels if form.output == "labels" and labels else scores or labels
    if len(found) > 1:
        raise InkfastError(
            f"{name}: expected one output, got {kinds}. Choose one: {OPTION} tensor={found[0].name}"
        )
    if not found:
        asked = f" named {form.tensor}" if form.tensor else ""
        raise InkfastError(
            f"{name}: expected one output of probabilities, logits or labels{asked}, got {kinds}."
        )
    return found[0]


def is_label(output: Any) -> bool:
    """Return whether an output is labels, by its type."""
    return output.type in _LABEL_TYPES


def output_kind(name: str, output: Any, answers: NDArray[Any], form: OnnxFormat) -> str:
    """Return what a network returns, one of `inkfast.inference.onnx_format.OUTPUTS`.

    Args:
        name: Name of the file, for messages.
        output: The output, see `find_output`.
        answers: What it returned for some images, see `stack_answers`.
        form: What is known about it.

    Raises:
        InkfastError: If that cannot be told.
    """
    if form.output:
        return form.output
    if is_label(output):
        return "labels"
    if not np.isfinite(answers).all():
        raise InkfastError(f"{name}: expected probabilities, got NaN or infinity.")
    if are_probabilities(answers):
        return "probabilities"
    if answers.min() < 0 or answers.max() > 1:
        return "logits"
    raise InkfastError(
        f"{name}: expected probabilities that sum to 1, got sums from {answers.sum(1).min():.3g} "
        f"to {answers.sum(1).max():.3g}. If they are logits, give {OPTION} output=logits; if each "
        "class has a score of its own, output=scores."
    )


def are_probabilities(answers: NDArray[Any]) -> bool:
    """Return whether all rows ``(n, 10)`` are probabilities that sum to 1."""
    return bool(np.all(answers >= -1e-6) and np.allclose(answers.sum(1), 1, atol=_SUM_ERROR))


def probe_images() -> Images:
    """Return images, uint8 ``(16, 28, 28)``, by whose answers logits are told from probabilities.

    One is blank, the others have strokes at random places.
    """
    rng = np.random.default_rng(0)
    images = np.zeros((16, SIDE, SIDE), np.uint8)
    for image in images[1:]:
        for top, left in rng.integers(2, SIDE - 12, (3, 2)):
            image[top : top + 10, left : left + 3] = 255
    return images


def stack_answers(found: Any, output: Any) -> NDArray[Any]:
    """Return the answers of one call as an array: scores ``(n, classes)`` or labels ``(n,)``."""
    if output.type.startswith(_MAPS):
        found = [[one[key] for key in sorted(one, key=int)] for one in found]
    answers = np.asarray(found)
    if answers.ndim == 2 and answers.shape[1] == 1:
        answers = answers[:, 0]
    return answers if is_label(output) else answers.astype(np.float64)


def to_probabilities(name: str, answers: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """Return probabilities ``(n, 10)``; a label alone has all of it.

    Raises:
        InkfastError: If the answers are not of the kind.
    """
    if kind == "labels":
        return _one_hot(name, answers)
    if not np.isfinite(answers).all():
        raise InkfastError(f"{name}: expected {kind}, got NaN or infinity.")
    if kind == "logits":
        powers = np.exp(answers - answers.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
    sums = answers.sum(axis=1)
    if kind == "scores" and answers.size and answers.min() >= 0 and sums.min() > 0:
        return np.asarray(answers / sums[:, None], np.float64)
    if answers.size and (kind == "scores" or not are_probabilities(answers)):
        wanted = "scores >= 0, not all 0" if kind == "scores" else "probabilities that sum to 1"
        raise InkfastError(
            f"{name}: expected {wanted}, got values from {answers.min():.3g} to "
            f"{answers.max():.3g} with sums from {sums.min():.3g} to {sums.max():.3g}. If they are "
            f"logits, give {OPTION} output=logits."
        )
    return np.asarray(answers, np.float64)


def _one_hot(name: str, labels: NDArray[Any]) -> NDArray[np.float64]:
    try:
        numbers = labels.astype(np.float64)
    except ValueError:
        numbers = np.full(len(labels), np.nan)
    if not np.isin(numbers, np.arange(CLASSES)).all():
        wrong = labels[~np.isin(numbers, np.arange(CLASSES))][0]
        raise InkfastError(f"{name}: expected labels from 0 to 9, got {wrong}.")
    return np.asarray(np.eye(CLASSES)[numbers.astype(np.int64)])
