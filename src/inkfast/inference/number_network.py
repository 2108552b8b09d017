"""`OnnxNumberNetwork`: a network that reads numbers in an ONNX file, run by ONNX Runtime.

The graph takes prepared strips of one width, uint8 ``(n, 40, width)``, normalises them itself, and
returns logarithms of probabilities: one distribution of characters for every four columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.inference.number_strips import STRIP_HEIGHT, GreyStrip, frames_of_width
from inkfast.inference.numbers import ALPHABET
from inkfast.inference.onnx_classifier import (
    OnnxFile,
    error_summary,
)

_SYMBOLS = len(ALPHABET) + 1  # the characters, and last the blank


class NotNumbersError(InkfastError):
    """A network that does not read numbers."""


class OnnxNumberNetwork(OnnxFile):
    """A network that reads numbers, as `inkfast export` writes it."""

    def log_probabilities(self, strips: GreyStrip) -> NDArray[np.float32]:
        """Return the logarithms of the probabilities of characters at each frame.

        Args:
            strips: Prepared strips of one width, uint8 ``(n, 40, width)``.

        Returns:
            float32 ``(n, frames, characters + 1)``; the blank is the last.

        Raises:
            InkfastError: If the network fails, or returns anything else.
        """
        try:
            (found,) = self.session.run(None, {self.session.get_inputs()[0].name: strips})
        except Exception as error:  # a graph may fail on its input in any way
            raise InkfastError(
                f"{self.name} cannot read {len(strips)} strips ({error_summary(error)})."
            ) from None
        expected = (len(strips), frames_of_width(strips.shape[2]), _SYMBOLS)
        if found.shape != expected or np.isnan(found).any():
            raise InkfastError(
                f"{self.name}: expected an output of shape {expected} without NaN, got "
                f"{found.shape}."
            )
        return np.asarray(found, np.float32)

    def check_signature(self) -> None:
        """See `OnnxFile`."""
        """Raise unless input, output and alphabet are those of a network that reads numbers."""
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        shapes = [list(one.shape) for one in (*inputs, *outputs)]
        if (
            [one.type for one in inputs] != ["tensor(uint8)"]
            or [one.type for one in outputs] != ["tensor(float)"]
            or [len(shape) for shape in shapes] != [3, 3]
            or (shapes[0][1], shapes[1][2]) != (STRIP_HEIGHT, _SYMBOLS)
        ):
            raise NotNumbersError(
                f"{self.name}: expected a network that reads numbers, from uint8 (n, "
                f"{STRIP_HEIGHT}, width) to float (n, frames, {_SYMBOLS}), got inputs and outputs "
                f"of shapes {', '.join(map(str, shapes))}. Networks of single digits are for "
                "`inkfast predict`."
            )
        alphabet = self.metadata.text("alphabet")
        if alphabet != ALPHABET:
            raise InkfastError(
                f"{self.name}: expected the alphabet {ALPHABET!r}, got {alphabet!r}. Export it "
                "again with this inkfast."
            )
