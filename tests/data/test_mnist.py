"""MNIST files: read, checked, found, downloaded; every kind of damage said in one line."""

from __future__ import annotations

import gzip
import http.server
import struct
import threading

import numpy as np
import pytest

from inkfast import data
from inkfast.core.io import sha256
from inkfast.data import mnist
from tests.data.makers import idx_images, payloads, write_gz


@pytest.fixture
def small(monkeypatch) -> dict[str, bytes]:
    """Make a 30-row MNIST the one that is expected."""
    files = payloads()
    monkeypatch.setattr(mnist, "SHA256", {name: sha256(content) for name, content in files.items()})
    monkeypatch.setattr(mnist, "_ROWS", {"train": 30, "t10k": 30})
    return files


@pytest.fixture
def server(tmp_path):
    """Serve a folder on this machine; gives the folder and its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{http_server.server_port}/"
        http_server.shutdown()
        thread.join()


def ignore(*_):
    """Take progress and do nothing."""


def test_the_real_files_are_mnist(mnist_folder):
    """The real files load with their known counts and pass verification."""
    source = data.load("mnist")
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(source.train.labels).tolist() == counts
    assert (len(source.train), len(source.test)) == (60_000, 10_000)
    assert [state for _, state in mnist.verify_mnist(mnist_folder)] == ["ok"] * 4


@pytest.mark.parametrize("zipped", [True, False])
def test_plain_and_compressed_files_are_read(small, tmp_path, monkeypatch, zipped):
    """Files are found under $INKFAST_DATA/mnist, with or without .gz."""
    folder = tmp_path / "mnist"
    if zipped:
        write_gz(folder, small)
    else:
        folder.mkdir()
        for name, content in small.items():
            (folder / name).write_bytes(content)
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    source = data.load("mnist")
    expected = np.frombuffer(small["train-images-idx3-ubyte"][16:], np.uint8)
    np.testing.assert_array_equal(source.train.images.ravel(), expected)
    assert source.test.labels.tolist() == [i % 10 for i in range(30)]


def test_missing_mnist_names_the_places_and_the_command():
    """Without files, the error says where it looked and what gets them."""
    with pytest.raises(
        ValueError, match=r"MNIST is not on this machine: looked in .* inkfast data fetch"
    ):
        data.load("mnist")


def damage(content: bytes) -> dict[str, tuple[bytes, str]]:
    """Return damaged forms of a file of images and what must be said of each."""
    whole = gzip.compress(content)
    longer = struct.pack(">IIII", 2051, 31, 28, 28) + content[16:]
    other = idx_images(np.zeros((30, 28, 28), np.uint8))
    return {
        "truncated gz": (whole[:-40], "the gzip data ends early or is corrupt"),
        "corrupt gz": (whole[:50] + b"\0" * 50 + whole[100:], "the gzip data ends early or is corrupt"),
        "wrong magic": (gzip.compress(b"\0\0\x08\x04" + content[4:]), "got magic number 2052"),
        "wrong count": (gzip.compress(longer), "its header announces 24,320 bytes (31 x 28 x 28), the file has 23,536"),
        "bomb": (gzip.compress(b"\0" * 50_000_000), "expected at most 23,536 bytes of data, got more"),
        "web page": (b"<!doctype html><title>403</title>", "got a web page"),
        "empty": (b"", "expected an IDX file"),
        "header alone": (gzip.compress(content[:9]), "expected a header of 16 bytes, got 9"),
        "other digits": (gzip.compress(other), "the SHA-256 of its content differs"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", damage(b"\0" * 16))
def test_damage_is_explained(small, tmp_path, monkeypatch, kind):
    """Every kind of damage names the file, what was expected and what to do."""
    name = "train-images-idx3-ubyte"
    content, message = damage(small[name])[kind]
    write_gz(tmp_path / "mnist", small)
    (tmp_path / "mnist" / f"{name}.gz").write_bytes(content)
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        data.load("mnist")
    text = str(error.value)
    assert message in text
    assert f"{name}.gz" in text
    assert "inkfast data fetch" in text
    assert "\n" not in text


def test_download_goes_past_a_bad_mirror(small, server, monkeypatch, tmp_path):
    """A mirror that serves a web page is passed over; the next one's good copy is kept."""
    folder, address = server
    bad = folder / "bad"
    bad.mkdir()
    for name in small:
        (bad / f"{name}.gz").write_bytes(b"<html>moved</html>")
    write_gz(folder / "good", small)
    monkeypatch.setattr(mnist, "MIRRORS", (f"{address}gone/", f"{address}bad/", f"{address}good/"))
    told = []
    where = mnist.fetch_mnist(lambda *progress: told.append(progress))
    assert where == mnist.cache_folder()
    assert sorted(p.name for p in where.iterdir()) == sorted(f"{name}.gz" for name in small)
    assert told[-1][1] == told[-1][2] > 0
    ends = [one for one in told if one[1] == one[2]]
    assert len(ends) == len(set(ends)) == 2 * len(small)  # a web page each, and a good copy
    assert len(data.load("auto").train) == 30
    assert data.load("auto").name == "mnist"


def test_own_mirror_is_tried_first(small, server, monkeypatch):
    """$INKFAST_MIRROR goes before the public mirrors."""
    folder, address = server
    write_gz(folder, small)
    monkeypatch.setenv("INKFAST_MIRROR", address)
    mnist.cache_folder().mkdir(parents=True)
    (mnist.cache_folder() / "train-images-idx3-ubyte").write_bytes(
        b"a damaged copy, not compressed"
    )
    mnist.fetch_mnist(ignore)
    assert mnist.find_mnist() == mnist.cache_folder()
    assert len(data.load("mnist").train) == 30


def test_a_good_file_is_not_fetched_again(small, monkeypatch):
    """Fetching what is there needs no network."""
    write_gz(mnist.cache_folder(), small)
    assert mnist.fetch_mnist(ignore) == mnist.cache_folder()


def test_without_a_good_mirror_nothing_stays(small, server, monkeypatch):
    """When every mirror fails, the error names each with its reason, and no file is left."""
    folder, address = server
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"garbage")
    monkeypatch.setattr(mnist, "MIRRORS", (address, f"{address}gone/", "http://127.0.0.1:9/"))
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        mnist.fetch_mnist(ignore)
    for part in (
        "wrong content",
        "HTTP 404",
        "no connection",
        "INKFAST_MIRROR",
    ):
        assert part in str(error.value)
    assert list(mnist.cache_folder().iterdir()) == []


def test_auto_without_network_is_the_embedded_digits():
    """`auto` falls back and says so, with the command that gets MNIST."""
    source = data.load("auto")
    assert source.name == "embedded"
    assert "inkfast data fetch" in source.notice


def test_a_cache_that_cannot_be_written_is_said(small, server, monkeypatch, tmp_path):
    """A cache folder that is a file gives one sentence."""
    folder, address = server
    write_gz(folder, small)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("INKFAST_MIRROR", address)
    monkeypatch.setattr(mnist, "cache_folder", lambda: blocked / "mnist")
    with pytest.raises(ValueError, match="cannot write .*file/mnist"):
        mnist.fetch_mnist(ignore)
