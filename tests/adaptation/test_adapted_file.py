"""From corrected answers to an adapted file, or to one clear line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from inkfast.adaptation import adapt_reader
from inkfast.adaptation.folds import AdaptationCheck
from inkfast.core.errors import InkfastError
from inkfast.inference.reader import Reader
from tests.adaptation.hands import draw_hand, edit, write_hand, write_model


def errors(reader: Reader) -> float:
    """Return the share of other digits of the hand that are misread."""
    images, labels = draw_hand(300, seed=6)
    return float(np.mean([one.digit for one in reader.predict(images)] != labels))


def test_a_hand_is_read_better(tmp_path):
    """A strange hand is read better, the file says so, and its card is beside it."""
    model, answers, to = write_model(tmp_path), write_hand(tmp_path), tmp_path / "my.onnx"
    before = errors(Reader.open(str(model)))
    adapted = adapt_reader(answers, to, str(model), 0.2)
    reader = Reader.open(str(to))
    assert errors(reader) < 0.7 * before
    about = json.loads(to.with_suffix(".json").read_text())
    known = about["adapted"]
    assert known["corrections"] == 60
    assert known["held_back"] == about["calibration_digits"] == 12
    assert known["cross_validated"]["wrong_after"] < known["cross_validated"]["wrong_before"]
    low, high = known["cross_validated"]["gain_ci95"]
    assert 0 < low < known["cross_validated"]["gain"] < high
    assert about["promises"] == [[about["max_error"], reader.threshold]]
    assert about["max_error"] > 0.1  # 12 digits cannot show more
    assert known["from"] in to.with_suffix(".md").read_text()
    assert str(to) in adapted.sentences[0]


def test_an_adapted_file_is_not_adapted_again(tmp_path):
    """Its corrections would be counted twice, so the network that it was made from is named."""
    model, answers = write_model(tmp_path), write_hand(tmp_path)
    adapt_reader(answers, tmp_path / "one.onnx", str(model))
    with pytest.raises(InkfastError, match=r"one.onnx was adapted already: .*means.onnx"):
        adapt_reader(answers, tmp_path / "two.onnx", str(tmp_path / "one.onnx"))


def refused(tmp_path, message, answers, **options):
    """Check that nothing is written and the reason is one line."""
    to = tmp_path / "my.onnx"
    with pytest.raises(InkfastError, match=message) as error:
        adapt_reader(answers, to, **{"model": str(write_model(tmp_path))} | options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("my.*"))


def test_too_few_are_refused(tmp_path):
    """Fewer than 20 corrections are not enough."""
    refused(tmp_path, "at least 20 corrected answers .* got 19", write_hand(tmp_path, 19))


def test_one_class_is_refused(tmp_path):
    """Corrections of one class alone would teach that everything is that digit."""
    answers = write_hand(tmp_path)
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join([lines[0], *(line[:-1] + "7" for line in lines[1:])]) + "\n")
    refused(tmp_path, "several digits, got 60 times 7", answers)


def test_an_image_that_is_gone_is_named(tmp_path):
    """The row and the file of an image that is not there any more are named."""
    answers = write_hand(tmp_path)
    refused(
        tmp_path,
        "row 3 of the corrections: .*gone.npy#3",
        edit(answers, "hand.npy#3,", "gone.npy#3,"),
    )


def test_another_file_is_refused(tmp_path):
    """A table that has no answers is named as such."""
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    refused(tmp_path, "other.csv", tmp_path / "other.csv")


def test_what_is_worse_is_not_written(tmp_path, monkeypatch):
    """Where every adapted network makes more errors, the reason is said and nothing written."""
    monkeypatch.setattr(AdaptationCheck, "is_worse", True)
    refused(tmp_path, "adapting does not help: .* Nothing was written", write_hand(tmp_path))


def test_existing_files_are_kept(tmp_path):
    """A model card that is there is not replaced unless asked for."""
    (tmp_path / "my.md").write_text("mine")
    with pytest.raises(InkfastError, match="my.md"):
        adapt_reader(write_hand(tmp_path), tmp_path / "my.onnx", str(write_model(tmp_path)))
    assert (tmp_path / "my.md").read_text() == "mine"
