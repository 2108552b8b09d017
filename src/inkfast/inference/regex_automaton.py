"""Deterministic automata of regular expressions.

Python's own parser reads the expression, so syntax and faults are those of `re`. Each character of
the expression is a position (Glushkov's construction), each set of positions a state. Both are
counted while they are built, so an expression that is too large is refused at once.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]  # the parser of `re` has no public name
from typing import Any

from inkfast.core.errors import InkfastError

MAX_LENGTH = 500  # characters of an expression
MAX_PARTS = 2_000  # characters and groups of an expression with its repetitions written out
MAX_STATES = 500
DEAD, START = 0, 1  # the state from which no text is accepted, and the first state

_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdigit,
    "SPACE": str.isspace,
    "WORD": lambda character: character.isalnum() or character == "_",
}
_NOT_REGULAR = {
    "ASSERT": "look-around",
    "ASSERT_NOT": "look-around",
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a back-reference",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repetition",
    "AT": "a word boundary",
}


@dataclass(frozen=True)
class _Part:
    """A part of an expression; sets of positions are bit masks.

    Attributes:
        nullable: Whether it matches the empty text.
        first: Positions at which its texts begin.
        last: Positions at which its texts end.
    """

    nullable: bool
    first: int
    last: int


_EMPTY = _Part(nullable=True, first=0, last=0)


class _Positions:
    """The positions of an expression, and which may come after which.

    Args:
        items: Items of an expression as Python's parser gives them.
        characters: Characters that texts consist of.

    Attributes:
        follow: For each position the positions that may come next.
        reading: Positions of each character.
        anchors: Positions of ``^`` and of ``$``, which read no character.
        whole: The whole expression.
    """

    def __init__(self, items: Iterable[tuple[object, Any]], characters: str) -> None:
        self.follow: list[int] = []
        self.reading = dict.fromkeys(characters, 0)
        self.anchors = {"^": 0, "$": 0}
        self._parts = 0
        self.whole = self._sequence(items)

    def after(self, mask: int) -> int:
        """Return the positions that may come after any of those in a mask."""
        reach = 0
        for position in _bits(mask):
            reach |= self.follow[position]
        return reach

    def _sequence(self, items: Iterable[tuple[object, Any]]) -> _Part:
        part = _EMPTY
        for operator, argument in items:
            part = self._join(part, self._item(str(operator), argument))
        return part

    def _item(self, operator: str, argument: Any) -> _Part:
        self._count()
        if operator in {"MAX_REPEAT", "MIN_REPEAT"}:  # greedy or not: the same texts
            return self._repeat(*argument)
        if operator == "SUBPATTERN":
            return self._sequence(argument[-1])
        if operator == "BRANCH":
            return _either([self._sequence(branch) for branch in argument[1]])
        if operator == "AT" and "BOUNDARY" not in str(argument):
            return self._anchor("^" if "BEGINNING" in str(argument) else "$")
        if operator in _NOT_REGULAR:
            raise InkfastError(
                f"it uses {_NOT_REGULAR[operator]}. Use characters, classes, groups, | and "
                "repetitions only."
            )
        return self._character(_is_matched(operator, argument))

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InkfastError(
                f"it is too large: with its repetitions written out it has more than "
                f"{MAX_PARTS:,} parts. Use * or + for any number of repetitions."
            )

    def _join(self, one: _Part, other: _Part) -> _Part:
        for position in _bits(one.last):
            self.follow[position] |= other.first
        first = one.first | (other.first if one.nullable else 0)
        last = other.last | (one.last if other.nullable else 0)
        return _Part(one.nullable and other.nullable, first, last)

    def _repeat(self, low: int, high: int, body: Iterable[tuple[object, Any]]) -> _Part:
        part, unlimited = _EMPTY, high == _parser.MAXREPEAT
        copies = max(low, 1) if unlimited else high
        for copy in range(copies):
            self._count()
            piece = self._sequence(body)
            if unlimited and copy == copies - 1:
                self._join(piece, piece)
            piece = _Part(piece.nullable or copy >= low, piece.first, piece.last)
            part = self._join(part, piece)
        return part

    def _character(self, is_matched: Callable[[str], bool]) -> _Part:
        position = self._new_position()
        for character in filter(is_matched, self.reading):
            self.reading[character] |= position
        return _Part(nullable=False, first=position, last=position)

    def _anchor(self, name: str) -> _Part:
        position = self._new_position()
        self.anchors[name] |= position
        return _Part(nullable=False, first=position, last=position)

    def _new_position(self) -> int:
        self.follow.append(0)
        return 1 << (len(self.follow) - 1)


def build_automaton(pattern: str, characters: str) -> tuple[list[list[int]], list[bool]]:
    """Return the deterministic automaton of a regular expression that matches whole texts.

    Args:
        pattern: Expression in the syntax of `re`.
        characters: Characters that texts consist of.

    Returns:
        For each state the next state by character, and for each state whether a text may end in it.
        State `DEAD` leads nowhere; `START` is the first.

    Raises:
        InkfastError: If the expression is not valid, not regular, or too large; the message says
            only why.
    """
    positions = _read_positions(pattern, characters)
    dead, start = (0, False), _first_state(positions)
    numbers = {dead: DEAD, start: START}
    pending = list(numbers)
    table: list[list[int]] = []
    while len(table) < len(pending):
        nexts = _next_states(positions, pending[len(table)][0])
        for state in nexts:
            if numbers.setdefault(state, len(numbers)) == len(pending):
                pending.append(state)
        if len(pending) > MAX_STATES:
            raise InkfastError(
                f"it is too large: its automaton has more than {MAX_STATES} states. Use shorter "
                "repetitions, or * or + for any number of repetitions."
            )
        table.append([numbers[state] for state in nexts])
    return table, [accepts for _, accepts in pending]


# A state is what may come next (a bit mask of positions), and whether a text may end in it.
_State = tuple[int, bool]


def _first_state(positions: _Positions) -> _State:
    reach, _ = _pass_anchors(positions, positions.whole.first, "^")
    _, at_end = _pass_anchors(positions, reach, "^$")
    return reach, positions.whole.nullable or at_end


def _next_states(positions: _Positions, reach: int) -> list[_State]:
    """Return the state after each character."""
    known: dict[int, _State] = {0: (0, False)}
    for mask in positions.reading.values():
        if reach & mask not in known:
            after = positions.after(reach & mask)
            _, at_end = _pass_anchors(positions, after, "$")
            known[reach & mask] = after, at_end or bool(reach & mask & positions.whole.last)
    return [known[reach & mask] for mask in positions.reading.values()]


def _pass_anchors(positions: _Positions, reach: int, names: str) -> tuple[int, bool]:
    """Return what may come next once anchors are passed, and whether a text may end there."""
    anchors, passed = sum(positions.anchors[name] for name in names), 0
    while new := reach & anchors & ~passed:
        passed |= new
        reach |= positions.after(new)
    return reach, bool(passed & positions.whole.last)


def _read_positions(pattern: str, characters: str) -> _Positions:
    """Return the positions of an expression as Python's parser reads it."""
    if len(pattern) > MAX_LENGTH:
        raise InkfastError(f"it is too long: {len(pattern):,} characters, at most {MAX_LENGTH}.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of syntax that may change its meaning
            items = _parser.parse(pattern)
        return _Positions(items, characters)
    except re.error as fault:
        where = "" if fault.pos is None else f" at character {fault.pos + 1}"
        raise InkfastError(f"it is not a regular expression: {fault.msg}{where}.") from None
    except (OverflowError, RecursionError) as fault:
        raise InkfastError(f"it is too large: {fault}.") from None


def _either(parts: list[_Part]) -> _Part:
    first = last = 0
    for part in parts:
        first, last = first | part.first, last | part.last
    return _Part(any(part.nullable for part in parts), first, last)


def _is_matched(operator: str, argument: Any) -> Callable[[str], bool]:
    """Return whether an item that stands for one character matches a given one."""
    if operator == "LITERAL":
        return lambda character: ord(character) == argument
    if operator == "NOT_LITERAL":
        return lambda character: ord(character) != argument
    if operator == "RANGE":
        return lambda character: argument[0] <= ord(character) <= argument[1]
    if operator == "CATEGORY":
        name = str(argument).removeprefix("CATEGORY_")
        in_category, wanted = _CATEGORIES[name.removeprefix("NOT_")], not name.startswith("NOT_")
        return lambda character: in_category(character) == wanted
    if operator == "IN":
        return _in_class([(str(name), value) for name, value in argument])
    return lambda _: True  # "ANY"


def _in_class(items: list[tuple[str, Any]]) -> Callable[[str], bool]:
    negated = items[0][0] == "NEGATE"
    members = [_is_matched(name, value) for name, value in items[negated:]]
    return lambda character: any(member(character) for member in members) != negated


def _bits(mask: int) -> Iterator[int]:
    """Yield the positions in a bit mask."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
