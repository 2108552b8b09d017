"""Expectations are regular expressions of `re`, compiled to small automata or refused in a line."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inkfast.core.errors import InkfastError
from inkfast.inference import regex_automaton
from inkfast.inference.expectation import Expectation, build_expectation
from inkfast.inference.numbers import ALPHABET, DIGITS

PATTERNS = [
    r"\d{1,2}",
    r"\d{5}",
    r"\d+[.,]\d\d",
    r"(0?[1-9]|[12]\d|3[01])[./-](0?[1-9]|1[0-2])[./-](19|20)?\d\d",
    r"-?\d*?(?:[.,]\d+)?",
    r"[^\d.]+",
    r"(?P<a>1|2)?(3|45)*",
    r"((1?2?){2}3?){1,3}",
    r"^1$|^23\Z|\A4",
    r"(^1|2$)3?",
    r"\$\d|\?|[+*]\W|\s1",
    r"1{0}2{,2}",
    r"(|1)(2|)",
    r"(?x) 1 \. 2  # one and two tenths",
    r"[\D-]1|.\S.",
]


TEXTS = st.text(st.sampled_from("0123456789.,-/+$? "), max_size=6)
ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY_SPEED
@given(st.sampled_from(PATTERNS), TEXTS)
def test_an_automaton_accepts_what_re_matches(pattern: str, text: str) -> None:
    """The whole text counts, as with `re.fullmatch`."""
    assert Expectation.compile(pattern).accepts(text) == bool(re.fullmatch(pattern, text))


@ANY_SPEED
@given(st.data(), st.sampled_from(PATTERNS))
def test_an_automaton_accepts_what_a_generator_draws(data: st.DataObject, pattern: str) -> None:
    """Texts that hypothesis makes from an expression are accepted by it."""
    text = data.draw(st.from_regex(pattern, fullmatch=True, alphabet=ALPHABET))
    assert Expectation.compile(pattern).accepts(text)


def test_no_text_is_accepted_from_the_dead_state() -> None:
    """State 0 leads to itself, and so does every beginning that cannot be completed."""
    automaton = Expectation.compile(r"12|1[^\W\d]")
    assert not automaton.next_state[0].any()
    assert not automaton.accepting[0]
    after_one = automaton.next_state[1, 1]
    assert sum(automaton.next_state[after_one] != 0) == 1


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        (r"(12", "not a regular expression: missing ), unterminated subpattern at character 1."),
        (r"12*+*", "not a regular expression: multiple repeat at character 5."),
        (r"[2-1]", "not a regular expression: bad character range 2-1 at character 2."),
        (r"1(?=2)", "'1(?=2)': it uses look-around."),
        (r"(?<!1)2", "it uses look-around."),
        (r"(1|2)\1", "it uses a back-reference."),
        (r"(1)?(?(1)2|3)", "it uses a back-reference."),
        (r"(?>1|2)3", "it uses an atomic group."),
        (r"1++2", "it uses a possessive repetition."),
        (r"\b1", "it uses a word boundary."),
        (r"[a-z]+", "it matches no text of the characters 0123456789.,-/:+=()#*$%? and space."),
        (r"a*", "it matches no text of the characters"),
        (r"1^2", "it matches no text of the characters"),
        (r"1$2", "it matches no text of the characters"),
        ("", "must be a regular expression such as"),
        (5, "got 5."),
        ("1" * 501, "it is too long: 501 characters, at most 500."),
        (r"\d{99999999999}", "it is too large: the repetition number is too large."),
        ("a\nb", "the expected pattern 'a b': it matches no text"),
    ],
)
def test_an_unusable_expression_is_refused_in_one_line(pattern: str, fault: str) -> None:
    """The line shows the expression and what is wrong with it."""
    with pytest.raises(InkfastError, match=re.escape(fault)) as caught:
        Expectation.compile(pattern)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    [r"(\d{1,999}){1,999}", r"((((\d?){20}){20}){20}){20}", r"(){1,60000}1", r"(\d*){60000}"],
)
def test_an_expression_that_runs_away_stops_at_a_bound(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are never more than the bound on parts, however often parts are repeated."""
    made = []
    join = regex_automaton._Positions._join

    def counted(self: regex_automaton._Positions, *parts: regex_automaton._Part) -> object:
        made.append(len(self.follow))
        return join(self, *parts)

    monkeypatch.setattr(regex_automaton._Positions, "_join", counted)
    with pytest.raises(InkfastError, match=r"too large: with its repetitions written out .* 2,000"):
        Expectation.compile(pattern)
    assert max(made) <= regex_automaton.MAX_PARTS
    assert len(made) <= 2 * regex_automaton.MAX_PARTS


@pytest.mark.parametrize("pattern", [r".*1.{20}", r"(1|2)*1(1|2){30}", r"\d{600}"])
def test_an_automaton_with_too_many_states_stops_at_a_bound(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more states are expanded than the bound allows."""
    expanded = []
    next_states = regex_automaton._next_states

    def counted(positions: regex_automaton._Positions, reach: int) -> object:
        expanded.append(reach)
        return next_states(positions, reach)

    monkeypatch.setattr(regex_automaton, "_next_states", counted)
    with pytest.raises(InkfastError, match="too large: its automaton has more than 500 states"):
        Expectation.compile(pattern)
    assert len(expanded) <= regex_automaton.MAX_STATES


def test_nested_groups_never_raise_a_recursion_error() -> None:
    """The longest expression of nested groups is compiled or refused."""
    deep = "(" * 249 + "1" + ")" * 249
    assert Expectation.compile(deep).accepts("1")
    with pytest.raises(InkfastError, match="too long"):
        Expectation.compile("(" * 400 + "1" + ")" * 400)


def test_a_number_of_digits_is_an_expectation() -> None:
    r"""`--digits 5` means `\d{5}`."""
    five = build_expectation(None, 5)
    assert five is not None
    assert five.pattern == r"\d{5}"
    assert five.accepts("01234")
    assert not five.accepts("0123")
    assert build_expectation(None) is None


@pytest.mark.parametrize("digits", [0, -1, 2.5, 10_000, True])
def test_an_impossible_number_of_digits_is_refused(digits: int) -> None:
    """The line names the parameter and its limits."""
    with pytest.raises(InkfastError, match="`digits` must be a whole number"):
        build_expectation(None, digits)


def test_a_pattern_and_a_number_of_digits_exclude_each_other() -> None:
    """One of both says what is expected."""
    with pytest.raises(InkfastError, match="got both"):
        build_expectation(r"\d+", 5)


def test_without_other_characters_only_digits_can_be_expected() -> None:
    """An expression that needs a separator matches no text of digits."""
    with pytest.raises(InkfastError, match=f"it matches no text of the characters {DIGITS}"):
        build_expectation(r"\d+[.,]\d\d", digits_only=True)
    optional = build_expectation(r"\d+[.,]?\d\d", digits_only=True)
    assert optional is not None
    assert optional.accepts("1250")
    assert not optional.accepts("12.50")
