"""`inkfast serve` as it is started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from starlette.types import ASGIApp

from inkfast.cli.serve import serve
from tests.inference.makers import classifier
from tests.inference.test_without_torch import ABSENT, ALONE
from tests.serving.makers import as_file, drawn


@pytest.fixture
def started():
    """Return a function that starts a server without the packages that train: (process, URL)."""
    processes = []

    def start(*words: object) -> tuple[subprocess.Popen[str], str]:
        code = ALONE.format(absent=ABSENT, words=["serve", "--port", "0", *map(str, words)])
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found
        return process, found[0].rstrip("/")

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_serves_without_torch_and_stops_when_told(started, tmp_path):
    """A user's network is served beside the shipped ones; SIGTERM lets running requests end."""
    (tmp_path / "own-1.onnx").write_bytes(classifier().SerializeToString())
    process, url = started("--model", tmp_path / "own-1.onnx")
    image = as_file(drawn(2))
    names = [model["name"] for model in httpx.get(f"{url}/v1/models").json()["models"]]
    assert "own-1" in names
    assert httpx.post(f"{url}/v1/noise?noise=fog", content=image).status_code == 501
    assert httpx.post(f"{url}/v1/lab?blur=1", content=image).status_code == 200
    held = threading.Event()

    def slowly():
        yield image[:100]
        held.wait(10)
        yield image[100:]

    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.post(f"{url}/v1/predict", content=slowly()))
    )
    asking.start()
    while "inkfast_requests_in_progress 2.0" not in httpx.get(f"{url}/metrics").text:
        pass
    process.send_signal(signal.SIGTERM)
    while takes_connections(url):
        pass
    held.set()
    asking.join(10)
    assert answers[0].json()["predictions"][0]["digit"] == 2
    assert process.wait(10) == 0


def test_another_loopback_address_is_answered_at(monkeypatch):
    """A server at 127.0.0.2 accepts this address as its host name."""
    answers = []

    async def ask(app: ASGIApp, host: str) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}:8000") as client:
            answers.append((await client.get("/healthz")).status_code)

    def run(app: ASGIApp, host: str, *_: object) -> None:
        asyncio.run(ask(app, host))

    monkeypatch.setattr("inkfast.cli.serve.run_server", run)
    monkeypatch.delenv("INKFAST_TOKEN", raising=False)
    serve("127.0.0.2", 0, [])
    assert answers == [200]


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (4, 4), (64, 4)])
def test_a_large_machine_starts_few_processes(monkeypatch, cores, processes):
    """There is one worker per core, four at most."""
    started = []

    class Workers(contextlib.nullcontext):
        def __init__(self, _: object, number: int) -> None:
            super().__init__(self)
            started.append(number)

    monkeypatch.setattr("inkfast.cli.serve.ReaderPool", Workers)
    monkeypatch.setattr("inkfast.cli.serve.available_cores", lambda: cores)
    monkeypatch.setattr("inkfast.cli.serve.build_app", lambda *_, **__: None)
    monkeypatch.setattr("inkfast.cli.serve.run_server", lambda *_: None)
    monkeypatch.delenv("INKFAST_TOKEN", raising=False)
    serve("127.0.0.1", 0, [])
    assert started == [processes]


@pytest.mark.parametrize("absent", ["fastapi", "uvicorn", "prometheus_client"])
def test_a_missing_package_is_explained(absent):
    """Without the extra, one line says how to install it."""
    code = ALONE.format(absent=(absent,), words=["serve"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"serving needs {absent}" in done.stderr
    assert "pip install -c constraints.txt -e '.[serve]'" in done.stderr


def takes_connections(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("words", "token", "message"),
    [
        (
            ["--host", "192.0.2.1"],
            "",
            "others can reach 192.0.2.1: expected a token in INKFAST_TOKEN",
        ),
        (["--host", "::"], "", "others can reach ::: expected a token"),
        (["--host", "192.0.2.1"], "short", "must have at least 16 plain characters, got 5"),
        (["--host", "192.0.2.1"], "fifteen letters", "at least 16 plain characters, got 15"),
        (["--host", "192.0.2.1", "--model", "none.onnx"], "sixteen  letters", "cannot be read"),
        (["--host", "example.org"], "", "`host` must be an IP address or localhost"),
        (["--port", "65536"], "", "`port` must be a whole number >= 0 and <= 65535, got 65536"),
        (["--model", "Wrong Name.onnx"], "", "expected a unique name"),
        (["--model", "elsewhere/reader.onnx"], "", "expected a unique name"),
        (["--model", "a.b.onnx"], "", "expected a unique name"),
        (["--model", "a" * 65 + ".onnx"], "", "expected a unique name"),
        (["--model", "a" * 64 + ".onnx"], "", "cannot be read"),
        (["--model", "none.onnx"], "", "cannot be read"),
    ],
)
def test_what_cannot_be_served_is_explained(inkfast, monkeypatch, words, token, message):
    """A wrong option is one line, before the server listens."""
    monkeypatch.setenv("INKFAST_TOKEN", token)
    code, out, err = inkfast("serve", *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def test_a_port_in_use_is_explained(inkfast):
    """A port in use is one line and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = inkfast("serve", "--port", taken.getsockname()[1])
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot listen at 127.0.0.1" in err
    assert "ends in .onnx" in inkfast("serve", "--model", "reader.txt")[2]
