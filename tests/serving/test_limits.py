"""Every limit of the server, tripped."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import select
import socket
import struct
import zlib
from asyncio import Event
from collections.abc import AsyncIterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.types import ASGIApp, Send

from inkfast.core.errors import InkfastError
from inkfast.imaging.opening import MAX_PIXELS
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import SHIPPED_FOLDER, Reader
from inkfast.serving.app import build_app
from inkfast.serving.batch_queue import BatchQueue
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.routes_lab import SHOWN
from inkfast.serving.server import Deadline, Server
from tests.serving.makers import Stuck, as_file, drawn, serving

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-sixteen-or-more"  # noqa: S105 - opens nothing
DIGIT = as_file(drawn(7))


def without_torch(*_: object) -> np.ndarray:
    raise ModuleNotFoundError("No module named 'torch'")


def in_process(
    limits: Limits | None = None, classifier: object = None, **words: object
) -> httpx.AsyncClient:
    """Return a client of a server without sockets, whose one reader is stuck."""
    reader = Reader(classifier or Stuck(), 0.5)
    app = build_app({"reader": reader}, corrupt=without_torch, limits=limits, **words)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def empty_png(width: int, height: int) -> bytes:
    """Return a PNG file that says any size and holds no pixels."""
    parts = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), b"IDATnone")
    chunks = [struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        ("/v1/predict", bytes(15_000_001), 413, "at most 15 MB"),
        ("/v1/predict", empty_png(10_000, 5_001), 413, "at most 50 million pixels"),
        ("/v1/read", empty_png(100_000, 100_000), 413, "at most 50 million pixels"),
        ("/v1/lab", empty_png(10_000, 5_001), 413, "at most 50 million pixels"),
        ("/v1/noise?noise=none", empty_png(10_000, 5_001), 413, "at most 50 million pixels"),
        ("/v1/predict", b"", 400, "got none"),
        ("/v1/predict", b"http://localhost/digit.png", 415, "Expected a PNG, JPEG, WebP"),
        ("/v1/predict", b"/etc/passwd", 415, "Expected a PNG, JPEG, WebP"),
        ("/v1/predict", as_file(Image.new("L", (9, 9)), "ICO"), 415, "Expected a PNG, JPEG, WebP"),
        ("/v1/predict", b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "Expected a PNG, JPEG, WebP"),
        ("/v1/predict", empty_png(50, 50), 422, "it cannot be decoded"),
        ("/v1/read", DIGIT[:200], 422, "it cannot be decoded"),
        ("/v1/predict?model=../reader", DIGIT, 422, "query.model"),
        ("/v1/predict?model=" + "a" * 65, DIGIT, 422, "query.model"),
        ("/v1/predict?model=" + "a" * 64, DIGIT, 404, "unknown model"),
        ("/v1/predict?model=", DIGIT, 422, "query.model"),
        ("/v1/predict?model=reader.1", DIGIT, 422, "query.model"),
        ("/v1/predict?model=Reader", DIGIT, 422, "query.model"),
        ("/v2/models/" + "a" * 65 + "/infer", b"{}", 422, "path.name"),
        ("/v2/models/reader.1/infer", b"{}", 422, "path.name"),
        ("/v2/models/Reader/infer", b"{}", 422, "path.name"),
        ("/v1/predict?model=raeder", DIGIT, 404, "Did you mean 'reader'?"),
        ("/v1/lab?rotate=91", DIGIT, 422, "query.rotate"),
        ("/v1/lab?rotate=nan", DIGIT, 422, "query.rotate"),
        ("/v1/lab?fog=1", DIGIT, 422, "query.fog"),
        ("/v1/noise?noise=" + "a" * 301, DIGIT, 422, "query.noise"),
        ("/v1/noise?noise=rotate(degrees=__import__('os'))", DIGIT, 422, "cannot be read"),
        ("/v1/noise?noise=blur(sigma=1e9)", DIGIT, 422, "`sigma` must be"),
        ("/v2/models/nobody/infer", b"{}", 404, "unknown model"),
        ("/nowhere", b"", 404, "Not Found"),
        ("/healthz", b"", 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_explained(api, path, content, status, message):
    """A wrong request is refused in one sentence, and too large an image before it is decoded."""
    response = api.post(path, content=content)
    assert response.status_code == status
    assert message in response.json()["error"]
    assert "\n" not in response.json()["error"]


def test_the_limits_are_documented():
    """The limits are those that the documentation states."""
    text = " ".join((ROOT / "docs" / "serving.md").read_text(encoding="utf-8").split())
    shipped = Limits()
    stated = {
        "body": f"bodies of {shipped.body / 10**6:g} MB",
        "held": f"{shipped.held / 10**6:g} MB in all requests together",
        "head": f"heads of {shipped.head / 1000:g} KB",
        "seconds": f"must have come, and an answer been taken, within {shipped.seconds:g} s",
        "idle": f"idle connections close after {shipped.idle} s",
        "stopping": f"lets running requests end for up to {shipped.stopping} s",
        "files": f"{shipped.files} files a request",
        "pages": f"with {shipped.pages} images and pages in all",
        "document_seconds": f"no further page is read after {shipped.document_seconds:g} s",
        "images": f"{shipped.images:,} images a tensor",
        "large_bytes": f"images of more than {shipped.large_bytes / 1000:g} KB",
        "large": f"KB or {shipped.large / 10**6:g} million pixels",
        "waiting": f"| {shipped.waiting} small jobs",
        "waiting_large": f"and {shipped.waiting_large} large ones may wait",
    }
    assert stated.keys() == vars(shipped).keys()
    assert [words for words in stated.values() if words not in text] == []
    assert f"images of {MAX_PIXELS / 10**6:g} million pixels" in text
    assert "connections are closed within 15 s" in text
    assert max(shipped.seconds, shipped.idle) <= 15


def test_the_labs_networks_are_small():
    """The networks of the page have at most 1.5 MB each, as the documentation states."""
    for name in SHOWN:
        assert (SHIPPED_FOLDER / f"{name}.onnx").stat().st_size <= 1_500_000, name


def test_a_body_that_grows_without_saying_so_is_cut_off(api):
    """A chunked body is counted while it arrives."""
    chunks = itertools.repeat(bytes(100_000), 200)
    assert api.post("/v1/predict", content=chunks).status_code == 413


def test_too_many_files_are_refused(api):
    """A request has at most 32 images."""
    files = [("file", ("a.png", DIGIT))] * 33
    for path, sent in (("/v1/predict", files), ("/v1/lab", files[:2])):
        response = api.post(path, files=sent)
        assert response.status_code == 400
        assert "Too many files" in response.json()["error"]


def test_too_many_fields_are_refused(api):
    """A multipart body has at most 8 fields beside the images."""
    for fields, status in ((8, 200), (9, 400)):
        data = {f"field{i}": "" for i in range(fields)}
        response = api.post("/v1/predict", files={"file": DIGIT}, data=data)
        assert response.status_code == status
    assert "Too many fields" in response.json()["error"]


def test_nothing_is_written_to_disk(monkeypatch):
    """A multipart file of any size stays in memory."""

    def no_file(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr("tempfile.TemporaryFile", no_file)

    async def ask() -> None:
        async with in_process() as client:
            response = await client.post("/v1/predict", files={"file": bytes(10**7)})
            assert response.status_code == 415

    asyncio.run(ask())


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_damaged_multipart_is_explained(api, kind):
    """A multipart body without boundaries or without parts is refused in one sentence."""
    response = api.post("/v1/predict", content=b"--y\r\n", headers={"Content-Type": kind})
    assert response.status_code == 400
    assert "\n" not in response.json()["error"]


def test_a_form_that_is_cut_off_is_refused(api):
    """A multipart body that ends before its closing boundary is refused."""
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n' % DIGIT
    whole = 2 * part + b"--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for lost in (0, 2, 3, 4, 7, 9, len(part)):
        response = api.post("/v1/predict", content=whole[: len(whole) - lost], headers=kind)
        assert response.status_code == (200 if lost <= 2 else 400), lost
    assert "it is cut off" in response.json()["error"]


def test_what_all_clients_send_together_is_bounded():
    """A body for which there is no memory now is refused with Retry-After."""

    async def chunks():
        for _ in range(11):
            yield bytes(100)

    async def ask() -> None:
        async with in_process(Limits(held=1000)) as client:
            for content in (bytes(1001), chunks()):
                response = await client.post("/v1/predict", content=content)
                assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            for room in (999, 1000):
                answer = await client.post("/v1/predict", content=bytes(room))
                assert answer.status_code == 415

    asyncio.run(ask())


def test_a_body_that_will_not_fit_is_refused_before_it_is_read():
    """The announced length of a body counts against the memory of all requests."""
    reader = Reader(Stuck(), 0.5)
    app = build_app({"reader": reader}, corrupt=without_torch, limits=Limits(held=1000))
    read = []

    async def status(length: int) -> int:
        sent = []

        async def receive() -> dict[str, object]:
            read.append(length)
            return {"type": "http.request", "body": bytes(length), "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-length", b"%d" % length)]
        scope = {
            "type": "http", "method": "POST", "path": "/v1/predict", "raw_path": b"/v1/predict",
            "query_string": b"", "headers": headers, "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        await app(scope, receive, send)
        return sent[0]["status"]

    async def ask() -> list[int]:
        return [await status(length) for length in (1000, 1001)]

    assert asyncio.run(ask()) == [415, 503]
    assert read == [1000]


def test_a_body_may_be_just_as_large_as_allowed():
    """A body of exactly the limit is read; one more byte is refused."""

    async def ask() -> None:
        async with in_process(Limits(body=1000)) as client:
            for size, status in ((1000, 415), (1001, 413)):
                response = await client.post("/v1/predict", content=bytes(size))
                assert response.status_code == status

    asyncio.run(ask())


def test_requests_are_rejected_while_health_answers():
    """When the queue is full, requests are rejected; waiting ones and health are answered."""

    async def ask() -> None:
        stuck = Stuck()
        async with in_process(Limits(waiting=1), stuck) as client:
            work = [
                asyncio.create_task(client.post("/v1/predict", content=DIGIT)) for _ in range(40)
            ]
            done, pending = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            shed = done.pop().result()
            assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")
            assert "Try again" in shed.json()["error"]
            assert (await client.get("/healthz")).status_code == 200
            stuck.go.set()
            statuses = {
                fit_spec.result().status_code for fit_spec in (await asyncio.wait(pending))[0]
            }
            assert 200 in statuses <= {200, 503}

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "limits", "status"),
    [
        ("/v1/predict", Limits(waiting_large=0), 200),
        ("/v1/predict", Limits(waiting=0), 503),
        ("/v1/predict", Limits(waiting=0, large=280 * 280), 503),
        ("/v1/predict", Limits(waiting=0, large=280 * 280 - 1), 200),
        ("/v1/predict", Limits(waiting=0, large_bytes=len(DIGIT)), 503),
        ("/v1/predict", Limits(waiting=0, large_bytes=len(DIGIT) - 1), 200),
        ("/v1/lab", Limits(waiting=0, large_bytes=len(DIGIT) - 1), 200),
        ("/v1/lab", Limits(waiting_large=0), 200),
        ("/v1/lab?occlusion=true", Limits(waiting_large=0), 503),
        ("/v1/read", Limits(waiting_large=0), 503),
        ("/v1/noise?noise=none", Limits(waiting_large=0), 503),
    ],
)
def test_what_takes_long_waits_in_a_queue_of_its_own(path, limits, status):
    """Small and large requests wait in separate queues."""

    async def ask() -> None:
        stuck = Stuck()
        stuck.go.set()
        async with in_process(limits, stuck) as client:
            assert (await client.post(path, content=DIGIT)).status_code == status

    asyncio.run(ask())


def test_waiting_requests_form_a_batch():
    """Requests that wait while the network is busy form its next batch."""

    async def ask() -> None:
        stuck = Stuck()
        async with in_process(None, stuck) as client:
            work = [
                asyncio.create_task(client.post("/v1/predict", content=DIGIT)) for _ in range(30)
            ]
            while not stuck.batches:
                await asyncio.sleep(0)
            for _ in range(2000):  # let all that were sent reach the queue
                await asyncio.sleep(0)
            stuck.go.set()
            assert {(await fit_spec).status_code for fit_spec in work} == {200}
        assert sum(stuck.batches) == 2 * 30  # each image has two views
        assert max(stuck.batches) > 1

    asyncio.run(ask())


class Useless:
    """A network that never answers as it should."""

    metadata = ModelMetadata({}, "own.onnx")

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Say so."""
        raise InkfastError(f"own.onnx: expected an answer ({len(images)}, 10), got (0, 10).")


