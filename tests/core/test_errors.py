"""Messages say what was expected, what came, and what to do."""

from __future__ import annotations

import pickle

import pytest

from inkfast.core import errors
from inkfast.core.errors import InkfastError


@pytest.mark.parametrize(("value", "limits", "message"), [
    (-1, {"low": 0}, "`x` must be a finite number >= 0, got -1."),
    (2, {"high": 1}, "`x` must be a finite number <= 1, got 2."),
    (0, {"above": 0, "high": 1}, "`x` must be a finite number > 0 and <= 1, got 0."),
    (1.5, {"whole": True}, "`x` must be a whole number, got 1.5."),
    (True, {}, "`x` must be a finite number, got True."),
    ("1", {}, "`x` must be a finite number, got '1'."),
    (float("nan"), {}, "`x` must be a finite number, got nan."),
    (float("inf"), {}, "`x` must be a finite number, got inf."),
    (10**400, {}, "`x` must be a finite number, got 1000"),
])  # fmt: skip
def test_a_number_outside_its_limits_is_explained(value, limits, message):
    """Every limit is named; booleans, text and infinities are no numbers."""
    with pytest.raises(InkfastError) as error:
        errors.check_number("x", value, **limits)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(("value", "limits"), [
    (0, {"low": 0}), (1, {"high": 1}), (1e-9, {"above": 0}), (3, {"whole": True}), (-5.5, {}),
])  # fmt: skip
def test_a_number_within_its_limits_is_returned(value, limits):
    """The limits themselves are allowed, but not an exclusive one."""
    assert errors.check_number("x", value, **limits) == value


def test_flags_and_choices_are_checked():
    """Only a boolean is a flag, and only a listed word a choice."""
    errors.check_flag("x", False)
    errors.check_choice("x", "a", ["a", "b"])
    with pytest.raises(InkfastError, match="`x` must be true or false, got 1"):
        errors.check_flag("x", 1)
    with pytest.raises(InkfastError, match="`x` must be one of 'a', 'b', got 'c'"):
        errors.check_choice("x", "c", ["a", "b"])


def test_an_unknown_name_lists_the_known_ones():
    """In order, with the nearest one first."""
    error = errors.unknown_name("noise", "roate", ["rotate", "blur"])
    assert str(error) == "unknown noise 'roate'. Did you mean 'rotate'? Known: blur, rotate."
    assert str(errors.unknown_name("noise", "xyz", ["blur"])) == "unknown noise 'xyz'. Known: blur."


def test_values_are_shown_on_one_line():
    """Long ones are cut, and numbers without a decimal form are described."""
    assert errors.short_repr("a\n b") == "'a\\n b'"
    assert errors.short_repr("x" * 58) == repr("x" * 58)
    assert errors.short_repr("x" * 59) == "'" + "x" * 58 + "…"
    assert errors.short_repr(int("f" * 4000, 16)) == "a number of more than 4,300 digits"


def test_errors_cross_processes():
    """They are rebuilt from their arguments."""
    for error in (errors.NoInkError(), errors.StoppedError("a"), InkfastError("b")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again)) == (type(error), str(error))
        assert isinstance(again, ValueError)
