"""Decoding against the enumeration of all paths: texts, confidences, characters and places."""

import itertools
import math
import operator
import re
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.inference.decoding import MIN_EXPECTED, NOT_EXPECTED, decode, decode_views
from inkfast.inference.expectation import Expectation
from inkfast.inference.numbers import ALPHABET

BLANK = "_"
ACTIVE = "12." + BLANK  # only these have probability in most tests
ANY_SPEED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PATTERNS = [r".*", r"\d*", r"\d{2}", r"1?\.?2+", r"(12|21)*\.?", r"\d+\.\d", r"11|22|\.\.", r"1*2?"]


def make_log_probs(p: NDArray[np.float64], active: str = ACTIVE) -> NDArray[np.float32]:
    """Return log-probabilities over the whole alphabet of weights ``(T, len(active))``."""
    frames = np.zeros((len(p), len(ALPHABET) + 1))
    columns = [len(ALPHABET) if label == BLANK else ALPHABET.index(label) for label in active]
    frames[:, columns] = p / p.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.log(frames).astype(np.float32)


def text_of(path: tuple[int, ...]) -> str:
    """Merge equal neighbours, then leave out blanks: the definition of CTC."""
    return "".join(ACTIVE[label] for label, _ in itertools.groupby(path)).replace(BLANK, "")


def enumerate_texts(
    log_probs: NDArray[np.float32], pattern: str = ".*", digits_only: bool = False
) -> dict[str, float]:
    """Return the probability of every expected text, by enumeration of all paths of `ACTIVE`."""
    texts: dict[str, float] = defaultdict(float)
    columns = [len(ALPHABET) if label == BLANK else ALPHABET.index(label) for label in ACTIVE]
    frames = np.exp(log_probs.astype(np.float64))[:, columns]
    for path in itertools.product(range(len(ACTIVE)), repeat=len(frames)):
        texts[text_of(path)] += math.prod(map(operator.getitem, frames.tolist(), path))
    if digits_only:
        kept: dict[str, float] = defaultdict(float)
        for text, p in texts.items():
            kept[re.sub(r"\D", "", text)] += p
        texts = kept
    return {text: p for text, p in texts.items() if re.fullmatch(pattern, text)}


@st.composite
def strips(draw: st.DrawFn, most: int = 4) -> NDArray[np.float32]:
    """Draw log-probabilities of a few frames, some of them nearly certain."""
    frames = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.dirichlet(np.full(len(ACTIVE), draw(st.sampled_from([0.2, 0.5, 2.0]))), frames)
    return make_log_probs(weights + 1e-4)


def check_reading(log_probs: NDArray[np.float32], pattern: str, digits_only: bool) -> None:
    """Compare a reading with the enumeration."""
    texts = enumerate_texts(log_probs, pattern, digits_only)
    expectation = None if pattern == ".*" else Expectation.compile(pattern)
    reading = decode(log_probs, expectation, digits_only=digits_only)
    expected = sum(texts.values())
    if not expected:
        assert (reading.text, reading.confidence, reading.unsure) == ("", 0, NOT_EXPECTED)
        return
    shares = sorted(texts.values(), reverse=True)
    divisor = max(expected, MIN_EXPECTED)
    assert texts[reading.text] == pytest.approx(shares[0], rel=1e-5)
    assert reading.confidence == pytest.approx(shares[0] / divisor, rel=1e-5)
    assert bool(reading.unsure) == (expected < MIN_EXPECTED)
    if len(shares) > 1 and shares[1] > 1e-3 * shares[0]:
        assert texts[reading.runner_up] == pytest.approx(shares[1], rel=1e-5)
        assert reading.runner_up_confidence == pytest.approx(shares[1] / divisor, rel=1e-5)
    # each character's confidence is a quotient of sums over the texts that begin alike
    before = expected
    for n, character in enumerate(reading.characters, start=1):
        prefix = sum(p for text, p in texts.items() if text.startswith(reading.text[:n]))
        assert character.text == reading.text[n - 1]
        assert character.confidence == pytest.approx(prefix / before, rel=1e-5)
        before = prefix


@ANY_SPEED
@given(strips(), st.sampled_from(PATTERNS), st.booleans())
def test_a_reading_is_that_of_the_enumeration(
    log_probs: NDArray[np.float32], pattern: str, digits_only: bool
) -> None:
    """Text, runner-up and all confidences are those of the sums over all paths."""
    check_reading(log_probs, pattern, digits_only)


@ANY_SPEED
@given(strips())
def test_without_an_expectation_every_text_is_expected(log_probs: NDArray[np.float32]) -> None:
    """No expectation and the expression .* give the same reading."""
    free, any_text = decode(log_probs), decode(log_probs, Expectation.compile(".*"))
    assert free.text == any_text.text
    assert free.runner_up == any_text.runner_up
    assert free.confidence == pytest.approx(any_text.confidence)
    assert [c.confidence for c in free.characters] == pytest.approx(
        [c.confidence for c in any_text.characters]
    )