def test_a_network_with_a_wrong_output_is_explained():
    """Requests to a network with a wrong output get one sentence and no 500."""
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0] * 784}
    infer = ("/v2/models/reader/infer", json.dumps({"inputs": [tensor]}))
    asked = [infer, ("/v1/predict", DIGIT), ("/v1/read", DIGIT), ("/v1/lab", DIGIT)] * 5

    async def ask() -> None:
        async with in_process(Limits(waiting_large=9), Useless()) as client:
            work = (client.post(path, content=content) for path, content in asked)
            for response in await asyncio.gather(*work):
                assert response.status_code == 422
                assert response.json()["error"].startswith("own.onnx: expected an answer")

    asyncio.run(ask())


def test_the_error_of_a_batch_reaches_its_clients():
    """The error of a batch reaches its clients, and the queue continues."""

    def work(jobs: list[int]) -> list[int | Exception]:
        return [1 // job for job in jobs]

    async def ask() -> None:
        queue = BatchQueue(work, threads=1, waiting=9)
        with pytest.raises(ZeroDivisionError):
            await queue.submit(0)
        assert await queue.submit(1) == 1
        await asyncio.to_thread(queue.stop)

    asyncio.run(ask())


async def busy_queue(waiting: int) -> tuple[Stuck, BatchQueue, asyncio.Task]:
    """Return a queue of one thread that is at work, with what it works on."""
    stuck = Stuck()
    queue = BatchQueue(
        lambda jobs: [stuck.probabilities(np.zeros(1)) for _ in jobs], 1, waiting=waiting
    )
    first = asyncio.create_task(queue.submit(1))
    while not stuck.batches:
        await asyncio.sleep(0)
    return stuck, queue, first


def test_a_full_queue_rejects():
    """With one job running and one waiting, the third is rejected."""

    async def ask() -> None:
        stuck, queue, first = await busy_queue(waiting=1)
        second = asyncio.create_task(queue.submit(2))
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="Try again in a second"):
            await queue.submit(3)
        stuck.go.set()
        await asyncio.gather(first, second)
        queue.stop()

    asyncio.run(ask())


