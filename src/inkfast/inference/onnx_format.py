"""`OnnxFormat`: how a network of another tool takes pixels and what it returns.

It is written as text, ``mean=0.1307, std=0.3081, output=logits``, in an option or in the metadata
of the file. What is not given follows from the graph, see `inkfast.inference.onnx_graph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError, check_choice, check_number, short_repr, unknown_name

OPTION = "--onnx-format"
FORMAT_KEY = "inkfast_format"  # key of the same text in a file's metadata
SHAPES = {"28x28": [28, 28], "1x28x28": [1, 28, 28], "28x28x1": [28, 28, 1], "784": [784]}
INKS = ("bright", "dark")
OUTPUTS = ("probabilities", "logits", "scores", "labels")
# Values of the ONNX standard, in lower case, since its keys and values are case-insensitive.
# Source: https://onnx.ai/onnx/repo-docs/MetadataProps.html
_STANDARD_KEY = "image.nominalpixelrange"
_STANDARD_RANGES = {
    "nominalrange_0_255": "0..255",
    "normalized_0_1": "0..1",
    "normalized_1_1": "-1..1",
    "nominalrange_16_235": "16..235",
}


@dataclass(frozen=True)
class OnnxFormat:
    """How a network takes pixels and what it returns; "" is left to the graph.

    A pixel is scaled to `range`, then `mean` is subtracted and the rest divided by `std`.

    Attributes:
        shape: Shape of one image, a key of `SHAPES`.
        range: Values of a black and of a white pixel, e.g. ``0..1``.
        mean: Mean of the pixels, on the scale of `range`.
        std: Standard deviation of the pixels, likewise.
        ink: Whether ink is bright on dark, as in MNIST, or dark on bright.
        output: What it returns: probabilities, logits, scores (which are divided by their sum) or
            labels alone.
        tensor: Name of the output that is read, if there are several.
    """

    shape: str = ""
    range: str = ""
    mean: float = 0.0
    std: float = 1.0
    ink: str = "bright"
    output: str = ""
    tensor: str = ""

    @classmethod
    def parse(cls, text: str, base: OnnxFormat | None = None) -> OnnxFormat:
        """Read a format; keys that it does not name keep the values of `base`.

        Raises:
            InkfastError: For an unknown key, or a value that is not allowed.
        """
        values: dict[str, Any] = {key: _value_of(key, value) for key, value in _pairs(text)}
        found = replace(base or cls(), **values)
        found.ends("0..1")
        return found

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, str], name: str) -> OnnxFormat:
        """Read the format that a file states in its metadata.

        Args:
            metadata: Metadata of the file by key.
            name: Name of the file, for messages.

        Raises:
            InkfastError: If it is not a format.
        """
        standard = {key.lower(): value.lower() for key, value in metadata.items()}
        pixels = _STANDARD_RANGES.get(standard.get(_STANDARD_KEY, ""), "")
        try:
            return cls.parse(metadata.get(FORMAT_KEY, ""), cls(range=pixels))
        except InkfastError as error:
            raise InkfastError(f"{name}: metadata `{FORMAT_KEY}`: {error}") from None

    def ends(self, default: str) -> tuple[float, float]:
        """Return the values of a black and of a white pixel."""
        parts = (self.range or default).split("..")
        try:
            low, high = (float(part) for part in parts)
        except ValueError:
            low = high = float("nan")
        if not (np.isfinite([low, high]).all() and low < high):
            raise InkfastError(
                "`range` must be the values of a black and of a white pixel, e.g. 0..255 or -1..1, "
                f"got {short_repr(self.range)}."
            )
        return low, high

    def pixel_values(self, dtype: Any) -> NDArray[Any]:
        """Return the value that the network takes for each pixel value 0 to 255.

        Args:
            dtype: NumPy type of the network's input.

        Raises:
            InkfastError: If the input is uint8 and other values than 0 to 255 are asked for.
        """
        whole = np.dtype(dtype) == np.uint8
        low, high = self.ends("0..255" if whole else "0..1")
        if whole and (low, high, self.mean, self.std) != (0, 255, 0, 1):
            raise InkfastError(
                "the network takes pixels as uint8, 0 to 255: leave range, mean and std out of "
                f"{OPTION}."
            )
        grey = np.arange(256) if self.ink == "bright" else np.arange(255, -1, -1)
        scaled = (low + (high - low) * (grey / 255) - self.mean) / self.std
        return np.asarray(np.rint(scaled) if whole else scaled, dtype)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the keys and values of ``key=value, key=value``."""
    known = [field.name for field in fields(OnnxFormat)]
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (one.strip() for one in part.partition("="))
        if key not in known:
            raise unknown_name("key of the format", key, known)
        if not equals or not value:
            raise InkfastError(f"`{key}` must have a value, e.g. output=logits, got {part!r}.")
        found.append((key, value))
    return found


def _value_of(key: str, value: str) -> str | float:
    """Return a value that is allowed for its key; `range` is checked by `OnnxFormat.ends`."""
    allowed = {"shape": tuple(SHAPES), "ink": INKS, "output": OUTPUTS}
    if key in allowed:
        check_choice(key, value, allowed[key])
    if key not in ("mean", "std"):
        return value
    try:
        number = float(value)
    except ValueError:
        raise InkfastError(f"`{key}` must be a number, got {value!r}.") from None
    return check_number(key, number, above=0 if key == "std" else None)
