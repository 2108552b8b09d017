"""Pictures, one digit each, and what a reader says of them: one `Row` a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageOps

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.normalization import WORK
from inkfast.imaging.opening import open_image, png
from inkfast.inference.inputs import Content
from inkfast.inference.quality import QualityCheck, preprocess_checked
from inkfast.inference.reader import Prediction, Reader

NO_INK = "there is no ink to be seen"
# what is given to another process: each picture's source and content, or why there is none
Chunk: TypeAlias = Sequence[tuple[str, Content | InkfastError]]
_REVIEW = 280  # pixels of a side
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class InputResult:
    """What came of one picture.

    Attributes:
        source: Where it lies, see `Given`.
        prediction: What the reader says; None when it could not be read.
        error: Why it could not be read, in a sentence that begins with its source; or "".
        review: PNG of what was given beside what the network saw, when it is unsure and a review
            was asked for; or b"".
    """

    source: str
    prediction: Prediction | None = None
    error: str = ""
    review: bytes = b""

    @property
    def state(self) -> str:
        """Whether it is an ``error`` or ``unsure``; "" for a digit."""
        return (
            "unsure"
            if self.prediction and self.prediction.unsure
            else ""
            if self.prediction
            else "error"
        )

    def values(self) -> dict[str, str | int | float | None]:
        """Return the row as it is written: no digit when unsure, no confidence without ink."""
        answer = self.prediction
        seen = answer if answer and answer.unsure != NO_INK else None
        return {
            "source": one_line(self.source),
            "digit": answer.digit if answer and not answer.unsure else None,
            "confidence": round(seen.confidence, 6) if seen else None,
            "runner_up": seen.runner_up if seen else None,
            "runner_up_confidence": round(seen.runner_up_confidence, 6) if seen else None,
            "unsure": answer.unsure if answer else "",
            "error": one_line(self.error),
        }


def one_line(text: str) -> str:
    """Return a text that holds a file's name, whatever its bytes, as one line that prints."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return _UNPRINTED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


FIELDS = tuple(InputResult("").values())


def predict_chunk(reader: Reader, chunk: Chunk, *, review: bool = False) -> list[InputResult]:
    """Read pictures together; one that cannot be read is a row that says so."""
    seen = [_seen(source, content) for source, content in chunk]
    images = [one[0] for one in seen if not isinstance(one, str)]
    answers = iter(reader.predict(np.stack(images)) if images else [])
    rows = []
    for (source, content), one in zip(chunk, seen, strict=True):
        if isinstance(one, str):
            rows.append(InputResult(source, error=one))
            continue
        image, doubt = one
        answer = doubt.of(next(answers))
        if not image.any():
            answer = replace(answer, unsure=NO_INK)
        shown = b""
        if review and answer.unsure and not isinstance(content, InkfastError):
            shown = _review(content, image)
        rows.append(InputResult(source, answer, review=shown))
    return rows


def _seen(source: str, content: Content | InkfastError) -> tuple[Images, QualityCheck] | str:
    """Return what the network sees of a picture, all black without ink; or what is wrong."""
    if isinstance(content, InkfastError):
        return str(content)
    if not isinstance(content, bytes):
        return content, QualityCheck()
    try:
        return load_digit(source, content)
    except InkfastError as error:
        return str(error)
    except Exception as error:  # one strange file must not end the work on a million
        return f"{source}: cannot be read ({' '.join(repr(error).split())[:200]})."


def load_digit(source: str, content: bytes) -> tuple[Images, QualityCheck]:
    """Return what the network sees of a picture's file, all black without ink; and any doubt.

    Raises:
        InkfastError: If it is no picture, is damaged or too large.
    """
    try:
        return preprocess_checked(open_image(content, WORK, source).grey)
    except NoInkError:
        return np.zeros((SIDE, SIDE), np.uint8), QualityCheck()


def _review(content: Content, image: Images) -> bytes:
    """Return a PNG of what was given on the left and what the network saw on the right."""
    given = Image.fromarray(image)
    if isinstance(content, bytes):
        given = open_image(content, _REVIEW).colours
    canvas = Image.new("RGB", (2 * _REVIEW + 10, _REVIEW), "white")
    for left, picture in ((0, given), (_REVIEW + 10, Image.fromarray(image))):
        how = Image.Resampling.BOX if max(picture.size) > _REVIEW else Image.Resampling.NEAREST
        canvas.paste(ImageOps.contain(picture.convert("RGB"), (_REVIEW, _REVIEW), how), (left, 0))
    return png(canvas)
