"""Combine the digits of a number, each read on its own, into one `NumberReading`."""

from __future__ import annotations

from math import prod

import numpy as np

from inkfast.core.digits import Images
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.touching_digits import ReadCandidate


def combine_digits(digits: list[ReadCandidate]) -> tuple[NumberReading, Images]:
    """Return the reading of a number, and the images that the network saw, side by side.

    The confidence is the product of those of the digits, since every digit must be right and each
    is read without looking at the others. The runner-up changes the one digit that costs least.

    Args:
        digits: Digits of the number from left to right; at least one.
    """
    predictions = [one.prediction for one in digits]
    text = "".join(str(one.digit) for one in predictions)
    confidence = prod(one.confidence for one in predictions)
    odds = [one.runner_up_confidence / one.confidence for one in predictions]
    place = int(np.argmax(odds))
    second = text[:place] + str(predictions[place].runner_up) + text[place + 1 :]
    reading = NumberReading(
        text,
        confidence,
        second,
        confidence * odds[place],
        _to_characters(digits),
        _first_reason([one.unsure for one in predictions]),
    )
    return reading, np.concatenate([one.image for one in digits], axis=1)


def _to_characters(digits: list[ReadCandidate]) -> tuple[Character, ...]:
    boxes = [one.candidate.box for one in digits]
    left, right = min(box[1] for box in boxes), max(box[3] for box in boxes)
    width = right - left
    return tuple(
        Character(
            str(one.prediction.digit),
            one.prediction.confidence,
            float((box[1] - left) / width),
            float((box[3] - left) / width),
            one.prediction.unsure,
        )
        for one, box in zip(digits, boxes, strict=True)
    )


def _first_reason(reasons: list[str]) -> str:
    """Return why a number is unsure: the reason of its first unsure digit, and where it stands."""
    unsure = [place for place, reason in enumerate(reasons, start=1) if reason]
    if not unsure or len(reasons) == 1:
        return reasons[0]
    more = f" (and {len(unsure) - 1} more)" if len(unsure) > 1 else ""
    return f"character {unsure[0]}: {reasons[unsure[0] - 1]}{more}"
