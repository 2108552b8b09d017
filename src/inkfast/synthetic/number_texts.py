"""Texts of synthetic numbers: amounts, dates, times, marks, sums, with signs and line filling.

`sample_text` draws the text of one line. Characters are those of a number reader's alphabet;
`THIN` and `FILL` are instructions of the layout that are not part of the label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

THIN = "_"  # a narrow gap within a number: "10 000" as one number
UNKNOWN = "?"  # a sign that is not in the alphabet: a letter, a currency mark
Rng: TypeAlias = np.random.Generator

_LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
_LENGTH_SHARES = (0.1, 0.13, 0.13, 0.17, 0.17, 0.14, 0.06, 0.05, 0.03, 0.02)
_PREFIXES = ("#", "=", "-", "*", "$", "(", "=-", "$-", "+", "?")
_SUFFIXES = ("-", "=", ".-", ",-", ".", ",", "/", "--", "#", ":", "=", "-.", "..", ",=", ".=", "*")


def sample_text(rng: Rng) -> str:
    """Return the text of one line, from one digit to a few numbers."""
    kinds: list[tuple[float, Callable[[Rng], str]]] = [
        (0.37, _whole),
        (0.24, _amount),
        (0.06, _decimal),
        (0.07, _date),
        (0.05, _time),
        (0.04, _signed),
        (0.03, _sum),
        (0.02, _code),
        (0.02, _percent),
        (0.025, _with_unknown),
        (0.07, _several),
    ]
    shares = np.array([share for share, _ in kinds])
    return kinds[rng.choice(len(kinds), p=shares / shares.sum())][1](rng)


def random_digits(rng: Rng, n: int) -> str:
    """Return `n` digits; zeros and repeated digits are more frequent than by chance."""
    kind = rng.random()
    drawn = rng.integers(0, 10, n)
    if kind < 0.22 and n > 1:  # a round amount
        drawn[rng.integers(1, n) :] = 0
    elif kind < 0.32:  # repeated digits
        drawn[rng.random(n) < 0.6] = rng.integers(0, 10)
    return "".join(map(str, drawn))


def _length(rng: Rng) -> int:
    return int(rng.choice(_LENGTHS, p=_LENGTH_SHARES))


def _whole(rng: Rng) -> str:
    return random_digits(rng, _length(rng))


def _grouped(rng: Rng) -> str:
    """Return a number with its thousands apart."""
    text = random_digits(rng, int(rng.integers(3, 8)))
    mark = str(rng.choice([".", ".", ".", ",", ",", THIN, ""]))
    head = len(text) % 3 or 3
    return mark.join([text[:head], *(text[i : i + 3] for i in range(head, len(text), 3))])


def _amount(rng: Rng) -> str:
    text = _grouped(rng)
    if rng.random() < 0.25:
        text += str(rng.choice([",", "."])) + random_digits(rng, 2)
    if rng.random() < 0.2:
        text = str(rng.choice(_PREFIXES)) + text
    if rng.random() < 0.6:
        text += (THIN if rng.random() < 0.3 else "") + str(rng.choice(_SUFFIXES))
    return text


def _decimal(rng: Rng) -> str:
    whole = random_digits(rng, int(rng.integers(1, 4)))
    return whole + str(rng.choice([".", ".", ","])) + random_digits(rng, int(rng.integers(1, 4)))


def _date(rng: Rng) -> str:
    mark = str(rng.choice(["/", "/", ".", "-"]))
    day, month = rng.integers(1, 32), rng.integers(1, 13)
    pad = "02" if rng.random() < 0.6 else ""
    parts = [format(day, pad), format(month, pad)]
    year = rng.random()
    if year < 0.35:
        parts.append(str(rng.integers(1900, 2100)))
    elif year < 0.7:
        parts.append(random_digits(rng, 2))
    return mark.join(parts)


def _time(rng: Rng) -> str:
    parts = [str(rng.integers(0, 24)), format(rng.integers(0, 60), "02")]
    if rng.random() < 0.2:
        parts.append(format(rng.integers(0, 60), "02"))
    return ":".join(parts)


def _signed(rng: Rng) -> str:
    text = _whole(rng) if rng.random() < 0.7 else _decimal(rng)
    return str(rng.choice(["-", "-", "-", "+"])) + text


def _sum(rng: Rng) -> str:
    def term() -> str:
        return random_digits(rng, int(rng.integers(1, 4)))

    text = term() + str(rng.choice(["+", "-", "/", ":", "*"])) + term()
    return text + ("=" + term() if rng.random() < 0.5 else "")


def _code(rng: Rng) -> str:
    mark = str(rng.choice(["-", "/", "."]))
    groups = [random_digits(rng, int(rng.integers(2, 5))) for _ in range(rng.integers(2, 4))]
    text = mark.join(groups)
    return f"({groups[0]}){text}" if rng.random() < 0.2 else text


def _percent(rng: Rng) -> str:
    text = random_digits(rng, int(rng.integers(1, 3)))
    return (text if rng.random() < 0.7 else _decimal(rng)) + "%"


def _with_unknown(rng: Rng) -> str:
    text = _whole(rng)
    some = UNKNOWN * int(rng.integers(1, 4))
    place = rng.random()
    if place < 0.3:
        return some
    if place < 0.6:
        return some + text
    return text + some if place < 0.9 else text[:1] + some + text[1:]


def _several(rng: Rng) -> str:
    kinds = (_whole, _whole, _decimal, _time, _date)
    chosen = kinds[rng.integers(0, len(kinds))]
    n = int(rng.integers(2, 5))
    return " ".join(_short(chosen, rng) for _ in range(n))


def _short(kind: Callable[[Rng], str], rng: Rng) -> str:
    return kind(rng)[:5].rstrip(".,:/-")
