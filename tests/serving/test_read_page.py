"""The page that reads numbers, in a real browser: boxes, rows, options, the file to save."""

from __future__ import annotations

import csv
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.serving.makers import as_file, drawn
from tests.serving.test_page import CHROMIUM, browser

__all__ = ["browser"]  # the fixture
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")


def photograph() -> bytes:
    """Return a photograph of 40 and 7 in one line."""
    image = Image.new("L", (1200, 400), 250)
    for left, digit in ((40, 4), (240, 0), (760, 7)):
        image.paste(drawn(digit), (left, 60))
    return as_file(image)


def opened(browser, url: str, width: int = 1280, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 860}, color_scheme=scheme, accept_downloads=True
    )
    page = context.new_page()
    page.goto(f"{url.rstrip('/')}/page/read.html")
    page.set_input_files(
        "#file", {"name": "marks.png", "mimeType": "image/png", "buffer": photograph()}
    )
    expect(page.locator("#summary")).to_have_text("2 numbers, 0 unsure, 0 marks left out")
    return page


def test_numbers_have_boxes_rows_and_a_file(browser, url, tmp_path):
    """The boxes lie where the numbers are; the saved file has the columns of `inkfast read`."""
    page = opened(browser, url)
    assert page.locator(".number b").all_inner_texts() == ["40", "7"]
    assert page.locator("#rows tr td:nth-child(4)").all_inner_texts() == ["40", "7"]
    canvas, box = page.locator(".sheet canvas").bounding_box(), page.locator(".number").first
    assert canvas
    place = box.bounding_box()
    assert place
    assert 20 < (place["x"] - canvas["x"]) * 1200 / canvas["width"] < 200
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "marks.csv")
    rows = list(csv.DictReader((tmp_path / "marks.csv").read_text().splitlines()))
    assert [(row["file"], row["number"], row["text"]) for row in rows] == [
        ("marks.png", "1", "40"), ("marks.png", "2", "7"),
    ]  # fmt: skip
    page.context.close()


def test_what_is_known_is_asked_for(browser, url):
    """Options read the same file again; unsure numbers say why and have a broken box."""
    page = opened(browser, url)
    page.check("#per-line")
    expect(page.locator("#summary")).to_contain_text("1 number, ")
    page.fill("#expect", r"\d{4}")
    page.press("#expect", "Enter")
    expect(page.locator("#summary")).to_have_text("1 number, 1 unsure, 0 marks left out")
    assert page.locator("tr.unsure td:last-child").inner_text()
    assert page.locator(".number.unsure").evaluate("one => getComputedStyle(one).borderStyle") == (
        "dashed"
    )
    page.context.close()


def test_a_file_that_is_no_image_is_refused_in_words(browser, url):
    """The server's sentence stands where the result was, and nothing of an earlier file is left."""
    page = opened(browser, url)
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"none"})
    expect(page.get_by_role("status").first).to_contain_text("got something else")
    expect(page.locator("#rows tr")).to_have_count(0)
    expect(page.locator("#save")).to_be_disabled()
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_read_it(browser, url, scheme, width):
    """Axe finds nothing serious, and nothing runs over the edge."""
    page = opened(browser, url, width, scheme)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_the_pages_lead_to_each_other(browser, url):
    """The links keep the token of the address."""
    page = browser.new_page()
    page.goto(f"{url.rstrip('/')}/#token=a")
    expect(page.locator("#read")).to_have_attribute("href", re.compile("#token=a$"))
    page.click("#read")
    expect(page.locator("#lab")).to_have_attribute("href", "/#token=a")
    assert page.url == f"{url.rstrip('/')}/page/read.html#token=a"
    page.click("#lab")
    assert page.url == f"{url.rstrip('/')}/#token=a"
    page.close()