def test_a_drained_queue_rejects_waiting_jobs():
    """Draining finishes running jobs and rejects jobs that wait or would have to."""

    async def ask() -> None:
        stuck, queue, first = await busy_queue(waiting=9)
        waiting = [asyncio.create_task(queue.submit(2)) for _ in range(3)]
        await asyncio.sleep(0)
        queue.reject()
        for fit_spec in waiting:
            with pytest.raises(Refused):
                await fit_spec
        with pytest.raises(Refused):
            await queue.submit(3)
        stuck.go.set()
        await first
        assert len(await queue.submit(4)) == 1
        queue.stop()

    asyncio.run(ask())


def four_pages(pool: Executor, url: str) -> list[Future[httpx.Response]]:
    """Ask for four pages; return once one is being read and three wait."""
    asked = [pool.submit(httpx.post, f"{url}/v1/read", content=DIGIT, timeout=20) for _ in range(4)]
    while "inkfast_requests_waiting 3.0" not in httpx.get(f"{url}/metrics").text:
        pass
    return asked


def collect_responses(asked: list[Future[httpx.Response]], stuck: Stuck) -> list[tuple[int, str]]:
    """Return what came, and when to ask again; the page that is being read waits for the others."""
    found = []
    for one in as_completed(asked):
        found.append((one.result().status_code, one.result().headers.get("retry-after", "")))
        if len(found) == 3:
            stuck.go.set()
    return found