@ANY_SPEED
@given(strips(most=12), st.sampled_from(PATTERNS), st.booleans())
def test_a_reading_keeps_its_invariants(
    log_probs: NDArray[np.float32], pattern: str, digits_only: bool
) -> None:
    """Confidences are probabilities, an expected text matches, characters stand in order."""
    reading = decode(log_probs, Expectation.compile(pattern), digits_only=digits_only)
    assert 0 <= reading.runner_up_confidence <= reading.confidence <= 1
    assert reading.confidence + reading.runner_up_confidence <= 1 + 1e-9
    if reading.confidence:
        assert re.fullmatch(pattern, reading.text)
    if reading.runner_up_confidence:
        assert re.fullmatch(pattern, reading.runner_up)
        assert reading.runner_up != reading.text
    assert "".join(character.text for character in reading.characters) == reading.text
    assert all(c.confidence <= 1 for c in reading.characters)
    if not reading.unsure:
        assert all(c.confidence >= reading.confidence - 1e-9 for c in reading.characters)
    edges = [edge for c in reading.characters for edge in (c.start, c.end)]
    assert edges == sorted(edges)
    assert all(0 <= c.start < c.end <= 1 for c in reading.characters)


@ANY_SPEED
@given(strips(most=10))
def test_expecting_more_texts_finds_a_text_at_least_as_probable(
    log_probs: NDArray[np.float32],
) -> None:
    """The probability of the best text grows with the set of expected texts."""
    best = [0.0]
    for pattern in (r"1\d", r"\d{2}", r"\d{1,2}", r"\d*", r"[\d.]*", None):
        reading = decode(log_probs, Expectation.compile(pattern) if pattern else None)
        # where no text is possible, the confidence is 0; the empty text may still be probable
        best.append(probability_of(log_probs, reading.text) if reading.confidence else 0.0)
    assert all(wider >= narrower * (1 - 1e-9) for narrower, wider in itertools.pairwise(best))


def probability_of(log_probs: NDArray[np.float32], text: str) -> float:
    """Return the probability of a text by CTC's recursion, written out in plain Python."""
    frames = np.exp(log_probs.astype(np.float64))
    labels = [BLANK, *itertools.chain.from_iterable((c, BLANK) for c in text)]
    column = [len(ALPHABET) if c == BLANK else ALPHABET.index(c) for c in labels]
    values = [1.0] + [0.0] * (len(labels) - 1)
    for p in frames:
        come = [
            values[s]
            + (values[s - 1] if s else 0)
            + (values[s - 2] if s > 1 and label not in (BLANK, labels[s - 2]) else 0)
            for s, label in enumerate(labels)
        ]
        values = [total * p[c] for total, c in zip(come, column, strict=True)]
    return float(values[-1] + (values[-2] if text else 0))


@pytest.mark.parametrize(
    ("path", "text", "digits"),
    [
        ("11", "1", "1"),
        ("1_1", "11", "11"),
        ("1.1", "1.1", "11"),
        ("1..1", "1.1", "11"),
        ("._.", "..", ""),
        ("12.", "12.", "12"),
        ("1._1", "1.1", "11"),
    ],
)
def test_separators_part_equal_digits(path: str, text: str, digits: str) -> None:
    """A character that is left out still stands between the digits beside it."""
    certain = np.array([[label == other for other in ACTIVE] for label in path], float)
    assert decode(make_log_probs(certain)).text == text
    assert decode(make_log_probs(certain), digits_only=True).text == digits


def test_places_are_the_frames_of_the_best_alignment() -> None:
    """A character starts with its first frame and ends with its last, as shares of the width."""
    certain = np.array([[label == other for other in ACTIVE] for label in "_11_1._2"], float)
    characters = decode(make_log_probs(certain + 1e-3)).characters
    assert [(c.text, c.start * 8, c.end * 8) for c in characters] == [
        ("1", 1, 3),
        ("1", 4, 5),
        (".", 5, 6),
        ("2", 7, 8),
    ]


@ANY_SPEED
@given(strips())
def test_the_alignment_is_the_most_probable_path(log_probs: NDArray[np.float32]) -> None:
    """The best path of the enumeration has each character at the same frames."""
    reading = decode(log_probs)
    frames = np.exp(log_probs.astype(np.float64))
    columns = [len(ALPHABET) if label == BLANK else ALPHABET.index(label) for label in ACTIVE]

    def probability(path: tuple[int, ...]) -> float:
        return math.prod(frames[range(len(path)), [columns[label] for label in path]])

    paths = itertools.product(range(len(ACTIVE)), repeat=len(frames))
    best = max((path for path in paths if text_of(path) == reading.text), key=probability)
    path = [len(ACTIVE) - 1] * len(frames)
    for character in reading.characters:
        for t in range(round(character.start * len(frames)), round(character.end * len(frames))):
            path[t] = ACTIVE.index(character.text)
    assert probability(tuple(path)) == pytest.approx(probability(best))
    assert text_of(tuple(path)) == reading.text


