"""The comparison of programs on real handwriting: sets, judging, runs, contact sheets."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.core.intervals import wilson_interval

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a data folder with three numbers that lie in `cheques`."""
    cheques = tmp_path / "data" / "cheques"
    cheques.mkdir(parents=True)
    rows = ["file,text"]
    for place, text in enumerate(("12", "345", "6")):
        Image.new("RGB", (60 + place, 30), "white").save(cheques / f"{place}.png")
        rows.append(f"{place}.png,{text}")
    (cheques / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "data"


class FakeSystem:
    """A program whose answers are set beforehand, per setting."""

    name = "fake"
    versions = {"fake": "1"}  # noqa: RUF012 - a stand-in

    def __init__(self, answers: dict[str, list[str]], unsure: str = "") -> None:
        self.answers, self.unsure, self.seen = answers, unsure, []

    def settings(self, images):
        from handwriting_systems import Setting

        return [Setting(name, prepared="prepared" in name) for name in self.answers]

    def read(self, paths, images, setting):
        from handwriting_judging import Answer

        self.seen += paths
        answers = self.answers[setting.name]
        return [Answer(answers[int(path.stem)], self.unsure) for path in paths]


def cheques():
    from handwriting_sets import SETS

    return next(one for one in SETS if one.name == "cheques")


@pytest.mark.parametrize(
    ("text", "unsure", "truth", "keep", "outcome"),
    [
        ("1.234,-", "", "1234", "digits", "right"),
        ("1 234", "", "1234", "digits", "right"),
        ("1234 ", "", "12345", "digits", "wrong"),
        ("1234", "blurred", "1234", "digits", "unsure"),
        ("", "", "1234", "digits", "unsure"),
        ("abc", "", "1234", "digits", "unsure"),
        ("12  34 | 5", "", "12 34|5", "page", "right"),
        ("12 34 5", "", "12 34|5", "page", "wrong"),
        ("|12 34|x|5", "", "12 34|5", "page", "right"),
        ("3.14", "", "314", "separated", "wrong"),
        ("314", "", "3.14", "separated", "wrong"),
        ("3.14", "", "3.14", "separated", "right"),
    ],
)
def test_answers_are_right_wrong_or_unsure(text, unsure, truth, keep, outcome):
    """Only kept characters are compared; an answer without any counts as unsure."""
    import handwriting_judging as judging

    kept = {"digits": judging.DIGITS, "page": judging.PAGE, "separated": judging.SEPARATED}[keep]
    assert judging.judge(judging.Answer(text, unsure), truth, kept) == outcome


def test_best_guesses_count_whether_or_not_they_are_marked():
    """A right answer that is marked as unsure is unsure, and its best guess is right."""
    from handwriting_judging import DIGITS, Answer, summarize

    answers = [Answer("1"), Answer("2", "faint"), Answer("9"), Answer("")]
    found = summarize(answers, ["1", "2", "3", "4"], [""] * 4, DIGITS)
    shares = {key: value["value"] for key, value in found.items() if key != "n"}
    assert found["n"] == 4
    assert shares == {"right": 0.25, "wrong": 0.25, "unsure": 0.5, "best_guess_right": 0.5}


def test_shares_are_means_over_writers():
    """A writer with many images counts as much as one with few, and writers widen the interval."""
    from handwriting_judging import share

    hits = np.array([True] * 90 + [False] * 10)
    alone = share(hits, [""] * 100)
    assert alone == {"value": 0.9, "ci95": list(wilson_interval(0.9, 100))}
    grouped = share(hits, ["a"] * 90 + ["b"] * 10)
    assert grouped["value"] == 0.5
    assert grouped["ci95"] == list(wilson_interval(0.5, 2))
    perfect = share(np.ones(100, bool), ["a", "b", "c", "d"] * 25)
    assert perfect["ci95"] == list(wilson_interval(1.0, 4))


def test_the_setting_that_reads_most_is_taken_for_the_whole_set(folder, tmp_path):
    """Another program's settings are compared on the set; each is recorded with its count."""
    import handwriting

    answers = {"poor": ["12", "1", "1"], "good": ["12", "345", "7"], "prepared": ["", "", "6"]}
    system = FakeSystem(answers)
    samples = cheques().load(SimpleNamespace(data=folder))
    (reading,) = handwriting.measure_set(cheques(), samples, [system], tmp_path)
    figures = reading.figures(samples, cheques())
    assert figures["setting"] == "good"
    assert [one["right"] for one in figures["settings"]] == [1, 2, 1]
    assert figures["right"]["value"] == pytest.approx(2 / 3)
    assert figures["wrong"]["value"] == pytest.approx(1 / 3)
    assert figures["milliseconds"]["n"] == 1
    assert all(path.is_file() for path in system.seen)


def arguments(folder, sheets, **more) -> argparse.Namespace:
    values = {"data": folder, "cases": folder / "none", "only": None, "most": 10, "sheets": sheets}
    return argparse.Namespace(**{**values, **more})


def test_sets_that_are_not_there_are_named(folder, tmp_path, monkeypatch, capsys):
    """Every set is measured, or listed with the reason and said to be left out."""
    import handwriting
    import handwriting_sets

    monkeypatch.setenv("INKFAST_DATA", str(folder))
    system = FakeSystem({"as it is": ["12", "345", "6"]})
    found = handwriting.measure(arguments(folder, tmp_path / "sheets"), [system])
    names = [one["set"] for one in found["sets"] + found["left_out"]]
    assert sorted(names) == sorted(one.name for one in handwriting_sets.SETS)
    assert [one["set"] for one in found["sets"]] == ["cheques"]
    assert "numbers: left out: " in capsys.readouterr().out
    only = handwriting.measure(arguments(folder, tmp_path / "x", only=["cheques"]), [system])
    assert only["left_out"] == []


def test_sheets_show_failures_and_the_list_shows_all(folder, tmp_path):
    """A sheet has the wrong and unsure images; the CSV has every answer; older sheets go."""
    import handwriting_sheets
    from handwriting_judging import Answer

    samples = cheques().load(SimpleNamespace(data=folder))
    old = tmp_path / "cheques-a-program-alone-sheet-07.png"
    old.touch()
    answers = [Answer("12"), Answer("34"), Answer("6", "faint")]
    sheets = handwriting_sheets.write_sheets(
        tmp_path, cheques(), "A program, alone", samples, answers
    )
    assert [path.name for path in sheets] == ["cheques-a-program-alone-sheet-01.png"]
    assert not old.exists()
    with Image.open(sheets[0]) as sheet, Image.open(folder / "cheques" / "1.png") as given:
        assert sheet.width > given.width
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 20)}
    assert set(handwriting_sheets.COLOURS.values()) <= colours
    with (tmp_path / "cheques-a-program-alone.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["right", "wrong", "unsure"]
    assert [row["truth"] for row in rows] == ["12", "345", "6"]
    assert handwriting_sheets.write_sheets(
        tmp_path, cheques(), "A program, alone", samples, [Answer(one.truth) for one in samples]
    ) == []  # fmt: skip
    assert not sheets[0].exists()


@pytest.mark.parametrize(
    "words", [["--sheets", str(ROOT / "docs")], ["--most", "0"], ["--only", "x"]]
)
def test_arguments_out_of_range_are_refused(words, folder):
    """Sheets may not lie in the repository, where git would see them; sets have known names."""
    import handwriting

    with pytest.raises(SystemExit) as ended:
        handwriting.parse_arguments(["--data", str(folder), *words])
    assert ended.value.code == 2


def test_a_selection_is_not_recorded(folder, tmp_path, monkeypatch):
    """Figures of some sets or programs never replace the recorded ones; all of them do."""
    import handwriting

    recorded = []
    monkeypatch.setattr(handwriting, "record", lambda *words: recorded.append(words))
    system = FakeSystem({"as it is": ["12", "345", "6"]})
    monkeypatch.setattr(handwriting, "open_systems", lambda *_: ([system], []))
    monkeypatch.setenv("INKFAST_DATA", "")
    words = ["handwriting.py", "--data", str(folder), "--sheets", str(tmp_path / "sheets")]
    for more in (["--only", "cheques"], ["--systems", "inkfast"], ["--model", "other.onnx"]):
        monkeypatch.setattr("sys.argv", [*words, *more])
        handwriting.main()
    assert recorded == []
    monkeypatch.setattr("sys.argv", [*words, "--most", "2"])
    handwriting.main()
    ((name, command, figures),) = recorded
    assert (name, command) == (
        "handwriting", "python benchmarks/handwriting.py --data FOLDER --most 2",
    )  # fmt: skip
    assert figures["sets"][0]["images"] == 2
    assert set(figures["networks"]) >= {"reader.onnx"}


def test_a_missing_program_is_named(monkeypatch, capsys):
    """A program that is not installed is left out with its reason; the others are measured."""
    import handwriting
    import handwriting_systems

    monkeypatch.setattr(handwriting_systems.shutil, "which", lambda _: None)
    systems, missing = handwriting.open_systems(["tesseract"], "reader")
    assert systems == []
    assert missing[0]["system"] == "tesseract"
    assert "apt-get install" in missing[0]["reason"]
    assert "tesseract: left out: " in capsys.readouterr().out


def test_inkfast_is_given_the_options_of_the_set():
    """Options reach `read` and are shown as flags; a refused image is unsure."""
    from handwriting_systems import Inkfast, Setting

    given = []

    def read(path, **options):
        given.append(options)
        raise InkfastError("too dark")

    system = Inkfast.__new__(Inkfast)
    system._reader = SimpleNamespace(read=read)
    options = {"digits_only": True, "per_line": 1}
    images = replace(cheques(), options=options)
    assert [one.name for one in system.settings(images)] == ["read --digits-only --per-line 1"]
    (answer,) = system.read([Path("a.png")], images, Setting(""))
    assert given == [options]
    assert (answer.text, answer.unsure) == ("", "too dark")


def test_inkfast_reads_pages_and_digits(tmp_path):
    """Lines, numbers and best guesses of the example page come in their order."""
    from handwriting_sets import SETS
    from handwriting_systems import Inkfast

    by_name = {one.name: one for one in SETS}
    system, page = Inkfast(), by_name["numbers"]
    example = [ROOT / "docs" / "example-numbers.jpg"]
    (answer,) = system.read(example, page, system.settings(page)[0])
    assert (answer.text, answer.unsure) == ("4096 17|2538|60 941", "")
    paths = sorted((ROOT / "docs" / "example-digits").iterdir())
    digits = by_name["phone"]
    answers = system.read(paths, digits, system.settings(digits)[0])
    assert len(answers) == len(paths)
    assert {one.text for one in answers} <= set("0123456789")


def test_a_page_with_one_unsure_number_is_unsure():
    """Its best guess has every number, and each reason is given once."""
    from handwriting_systems import page_answer

    numbers = [
        SimpleNamespace(line=1, text="12", unsure=""),
        SimpleNamespace(line=1, text="3.5", unsure="faint"),
        SimpleNamespace(line=2, text="-7", unsure="faint"),
    ]
    answer = page_answer(SimpleNamespace(numbers=numbers))
    assert (answer.text, answer.unsure) == ("12 3.5|-7", "faint")


def test_boxes_are_joined_line_by_line():
    """Boxes that overlap in height are one line from left to right, whatever their order."""
    from handwriting_systems import join_boxes

    def box(left, top, text):
        corners = [[left, top], [left + 40, top], [left + 40, top + 30], [left, top + 30]]
        return [corners, text, 0.9]

    assert join_boxes([box(200, 5, "34"), box(10, 0, "12"), box(12, 60, "5")]) == "12 34|5"
    assert join_boxes([]) == ""


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_prepared_images_are_dark_on_white(mode, tmp_path):
    """Bright writing is inverted, small images are enlarged, and a margin is added."""
    from handwriting_systems import PREPARED_HEIGHT, prepare

    pixels = np.zeros((28, 56), np.uint8)
    pixels[8:20, 20:30] = 255
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.png")
    with Image.open(prepare(tmp_path / "a.png", tmp_path / "b.png")) as image:
        grey = np.asarray(image)
    assert grey.shape == (PREPARED_HEIGHT + 32, 128 + 32)
    assert grey[0].min() == 255
    assert grey[48, 16 + 57] < 10


def test_only_some_images_of_a_large_set_are_read():
    """The chosen images are spread evenly over the set, its first and last among them."""
    from handwriting_sets import spread_out

    assert spread_out([1, 2, 3], 3) == [1, 2, 3]
    assert spread_out(list(range(101)), 3) == [0, 50, 100]


def test_numbers_with_separators_are_of_every_kind():
    """Texts are the same in every call, and have the signs of decimals, dates, times, amounts."""
    from handwriting_composed import separated_texts, six_digits
    from handwriting_judging import SEPARATED, comparable

    texts = separated_texts(50)
    assert texts == separated_texts(50)
    assert set(".,-/:") <= set("".join(texts))
    assert all(comparable(text, SEPARATED) == text for text in texts)
    assert all(len(text) == 6 and text.isdigit() for text in six_digits(20))


def test_drawn_digits_are_of_the_writers_left_out(tmp_path, monkeypatch):
    """No writer of the training part is drawn, and no writer more often than the limit."""
    import handwriting_composed as composed

    from inkfast.synthetic.drawn_strokes import draw_library
    from inkfast.synthetic.hands import split_writers

    library = draw_library(writers=12)
    kinds = {"digits": library.digits, "symbols": library.symbols, "letters": library.letters}
    monkeypatch.setattr(composed, "load_pen_strokes", kinds.__getitem__)
    monkeypatch.setattr(composed, "MOST_OF_WRITER", 3)
    names = {str(name) for kind in kinds.values() for name in kind.writer_names}
    _, left_out = split_writers(names)
    (tmp_path / "digits").mkdir()
    drawn = list(composed.draw_stroke_digits(tmp_path / "digits"))
    writers = [writer for *_, writer in drawn]
    assert set(writers) == left_out & {str(name) for name in library.digits.writer_names}
    assert max(map(writers.count, writers)) <= 3
    for path, label, _ in drawn:
        with Image.open(path) as image:
            pixels = np.asarray(image)
        assert pixels[0].min() == 255 > pixels.min()
        assert path.stem.endswith(label)
    numbers = list(composed.draw_numbers(["3.14", "-27"], tmp_path))
    assert [text for _, text in numbers] == ["3.14", "-27"]
