"""`InputResult`: the result for one input image, and the columns in which it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inkfast.inference.reader import Prediction

NO_INK = "no ink was found"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class InputResult:
    """The result for one input image.

    Attributes:
        source: Where the image comes from, see `inkfast.inference.inputs.InputItem`.
        prediction: What the reader says; None if the image could not be read.
        error: Why it could not be read, as a sentence that begins with the source; else "".
        review: PNG of the input beside what the network saw, if the prediction is unsure and a
            review was asked for; else b"".
    """

    source: str
    prediction: Prediction | None = None
    error: str = ""
    review: bytes = b""

    @property
    def state(self) -> str:
        """``error``, ``unsure``, or "" for a digit."""
        if self.prediction is None:
            return "error"
        return "unsure" if self.prediction.unsure else ""

    def values(self) -> dict[str, str | int | float | None]:
        """Return the result by column: no digit if unsure, no confidence without ink."""
        prediction = self.prediction
        seen = prediction if prediction and prediction.unsure != NO_INK else None
        return {
            "source": one_line(self.source),
            "digit": prediction.digit if prediction and not prediction.unsure else None,
            "confidence": round(seen.confidence, 6) if seen else None,
            "runner_up": seen.runner_up if seen else None,
            "runner_up_confidence": round(seen.runner_up_confidence, 6) if seen else None,
            "unsure": prediction.unsure if prediction else "",
            "error": one_line(self.error),
        }


def one_line(text: str) -> str:
    """Escape what does not print, so that a file's name, whatever its bytes, is one line."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


RESULT_FIELDS = tuple(InputResult("").values())