def test_an_expectation_overrules_a_probable_text() -> None:
    """Of a 1 that may be a 2 the expected one is read, with its share of the expected texts."""
    p = np.array([[0.7, 0.2, 0.0, 0.1]])
    assert decode(make_log_probs(p)).text == "1"
    reading = decode(make_log_probs(p), Expectation.compile("2|3"))
    assert (reading.text, reading.unsure) == ("2", "")
    assert reading.confidence == pytest.approx(1)


def test_a_strip_against_the_expectation_is_unsure() -> None:
    """The confidence is low where all expected texts together are improbable."""
    p = np.array([[1, 1e-6, 0.0, 1e-7]])
    reading = decode(make_log_probs(p), Expectation.compile("2|3"))
    assert (reading.text, reading.unsure) == ("2", NOT_EXPECTED)
    assert reading.confidence == pytest.approx(1e-6 / MIN_EXPECTED, rel=1e-3)


@pytest.mark.parametrize("frames", [0, 1, 3, 4])
def test_too_few_frames_give_an_unsure_reading(frames: int) -> None:
    """11 takes three frames, 112 takes four; with fewer the text is empty, and nothing raises."""
    log_probs = make_log_probs(np.ones((frames, len(ACTIVE))))
    reading = decode(log_probs, Expectation.compile("112"))
    if frames < 4:
        assert (reading.text, reading.confidence, reading.unsure) == ("", 0, NOT_EXPECTED)
    else:
        assert reading.text == "112"


def test_no_text_of_digits_gives_an_unsure_reading() -> None:
    """An expectation that needs a separator has no text left once separators are left out."""
    log_probs = make_log_probs(np.ones((9, len(ACTIVE))))
    reading = decode(log_probs, Expectation.compile(r"\d\.\d"), digits_only=True)
    assert (reading.text, reading.confidence, reading.unsure) == ("", 0, NOT_EXPECTED)


def test_a_strip_without_frames_is_empty() -> None:
    """Nothing is written on it."""
    reading = decode(np.empty((0, len(ALPHABET) + 1), np.float32))
    assert (reading.text, reading.confidence, reading.characters) == ("", 1, ())


def test_a_long_strip_is_read_in_full() -> None:
    """A beam of limited width reads what no enumeration could."""
    text = "31415926535897932384.62-64" * 3
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1, (len(text) * 3, len(ALPHABET) + 1))
    z[:, -1] += 9
    z[1::3, -1] -= 9
    z[np.arange(1, len(z), 3), [ALPHABET.index(c) for c in text]] += 9
    z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
    free, expected = (
        decode(z.astype(np.float32), expectation)
        for expectation in (None, Expectation.compile(r"[\d.-]+"))
    )
    assert free.text == expected.text == text
    assert free.confidence == pytest.approx(probability_of(z, text), rel=1e-4)
    assert expected.confidence > free.confidence


def test_a_very_long_strip_without_writing_gives_a_reading() -> None:
    """Where every path is extremely improbable, the confidence is 0 and places are in order."""
    rng = np.random.default_rng(1)
    reading = decode(rng.normal(size=(900, len(ALPHABET) + 1)).astype(np.float32))
    assert reading.confidence == pytest.approx(0, abs=1e-100)
    assert len(reading.characters) == len(reading.text) > 0
    assert all(a.end <= b.start for a, b in itertools.pairwise(reading.characters))


def test_a_temperature_flattens_the_probabilities_of_frames() -> None:
    """At temperature 2 the probabilities are proportional to their square roots."""
    p = np.array([[0.81, 0.16, 0.0, 0.03]])
    roots = np.sqrt(p[0])
    reading = decode(make_log_probs(p), temperature=2)
    assert reading.confidence == pytest.approx(roots[0] / roots.sum(), rel=1e-5)


@pytest.mark.parametrize("bad", [np.zeros((3, 11)), np.zeros(26), np.full((2, 26), np.nan)])
def test_other_arrays_are_refused(bad: NDArray[np.float64]) -> None:
    """The line gives the shape that is expected."""
    with pytest.raises(InkfastError, match=r"log-probabilities must be .*\(frames, 26\)"):
        decode(bad.astype(np.float32))


def test_views_of_a_strip_are_counted_like_votes():
    """The confidence of a text is the mean of its probabilities; places are the first view's."""
    one = np.array([[0, 0, 0, 1], [0.55, 0.45, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    two = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0.2, 0.8, 0, 0]])
    views = [make_log_probs(one), make_log_probs(two)]
    assert [decode(view).text for view in views] == ["1", "2"]
    reading = decode_views(views)
    assert (reading.text, reading.runner_up) == ("2", "1")
    assert reading.confidence == pytest.approx(0.625, abs=1e-3)
    assert reading.runner_up_confidence == pytest.approx(0.375, abs=1e-3)
    (character,) = reading.characters
    assert (character.start, character.end) == (0.25, 0.5)
    assert character.confidence == pytest.approx(0.625, abs=1e-3)


def test_a_certain_view_counts_alone():
    """Another view is not asked, whatever it says."""
    views = [make_log_probs(np.array([weights])) for weights in ([1, 0, 0, 0], [0, 1, 0, 0])]
    assert decode_views(views) == decode(views[0])
    assert decode_views(views[::-1]) == decode(views[1])