def test_a_stopping_server_finishes_running_requests():
    """A stopping server rejects waiting pages at once and finishes the running one."""
    stuck = Stuck()
    with ThreadPoolExecutor(5) as pool, serving(stuck=stuck) as url:
        told = pool.submit(collect_responses, four_pages(pool, url), stuck)
    assert told.result() == [(503, "1")] * 3 + [(200, "")]


def test_a_stopping_server_has_a_grace_period():
    """A stopping server refuses a page that still runs after the grace period, and ends."""
    stuck = Stuck()
    with ThreadPoolExecutor(5) as pool:
        with serving(Limits(stopping=0), stuck=stuck) as url:
            asked = four_pages(pool, url)
            while not stuck.batches:  # the first page is found before its digits are read
                pass
        assert [one.result().status_code for one in asked] == [503] * 4
        assert stuck.batches == [1]
        stuck.go.set()


TOLD = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def test_responses_have_security_headers(api):
    """Every response has the security headers, and the page loads nothing from other hosts."""
    for response in (
        api.get("/"),
        api.get("/nowhere"),
        api.get("/page/main.js"),
        api.post("/v1/predict"),
    ):
        assert {name: response.headers.get(name) for name in TOLD} == TOLD
    assert api.get("/page/../app.py").status_code == 404
    assert api.get("/page/%2e%2e/app.py").status_code == 404


