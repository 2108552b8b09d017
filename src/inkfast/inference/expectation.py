"""`Expectation`: what is known of a number before it is read, as a regular expression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.inference.numbers import ALPHABET, DIGITS
from inkfast.inference.regex_automaton import DEAD, MAX_STATES, START, build_automaton


@dataclass(frozen=True, eq=False)
class Expectation:
    r"""Texts that a number may have, as the deterministic automaton of a regular expression.

    Attributes:
        pattern: The expression, in the syntax of Python's `re`; it matches the whole text.
        next_state: State after each character of `ALPHABET`, int64 ``(states, characters)``. No
            text is accepted from state 0, which leads to itself; state 1 is the first.
        accepting: Whether a text may end in each state, bool ``(states,)``.

    >>> Expectation.compile(r"\d+[.,]\d\d").accepts("12.50")
    True
    """

    pattern: str
    next_state: NDArray[np.int64]
    accepting: NDArray[np.bool_]

    @classmethod
    def compile(cls, pattern: str, characters: str = ALPHABET) -> Expectation:
        """Compile a regular expression.

        Args:
            pattern: Expression in the syntax of `re`, without look-around and back-references.
            characters: Characters of `ALPHABET` that a text may consist of.

        Raises:
            InkfastError: If the expression is not valid, too large, or matches no text.
        """
        if not isinstance(pattern, str) or not pattern:
            raise InkfastError(
                rf"the expected pattern must be a regular expression such as '\d{{5}}', got "
                f"{short_repr(pattern)}."
            )
        try:
            table, accepting = build_automaton(pattern, characters)
            return cls(pattern, *_without_dead_ends(table, accepting, characters))
        except InkfastError as fault:
            raise InkfastError(f"the expected pattern {_quoted(pattern)}: {fault}") from None

    def accepts(self, text: str) -> bool:
        """Return whether a text of characters of `ALPHABET` is expected."""
        state = START
        for character in text:
            state = self.next_state[state, ALPHABET.index(character)]
        return bool(self.accepting[state])


def build_expectation(
    pattern: str | None, digits: int | None = None, *, digits_only: bool = False
) -> Expectation | None:
    r"""Return what is known of a number beforehand, or None if nothing is.

    Args:
        pattern: Regular expression of the number, or None.
        digits: Number of digits of the number, or None; another way to say ``\d{digits}``.
        digits_only: Whether other characters are left out before the number is compared.

    Raises:
        InkfastError: If both are given, or one cannot be used.
    """
    if pattern is not None and digits is not None:
        raise InkfastError("expected a pattern or a number of digits, got both. Give one of them.")
    if digits is not None:
        check_number("digits", digits, low=1, high=MAX_STATES - 2, whole=True)
        pattern = rf"\d{{{digits}}}"
    if pattern is None:
        return None
    return Expectation.compile(pattern, DIGITS if digits_only else ALPHABET)


def _without_dead_ends(
    table: list[list[int]], accepting: list[bool], characters: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the automaton over `ALPHABET`, with every state from which no text ends replaced.

    Raises:
        InkfastError: If no text but the empty one is accepted.
    """
    ends = np.array(accepting)
    next_state = np.full((len(table), len(ALPHABET)), DEAD)
    next_state[:, [ALPHABET.index(character) for character in characters]] = table
    alive = ends
    while (more := ends | alive[next_state].any(axis=1)).sum() > alive.sum():
        alive = more
    if not alive[next_state[START]].any():
        known = characters.replace(" ", " and space")
        raise InkfastError(f"it matches no text of the characters {known}.")
    return np.where(alive[next_state], next_state, DEAD), ends


def _quoted(pattern: str, most: int = 60) -> str:
    """Return a pattern in quotes, on one line, cut to `most` characters; backslashes stay."""
    line = " ".join(pattern.split())
    return f"'{line if len(line) <= most else line[: most - 1] + '…'}'"
