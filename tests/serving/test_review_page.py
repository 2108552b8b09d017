"""The page of a review in a real browser: by keyboard, with a server and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from inkfast.inference.corrections import load_corrections
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.serving.review_items import Review
from inkfast.serving.review_page import static_review
from tests.serving.review_makers import (
    digit_answers,
    example_answers,
    number_answers,
    reviewing,
    truth,
)
from tests.serving.test_page import CHROMIUM, DOCS, browser

__all__ = ["browser"]  # the fixture
REFUSED = "the server responded with a status of 422"  # which Chromium writes on the console
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")


@pytest.fixture
def visit(browser) -> Iterator:
    """Return a function that opens a page; messages on its console are faults."""
    contexts, faults = [], []

    def go(address: str, width: int = 1280, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: REFUSED in message.text or faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        expect(page.locator("#answer")).not_to_be_empty()
        return page

    yield go
    for context in contexts:
        context.close()
    assert faults == []


def number(page: Page) -> int:
    """Return the number on the page of numbers that is shown."""
    found = re.search(r"number (\d+)", page.inner_text("#source"))
    assert found
    return int(found[1])


def corrected(path: Path) -> dict[int, str]:
    return {one.row: one.corrected for one in load_corrections(path)}


def static_file(answers: Path, order: str = "least-sure") -> Path:
    path = answers.with_suffix(".html")
    with CorrectionsFile(answers) as file:
        path.write_text(static_review(Review(file, order, None, "ana")), encoding="utf-8")
    return path


def all_saved(page: Page) -> None:
    page.wait_for_function("() => document.body.dataset.unsaved === '0'")


def test_sixty_numbers_by_keyboard(tmp_path, visit):
    """Right ones are accepted, wrong ones typed, one has no number: every one is saved."""
    answers = number_answers(tmp_path, 60)
    with reviewing(answers) as address:
        page = visit(address)
        for _ in range(60):
            place = number(page)
            if place == 7:
                page.keyboard.press("n")
            elif place % 3 == 0:
                page.keyboard.type(truth(place))
                page.keyboard.press("Enter")
            else:
                page.keyboard.press("Enter")
        all_saved(page)
        expect(page.locator("#checked")).to_have_text("60 of 60")
        expect(page.locator("#wrong")).to_have_text("21")
        expect(page.locator("#rate")).to_have_text("11 of 30: 36.7 % (21.9 to 54.5)")
    expected = {place: truth(place) for place in range(1, 61)} | {7: "none"}
    assert corrected(answers) == expected


def test_every_key_does_what_the_help_says(tmp_path, visit):
    """Runner-up, skip, back, undo; what is no number is refused in words and can be typed again."""
    answers = number_answers(tmp_path)
    with reviewing(answers) as address:
        page = visit(address)
        assert number(page) == 2
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert number(page) == 6
        page.keyboard.press("r")
        assert number(page) == 1
        page.keyboard.type("1x")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("got x")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        assert number(page) == 3
        page.keyboard.press("u")
        assert number(page) == 1
        page.keyboard.press("ArrowLeft")
        assert number(page) == 6
        expect(page.locator("#text")).to_have_value("60")
        page.keyboard.type("61")
        page.keyboard.press("Enter")
        assert number(page) == 1
        page.click("#nothing")
        page.keyboard.press("Enter")  # does not press the button again
        all_saved(page)
        assert corrected(answers) == {6: "61", 1: "none", 3: "77"}


def test_a_review_goes_on_where_it_ended(tmp_path, visit):
    """The page begins with the first answer that is not checked."""
    answers = number_answers(tmp_path)
    with CorrectionsFile(answers) as file:
        file.set(2, "20", "ana")
    with reviewing(answers) as address:
        page = visit(address)
        assert number(page) == 4
        expect(page.locator("#checked")).to_have_text("1 of 6")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#saved")).to_have_text("checked: 20, as it was read")


def test_two_open_pages_do_not_overwrite_each_other(tmp_path, visit):
    """The one that is out of date is told, and shows the answer again."""
    answers = number_answers(tmp_path)
    with reviewing(answers) as address:
        one, other = visit(address), visit(address)
        one.keyboard.type("21")
        one.keyboard.press("Enter")
        all_saved(one)
        other.keyboard.press("Enter")
        expect(other.get_by_role("alert")).to_contain_text("corrected to 21 on another page")
        assert number(other) == 2
        assert corrected(answers) == {2: "21"}


def test_a_static_page_works_without_a_server(tmp_path, visit):
    """It remembers what was checked, and gives the corrections as the file that inkfast keeps."""
    answers = number_answers(tmp_path)
    page = visit(static_file(answers).as_uri())
    page.fill("#by", "ben, of the archive")
    page.locator("#text").focus()
    for keys in (("Enter",), ("4", "1", "Enter"), ("n",)):
        for key in keys:
            page.keyboard.press(key)
    other = page.context.new_page()
    other.goto(page.url)
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("62")
    page.keyboard.press("Enter")
    other.keyboard.press("ArrowLeft")
    other.keyboard.press("r")
    expect(other.get_by_role("alert")).to_contain_text("corrected to 62 on another page")
    page.reload()
    assert number(page) == 1
    expect(page.locator("#checked")).to_have_text("3 of 6")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "answers.corrections.csv"
    given = tmp_path / "given.csv"
    download.value.save_as(given)
    assert corrected(given) == {2: "20", 4: "41", 6: "62"}
    with CorrectionsFile(answers) as file:
        assert file.merge(given) == 3
    assert {one.by for one in load_corrections(answers)} == {"ben, of the archive"}


def test_digits_are_reviewed_as_well(tmp_path, visit):
    """Whole images without a box; an image that is lost can be skipped."""
    with reviewing(digit_answers(tmp_path)) as address:
        page = visit(address)
        expect(page.locator("#answer")).to_have_text("no digit")
        page.keyboard.press("Enter")
        expect(page.locator("#answer")).to_have_text("9")
        expect(page.locator("#photo")).to_be_visible()
        expect(page.locator("#box")).to_be_hidden()
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        expect(page.locator("#missing")).to_contain_text("there is no such file")
        all_saved(page)
    assert corrected(tmp_path / "digits.csv") == {1: "4", 2: "none"}


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
)
def test_everybody_can_review(tmp_path, visit, scheme, width):
    """Axe finds nothing serious, nothing runs over the edge; these are the documents' screenshots."""
    page = visit(static_file(example_answers(tmp_path)).as_uri(), width, scheme)
    expect(page.locator("#answer")).to_have_text("1.250,68")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if DOCS:
        size = "phone" if width < 500 else "desktop"
        page.screenshot(path=f"{DOCS}/review-{size}-{scheme}.png")
