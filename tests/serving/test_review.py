"""The server of a review: what it shows, what it saves, and what it refuses."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import re

import httpx
import pytest
from PIL import Image
from scipy import stats

from inkfast.core.errors import InkfastError
from inkfast.inference.corrections import load_corrections
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.serving.limits import Limits
from inkfast.serving.middleware import RequestGuard
from inkfast.serving.review_app import build_review_app
from inkfast.serving.review_items import Review
from inkfast.serving.review_page import static_review
from tests.serving.review_makers import TOKEN, digit_answers, number_answers


class Client:
    """Sends requests to an application, without a server between them."""

    def __init__(self, app: RequestGuard, token: str = TOKEN) -> None:
        self.app, self._headers = app, {"Authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, **sent: object) -> httpx.Response:
        """Return the response to a request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.request(method, path, headers=self._headers, **sent)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        """Return the response to a GET request."""
        return self.request("GET", path)


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens a review: its file, the review and a client of its server."""
    files = []

    def make(answers=None, order="least-sure", limit=None):
        file = CorrectionsFile(answers or number_answers(tmp_path))
        files.append(file)
        review = Review(file, order, limit, "ana")
        return file, review, Client(build_review_app(review, TOKEN, Limits()))

    yield make
    for file in files:
        file.close()


def decoded(uri: str) -> Image.Image:
    """Return the image in a data URI."""
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def put(client: Client, row: int, corrected: str, was: str = "") -> httpx.Response:
    said = {"corrected": corrected, "was": was}
    return client.request("PUT", f"/v1/review/{row}", json=said)


def test_unsure_answers_come_first_and_then_the_least_confident(opened):
    """Each has its answer, its runner-up and its reason."""
    _, _, client = opened()
    card = client.get("/v1/review").json()
    assert [one["row"] for one in card["items"]] == [2, 4, 6, 1, 3, 5]
    assert (card["what"], card["by"], card["stem"]) == ("number", "ana", "answers")
    first = card["items"][0]
    assert (first["name"], first["answer"], first["runner_up"]) == (
        "page.png, page 1, number 2", "20", "20",
    )  # fmt: skip
    assert (first["unsure"], first["corrected"]) == ("it may be 1 or 7", "")


def test_a_random_order_begins_with_sure_answers_and_stays_the_same(opened, tmp_path):
    """So that any first part of a review that goes on later tells their error rate."""
    file, review, _ = opened(number_answers(tmp_path, 40), "random")
    assert sorted(review.rows[:20]) == list(range(1, 41, 2))
    assert review.rows[:20] != sorted(review.rows[:20])
    assert list(Review(file, "random", 25, "ben").rows) == list(review.rows[:25])


def test_the_cut_shows_the_number_in_its_surroundings(opened):
    """The box on the cut is where the number stands; the strip is what the network saw."""
    _, _, client = opened()
    look = client.get("/v1/review/1").json()
    cut = decoded(look["cut"])
    assert list(cut.size) == look["size"]
    left, top, width, height = look["box"]
    assert 0 < left < left + width < cut.width
    assert 0 < top < top + height < cut.height
    inside = cut.convert("L").crop((left, top, left + width, top + height))
    assert inside.getextrema()[0] < 40
    assert decoded(look["seen"]).height >= 40


def test_corrections_are_saved_as_they_come(opened):
    """Every answer of the client is in the file when the server says so."""
    file, review, client = opened()
    for row, text in ((2, "20"), (3, "30"), (5, "none")):
        assert put(client, row, text).status_code == 200
        assert {one.row: one.corrected for one in load_corrections(file.path)}[row] == text
    assert put(client, 3, "", was="30").status_code == 200
    assert [(one.row, one.by) for one in load_corrections(file.path)] == [(2, "ana"), (5, "ana")]
    interval = stats.binomtest(1, 1).proportion_ci(method="wilson")
    assert review.totals().sentence() == (
        "2 of 6 answers checked, 1 wrong; wrong among the sure: 1 of 1, 100.0 % "
        f"(95 % interval {100 * interval.low:.1f} to 100.0 %)"
    )


@pytest.mark.parametrize(
    ("row", "text", "was", "words"),
    [
        (2, "2O", "", "expected a number of"), (99, "1", "", "expected a row of this review"),
        (2, "21", "20", "was corrected to nothing on another page meanwhile"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused_in_one_line(opened, row, text, was, words):
    """No number, no such row, and a page that is out of date: the file stays as it was."""
    file, _, client = opened()
    before = file.path.read_bytes()
    refused = put(client, row, text, was)
    assert refused.status_code == 422
    assert words in refused.json()["error"]
    assert file.path.read_bytes() == before


def test_others_cannot_see_or_correct(opened):
    """Without the token there is nothing but the page's own files; another file is not served."""
    _, _, client = opened()
    stranger = Client(client.app, "x" * 32)
    assert stranger.get("/").status_code == 200
    for method, path in (("GET", "/v1/review"), ("GET", "/v1/review/2"), ("PUT", "/v1/review/2")):
        assert stranger.request(method, path).status_code == 401
    assert client.get("/v1/predict").status_code == 404


def test_images_of_one_digit_and_lost_ones(opened, tmp_path):
    """A whole image has no box; one that was moved is told, and can still be corrected."""
    file, _, client = opened(digit_answers(tmp_path))
    look = client.get("/v1/review/1").json()
    assert look["box"] is None
    assert decoded(look["seen"]).size == (28, 28)
    assert "there is no such file" in client.get("/v1/review/3").json()["error"]
    assert put(client, 2, "none").status_code == 200
    assert put(client, 1, "44").status_code == 422
    assert not file.corrections[2].is_wrong


def test_nothing_to_review_is_told(tmp_path):
    """Answers of empty pages alone are refused."""
    path = number_answers(tmp_path, 1)
    rows = path.read_text().splitlines()
    cells = next(csv.reader([rows[1]]))
    cells[4] = ""
    path.write_text("\n".join([rows[0], ",".join(cells)]))
    with CorrectionsFile(path) as file, pytest.raises(InkfastError, match="nothing was read"):
        Review(file, "least-sure", None, "ana")


def test_a_static_page_needs_nothing_else(opened, tmp_path):
    """It names no other file or host, and no text of the answers ends its script."""
    path = number_answers(tmp_path, 2)
    path.write_text(path.read_text().replace("it may be 1 or 7", "</script>"))
    _, review, _ = opened(path)
    html = static_review(review)
    assert "/page/" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.count("</script>") == 3
    assert html.count("data:image/jpeg;base64,") == 2
    script = html.rpartition('<script type="module">')[2]
    names = re.findall(
        r"^(?:async )?(?:function|const|let|class) (\w+)", script, flags=re.MULTILINE
    )
    assert len(names) > 20
    assert len(names) == len(set(names))
    assert not re.search(r"^(import|export) ", script, flags=re.MULTILINE)
