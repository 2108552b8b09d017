"""`inkfast review` as it is run: static pages, merging, refusals; the page itself is tested apart."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from inkfast.inference.corrections import load_corrections
from inkfast.inference.corrections_file import CorrectionsFile
from tests.serving.review_makers import number_answers


def test_a_static_page_is_written(inkfast, tmp_path):
    """It holds as many answers as asked for, and no existing file is replaced unasked."""
    answers, page = number_answers(tmp_path), tmp_path / "review.html"
    code, _, err = inkfast("review", answers, "--static", page, "--limit", 4)
    assert (code, err) == (0, f"inkfast: 4 answers on the page: {page}\n")
    assert page.read_text().count("data:image/jpeg") == 4
    code, _, err = inkfast("review", answers, "--static", page)
    assert (code, err.count("\n")) == (2, 1)
    assert "exists. Add --overwrite" in err
    for image in tmp_path.glob("*.png"):
        image.unlink()
    code, _, err = inkfast("review", answers, "--static", page, "--limit", 4, "--overwrite")
    assert (code, err.count("\n")) == (0, 2)
    assert err.startswith("inkfast: 4 images cannot be shown on the page, the first: ")


def test_the_review_ends_with_its_totals(tmp_path):
    """The address has the token of the page; Ctrl-C ends the review, whose corrections are kept."""
    answers = number_answers(tmp_path)
    words = [sys.executable, "-m", "inkfast", "review", str(answers), "--by", "ana"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"(http://127.0.0.1:\d+/)#token=(\S+)", process.stdout.readline())
        assert found
        done = httpx.put(
            f"{found[1]}v1/review/3", json={"corrected": "30", "was": ""}, timeout=60,
            headers={"Authorization": f"Bearer {found[2]}"},
        )  # fmt: skip
        assert done.status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        0,
        "inkfast: 1 of 6 answers checked, 1 wrong; wrong among the sure: 1 of 1, 100.0 % (95 % "
        f"interval 20.7 to 100.0 %): {answers}\n",
    )
    assert [(one.text, one.by) for one in load_corrections(answers)] == [("30", "ana")]
    assert not list(tmp_path.glob(".*"))


def test_corrections_of_others_are_merged(inkfast, tmp_path):
    """Those of another person are taken over; where two differ, nothing is."""
    answers, other = number_answers(tmp_path), number_answers(tmp_path, name="other.csv")
    with CorrectionsFile(other) as file:
        file.set(2, "20", "ben")
    words = ("review", answers, "--merge", other, "--static", tmp_path / "a.html", "--overwrite")
    code, _, err = inkfast(*words)
    assert (code, err.splitlines()[0]) == (0, f"inkfast: {other}: 1 correction taken over")
    assert [(one.row, one.by) for one in load_corrections(answers)] == [(2, "ben")]
    with CorrectionsFile(other) as file:
        file.set(2, "21", "ben")
        file.set(1, "10", "ben")
    code, _, err = inkfast(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert "is 20 for ben and 21 for ben" in err
    assert len(load_corrections(answers)) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.csv"], "there is no such file"), (["page.png"], "expected a .csv, .jsonl or .parquet"),
        (["answers.csv", "--order", "x"], "must be one of 'least-sure', 'random'"),
        (["answers.csv", "--limit", "0"], "`limit` must be a whole number >= 1"),
        (["answers.csv", "--by", " "], "`by` must be a name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(inkfast, tmp_path, words, said):
    """Exit code 2, and the answers stay as they are."""
    answers = number_answers(tmp_path)
    before = answers.read_bytes()
    code, out, err = inkfast("review", tmp_path / words[0], *words[1:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert answers.read_bytes() == before
