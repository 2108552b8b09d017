"""The Noise Lab in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.imaging.document_makers import pages_file
from tests.serving.makers import STROKES, as_file, drawn

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")
DOCS = os.environ.get("INKFAST_SCREENSHOTS", "")  # a folder, for the screenshots of docs/serving.md


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def lab(browser, url) -> Iterator[Page]:
    """Return the open page; messages on its console and requests to other hosts are faults."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme="light")
    page = context.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda sent: sent.url.startswith((url, "blob:", "data:")) or faults.append(sent.url),
    )
    page.goto(url)
    expect(card(page, "reader")).to_have_attribute("data-state", "holds")
    yield page
    context.close()
    assert faults == []


def card(page: Page, name: str):
    return page.locator(f".card[data-model={name}]")


def digit(page: Page, name: str):
    return card(page, name).locator(".digit")


def write(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draw with the mouse in short movements."""
    box = page.locator("#pad").bounding_box()
    assert box
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()


def test_what_is_written_is_read(lab):
    """Each digit, drawn stroke by stroke, is read by the reader, and quickly."""
    for label, strokes in STROKES.items():
        lab.click("#clear")
        expect(digit(lab, "reader")).to_have_text("\N{EN DASH}")
        write(lab, strokes)
        expect(digit(lab, "reader")).to_have_text(str(label))
        expect(card(lab, "reader")).to_have_attribute("data-state", "holds")
    assert lab.inner_text("#time").startswith("answered in ")


def test_sliders_break_the_dense_network_first(lab):
    """Light fools the dense network and not the CNN; the chart shows the accuracies there."""
    before = lab.locator("#seen").screenshot()
    lab.fill("#slider-brightness", "0.5")
    expect(card(lab, "dense")).not_to_have_attribute("data-state", "holds")
    expect(card(lab, "cnn")).to_have_attribute("data-state", "holds")
    expect(lab.locator("#chain")).to_have_text("brightness(delta=[0.5, 0.5])")
    expect(lab.locator("#reading")).to_contain_text("Light 0.50: Dense")
    assert lab.locator("#seen").screenshot() != before
    lab.click("#reset")
    expect(lab.locator("#chain")).to_have_text("none")
    expect(card(lab, "dense")).to_have_attribute("data-state", "holds")


def test_one_way_of_saying_how_sure(lab):
    """A share below 100 % is never shown as 100 %."""
    said = lab.evaluate(
        """async () => {
            const { percent } = await import("/page/percent.js");
            return [1, 0.9999996, 0.9991, 0.999, 0.99, 0.4].map(percent);
        }"""
    )
    assert said == [*[">99.9 %"] * 3, "99.9 %", "99.0 %", "40 %"]


def test_the_keyboard_alone_will_do(lab):
    """A sample is chosen and a slider moved with keys; a screen reader announces the outcome."""
    lab.get_by_role("button", name="Sample 7").press("Enter")
    expect(digit(lab, "dense")).to_have_text("7")
    slider = lab.get_by_role("slider", name="Turn")
    slider.focus()
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "90°")
    expect(lab.locator("#chain")).to_have_text("rotate(degrees=[90, 90])")
    expect(lab.get_by_role("status")).to_contain_text("Reader says")


def test_break_it_sweeps_the_slider(lab):
    """The button starts the sweep, and stops it."""
    lab.click("#play")
    expect(lab.locator("#chain")).to_contain_text("gaussian(sigma=")
    expect(lab.locator("#play")).to_have_text("Stop")
    lab.click("#play")
    expect(lab.locator("#play")).to_have_text("Break it")


def test_images_are_accepted(lab):
    """A file is uploaded, an image pasted; a file that is no image is refused in words."""
    lab.set_input_files(
        "#file", {"name": "4.png", "mimeType": "image/png", "buffer": as_file(drawn(4))}
    )
    expect(digit(lab, "reader")).to_have_text("4")
    pasted = base64.b64encode(as_file(drawn(6))).decode()
    lab.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "6.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        pasted,
    )
    expect(digit(lab, "reader")).to_have_text("6")
    lab.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"none"})
    expect(lab.get_by_role("alert")).to_contain_text("The browser cannot show this file")


def test_documents_are_accepted(lab):
    """A PDF is shown as the server sees it; of several pages the first, which is said."""
    pytest.importorskip("pypdfium2")
    one, two = as_file(drawn(4), "PDF"), pages_file([drawn(6), drawn(4)], "PDF")
    lab.set_input_files("#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": one})
    expect(digit(lab, "reader")).to_have_text("4")
    lab.set_input_files("#file", {"name": "b.pdf", "mimeType": "application/pdf", "buffer": two})
    expect(digit(lab, "reader")).to_have_text("6")
    expect(lab.get_by_role("alert")).to_contain_text("Of 2 pages, the first is read.")


def test_occlusion_maps_are_shown_and_a_command_copied(lab):
    """Occlusion maps appear on request; the copied command sends the same request."""
    lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.check("#occlusion")
    expect(card(lab, "cnn").locator(".map")).to_be_visible()
    lab.click("#curl")
    line = lab.evaluate("navigator.clipboard.readText()")
    assert line.startswith("echo ")
    assert "base64 -d | curl -s --data-binary @- 'http://127.0.0.1" in line


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
def test_everybody_can_use_it(browser, url, scheme, width):
    """Axe finds nothing serious, nothing runs over the edge; these are the screenshots of the docs."""
    height = 844 if width < 500 else 860
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(url)
    expect(card(page, "reader")).to_have_attribute("data-state", "holds")
    page.click("#clear")
    write(page, STROKES[5])
    page.fill("#slider-translate", "4")
    page.fill("#slider-impulse", "0.06")
    page.check("#occlusion")
    expect(card(page, "reader").locator(".map")).to_be_visible()
    expect(card(page, "dense")).to_have_attribute("data-state", "fooled")
    expect(card(page, "reader")).to_have_attribute("data-state", "holds")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if DOCS:
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        page.screenshot(path=f"{DOCS}/lab-{'phone' if width < 500 else 'desktop'}-{scheme}.png")
    context.close()
