"""`InputResult`: the result for one input image, and the columns in which it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inkfast.core.io import nan_to_none
from inkfast.inference.columns import DECIMALS, DIGIT_COLUMNS
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
        page: Page of the file, from 1.
    """

    source: str
    prediction: Prediction | None = None
    error: str = ""
    review: bytes = b""
    page: int = 1

    @property
    def state(self) -> str:
        """``error``, ``unsure``, or "" for a digit."""
        if self.prediction is None:
            return "error"
        return "unsure" if self.prediction.unsure else ""

    def values(self) -> dict[str, str | int | float | None]:
        """Return the result by column; no digit and no confidence without ink.

        A network that returns labels alone gives no confidence and no runner-up either.
        """
        prediction = self.prediction
        seen = prediction if prediction and prediction.unsure != NO_INK else None
        values = (
            one_line(self.source),
            self.page,
            seen.digit if seen else None,
            nan_to_none(round(seen.confidence, DECIMALS)) if seen else None,
            seen.runner_up if seen else None,
            nan_to_none(round(seen.runner_up_confidence, DECIMALS)) if seen else None,
            prediction.unsure if prediction else "",
            one_line(self.error),
        )
        return dict(zip(DIGIT_COLUMNS, values, strict=True))


def one_line(text: str) -> str:
    """Escape what does not print, so that a file's name, whatever its bytes, is one line."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def file_stem(text: str) -> str:
    """Return a text as part of a file name: letters, digits, ``.``, ``-`` and ``_``."""
    return re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII)