@pytest.mark.parametrize("part", ["bytes=abc", "abc", "bytes=5-1", "bytes=999999999-", "bytes=0-4"])
def test_the_pages_files_come_whole(api, part):
    """Range requests are answered with the whole file."""
    response = api.get("/page/index.html", headers={"Range": part})
    assert (response.status_code, response.text) == (200, api.get("/").text)
    assert "accept-ranges" not in response.headers


def test_a_foreign_name_is_not_answered_to(api):
    """A foreign host name is refused (DNS rebinding)."""
    assert api.get("/v1/models", headers={"Host": "evil.example"}).status_code == 421
    assert api.get("/v1/models", headers={"Host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.2", "::2"])
def test_the_address_that_is_listened_at_is_answered_to(address):
    """The address at which the server listens is an accepted host name."""

    async def ask() -> None:
        async with in_process(address=address) as client:
            for host, status in [("127.0.0.3", 421), (address, 200), ("localhost", 200)]:
                name = f"[{host}]" if ":" in host else host
                response = await client.get("/healthz", headers={"Host": f"{name}:8000"})
                assert response.status_code == status, host
                assert status == 200 or address in response.json()["error"]

    asyncio.run(ask())


def test_a_token_opens_what_is_guarded():
    """With a token, only health and the page's files are open, under any host name."""

    async def ask() -> None:
        async with in_process(token=TOKEN) as client:
            for path in ("/healthz", "/readyz", "/v2/health/ready", "/", "/page/main.js"):
                assert (await client.get(path)).status_code == 200, path
            for path in ("/v1/models", "/v2", "/metrics", "/openapi.json", "/nowhere"):
                refused = await client.get(path)
                assert refused.status_code == 401, path
                assert refused.headers["www-authenticate"] == "Bearer"
                wrong = {"Authorization": "Bearer wr\xf6ng".encode("latin-1")}
                assert (await client.get(path, headers=wrong)).status_code == 401
            headers = {"Authorization": f"Bearer {TOKEN}", "Host": "digits.example"}
            assert (await client.get("/v2", headers=headers)).status_code == 200

    asyncio.run(ask())


