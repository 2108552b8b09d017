"""What a number reader says of an image of one number."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = "0123456789"
OTHER = "?"  # stands for a sign that the reader does not know
GAP = " "  # parts two numbers of a line
# Characters of a number reader in the order of its network's outputs; the blank of CTC follows.
ALPHABET = DIGITS + ".,-/:+=()#*$%" + OTHER + GAP


@dataclass(frozen=True)
class Character:
    """One character of a number.

    Attributes:
        text: A character of `ALPHABET`; `OTHER` for a sign that is none of them.
        confidence: Calibrated probability that it is right, in [0, 1].
        start: Left end as a share of the strip's width, in [0, 1].
        end: Right end as a share of the strip's width, in [0, 1].
        unsure: Reason not to rely on it; "" if the reader is sure.
    """

    text: str
    confidence: float
    start: float
    end: float
    unsure: str = ""


@dataclass(frozen=True)
class NumberReading:
    """What a number reader says of one strip.

    Attributes:
        text: The most probable text; "" if nothing is written on the strip.
        confidence: Calibrated probability that the whole text is right, in [0, 1].
        runner_up: The second most probable text.
        runner_up_confidence: Calibrated probability of the second most probable, in [0, 1].
        characters: Characters of the text from left to right.
        unsure: Reason not to rely on the text; "" if the reader is sure.
    """

    text: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    characters: tuple[Character, ...]
    unsure: str = ""
