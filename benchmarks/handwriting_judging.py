"""How answers on handwriting are judged: right, wrong, or unsure or not found.

Only the characters that a set keeps are compared, in the answers of every program. Where writers
are known, shares are means over writers and so are their intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from inkfast.core.intervals import wilson_interval

OUTCOMES = ("right", "wrong", "unsure")
DIGITS = "0123456789"
PAGE = DIGITS + " |"  # words and lines apart
SEPARATED = PAGE + ".,-/:+=()#*$%"

Share: TypeAlias = dict[str, float | list[float]]  # value and ci95


@dataclass(frozen=True)
class Answer:
    """What a program says of one image.

    Attributes:
        text: Best guess; lines are joined by ``|`` and words by a space; "" if nothing was found.
        unsure: Reason not to rely on it; "" if the program is sure, or never says that it is not.
    """

    text: str
    unsure: str = ""


def comparable(text: str, keep: str) -> str:
    """Return a text without the characters that are not compared, with single spaces.

    Args:
        text: Lines joined by ``|``, words by a space.
        keep: Characters that are compared; a space or ``|`` that is not in it joins its neighbours.
    """
    lines = "".join(character for character in text if character in keep).split("|")
    return "|".join(" ".join(words) for words in (line.split() for line in lines) if words)


def judge(answer: Answer, truth: str, keep: str) -> str:
    """Return one of `OUTCOMES`; an answer without a character that is compared is not found."""
    found = comparable(answer.text, keep)
    if answer.unsure or not found:
        return "unsure"
    return "right" if found == comparable(truth, keep) else "wrong"


def summarize(
    answers: Sequence[Answer], truths: Sequence[str], groups: Sequence[str], keep: str
) -> dict[str, Any]:
    """Return the share of each outcome, and the share of best guesses that are right.

    Args:
        answers: Answer to each image.
        truths: Text of each image.
        groups: Writer of each image; all equal if the writers are not known.
        keep: Characters that are compared.
    """
    pairs = list(zip(answers, truths, strict=True))
    outcomes = np.array([judge(answer, truth, keep) for answer, truth in pairs])
    guessed = [judge(Answer(answer.text), truth, keep) == "right" for answer, truth in pairs]
    return {
        "n": len(pairs),
        **{name: share(outcomes == name, groups) for name in OUTCOMES},
        "best_guess_right": share(np.array(guessed), groups),
    }


def share(hits: np.ndarray, groups: Sequence[str]) -> Share:
    """Return the mean over groups of the share of hits, with its 95 % interval.

    The interval is Wilson's. With several groups, its n is the number of independent images with
    the standard error that the groups' means have, and at least the number of groups. Source: Korn
    and Graubard (1998), Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data.
    """
    names = np.array(groups)
    means = np.array([hits[names == name].mean() for name in np.unique(names)])
    value, n = float(means.mean()), len(hits)
    if len(means) > 1:
        variance = float(means.var(ddof=1)) / len(means)
        n = (
            max(len(means), min(n, round(value * (1 - value) / variance)))
            if variance
            else len(means)
        )
    return {"value": value, "ci95": list(wilson_interval(value, n))}