def test_without_torch_named_noise_says_so():
    """Named noise without torch is a 501 that says how to install it."""

    async def ask() -> None:
        async with in_process() as client:
            response = await client.post("/v1/noise?noise=fog", content=DIGIT)
            assert response.status_code == 501
            assert "pip install -c constraints.txt -e '.[train]'" in response.json()["error"]

    asyncio.run(ask())


@pytest.fixture(scope="module")
def hasty():
    """Return the port of a server that waits for nobody."""
    with serving(Limits(seconds=0.3, head=5000, idle=1)) as url:
        yield int(url.rpartition(":")[2])


def connected(port: int, content: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.sendall(content)
    return made


def reply(url: str, content: bytes) -> tuple[str, str]:
    """Send bytes as they are; return the head and the body of what comes until the end."""
    with connected(int(url.rpartition(":")[2]), content) as made:
        head, _, body = b"".join(iter(lambda: made.recv(65536), b"")).partition(b"\r\n\r\n")
    return head.decode().lower(), body.decode()


def test_a_length_of_many_digits_is_a_length(url):
    """A length with leading zeros is read as a length; one of 5,000 digits is too large."""
    head = b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
    assert reply(url, head + b"0" * 5000 + b"2\r\n\r\n{}")[0].startswith("http/1.1 405")


HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HALVES = (b"GET", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf")
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
FOREIGN = b"POST /v1/read HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"garbage\r\n\r\n",
        b"CONNECT digits.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"Content-Length: abc\r\n\r\n",
        HEAD + CHUNKED + b"\r\nzz\r\n",
        HEAD + CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    ],
)
def test_malformed_http_is_explained(url, content):
    """Malformed HTTP is refused in one sentence, with the security headers."""
    head, body = reply(url, content)
    assert head.startswith("http/1.1 400 bad request\r\n")
    assert "\r\ncontent-type: application/json\r\n" in head
    assert "\r\nx-content-type-options: nosniff\r\n" in head
    assert "well-formed HTTP" in json.loads(body)["error"]


def closed(made: socket.socket) -> bool:
    """Read to the end; a server that keeps the connection makes this time out."""
    try:
        while made.recv(65536):
            pass
    except ConnectionError:
        pass
    made.close()
    return True


def test_a_client_that_disconnects_is_no_error(hasty, caplog):
    """A client that disconnects in the middle of its body is counted, and nothing is logged."""
    head = b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
    connected(hasty, head).close()
    while (
        'route="/v1/read",status="499"' not in httpx.get(f"http://127.0.0.1:{hasty}/metrics").text
    ):
        pass
    assert caplog.records == []


def cut_off(port: int, first: bytes, then: bytes) -> bool:
    """Send more and more, now and then; return whether the server ends that."""
    with connected(port, first) as made:
        try:
            for _ in range(500):
                made.sendall(then)
                if select.select([made], [], [], 0.02)[0] and not made.recv(65536):
                    return True
        except ConnectionError:
            return True
    return False


def test_half_open_connections_are_closed(hasty):
    """Connections with nothing, half a head or half a body are closed in time."""
    sockets = [connected(hasty, half) for half in (b"", *HALVES) * 25]
    assert httpx.get(f"http://127.0.0.1:{hasty}/healthz").status_code == 200
    assert all(map(closed, sockets))


@pytest.mark.parametrize("answered", [HEALTH, FOREIGN, FOREIGN + b"until now"])
@pytest.mark.parametrize("half", [b"\r\n", b"until now", *HALVES])
def test_a_kept_connection_is_closed_as_any(hasty, answered, half):
    """Data after a response must become a request in time, or the connection is closed."""
    made = connected(hasty, answered)
    assert made.recv(65536).startswith(b"HTTP/1.1 ")
    made.sendall(half)
    assert closed(made)


@pytest.mark.parametrize("first", [b"GET /healthz HTTP/1.1\r\n", HEALTH])
def test_a_client_that_drips_is_closed(hasty, first):
    """A client that sends single bytes is closed: the whole request must arrive in time."""
    assert cut_off(hasty, first, b"\r\n" if first == HEALTH else b"a: b\r\n")


@contextlib.asynccontextmanager
async def spoken_to(limits: Limits, app: ASGIApp) -> AsyncIterator[tuple[socket.socket, Event]]:
    """Connect to a server whose system takes few bytes at a time; the event is the end of that."""
    loop, ended = asyncio.get_running_loop(), Event()
    server = Server(app, "127.0.0.1", 0, limits, print)
    server.config.load()

    class Watched(server.config.http_protocol_class):
        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            ended.set()

    ours, theirs = socket.socketpair()
    with theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        theirs.setblocking(False)
        await loop.connect_accepted_socket(
            lambda: Watched(server.config, server.server_state, {}), ours
        )
        yield theirs, ended


async def hangs_up(limits: Limits, sent: bytes, size: int = 0) -> bool:
    """Send bytes to a server whose answer is of some size, take nothing of it: does it hang up?"""

    async def app(_: object, __: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": bytes(size)})

    async with spoken_to(limits, app) as (client, ended):
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(client, sent)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 5)
        return ended.is_set()


@pytest.mark.parametrize("size", [40_000, 1_000_000])
def test_a_client_that_takes_no_answer_is_closed(size):
    """A client that does not take its response in time is closed."""
    assert asyncio.run(hangs_up(Limits(seconds=0.1, idle=0), HEALTH, size))


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", HEAD + CHUNKED + b"\r\n1\r\na\r\n0\r\n"])
def test_endless_headers_are_cut_off(first):
    """Headers or trailers above the limit close the connection."""
    endless = first + 1000 * (b"a: " + b"b" * 1000 + b"\r\n")
    assert asyncio.run(hangs_up(Limits(seconds=60, head=5000), endless))


def test_an_idle_connection_is_closed(hasty):
    """An idle connection is closed."""
    made = connected(hasty, HEALTH)
    assert made.recv(65536).startswith(b"HTTP/1.1 200")
    assert closed(made)


def test_a_kept_connection_may_ask_often(hasty):
    """The limit on headers holds for each request of a connection, not for their sum."""
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert reply(f"http://localhost:{hasty}", 200 * HEALTH + last)[1].count('"ok"') == 201


def test_a_deadline_that_is_cleared_is_over():
    """A cleared deadline does not call its function, however often it was set."""
    called = []

    async def ask() -> None:
        deadline = Deadline(0, lambda: called.append(1))
        deadline.set()
        deadline.set()
        deadline.clear()
        for _ in range(3):
            await asyncio.sleep(0)
        deadline.set()
        while not called:
            await asyncio.sleep(0)

    asyncio.run(ask())
    assert called == [1]


def test_deadlines_run_only_while_the_client_is_awaited(monkeypatch):
    """Deadlines run only while the server waits for the client."""
    running = []

    class Clock:
        def __init__(self, *_: object) -> None:
            self.runs = False
            running.append(lambda: self.runs)

        def set(self) -> None:
            self.runs = True

        def clear(self) -> None:
            self.runs = False

    seen = []

    async def app(_: object, __: object, send: Send) -> None:
        seen.append([runs() for runs in running])
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": bytes(10**6), "more_body": True})
        seen.append([runs() for runs in running])
        await send({"type": "http.response.body"})  # waits until there is room
        seen.append([runs() for runs in running])

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        async with spoken_to(Limits(), app) as (client, _):
            await loop.sock_sendall(client, HEALTH)
            while len(seen) < 3:
                await loop.sock_recv(client, 65536)

    monkeypatch.setattr("inkfast.serving.server.Deadline", Clock)
    asyncio.run(ask())
    assert seen == [[False, False], [False, True], [False, False]]
