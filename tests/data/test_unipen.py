"""UniPen: its archive becomes pen strokes, these become digits, and no writer is in both parts."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading

import numpy as np
import pytest

from inkfast import data
from inkfast.core.errors import InkfastError
from inkfast.data import unipen
from inkfast.data.unipen_archive import convert_archive
from inkfast.synthetic.pen_strokes import pen_stroke_folders, read_pen_strokes
from tests.data.unipen_makers import unipen_files, write_archive

NAME = "unipen-CDROM-train_r01_v07.tgz"


def ignore(*_):
    """Report nothing."""


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / NAME
    write_archive(path)
    return path


@pytest.fixture
def zenodo(tmp_path, monkeypatch):
    """Serve a made-up record and its file; return the record, to be changed, and the folder."""
    folder = tmp_path / "www"
    folder.mkdir()
    content = write_archive(folder / "content")
    record = {"id": 1195803, "files": []}

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_GET(self):
            if self.path == "/api/records/1195803":
                (folder / "record").write_text(
                    record if isinstance(record, str) else json.dumps(record)
                )
                self.path = "/record"
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        address = f"http://127.0.0.1:{server.server_port}"
        record["files"] = [
            {"key": "readme.txt", "size": 3, "checksum": "md5:0", "links": {"self": "x"}},
            {
                "key": NAME,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}",
                "links": {"self": f"{address}/content"},
            },
        ]
        monkeypatch.setattr(unipen, "RECORD", f"{address}/api/records/1195803")
        yield record, folder
        server.shutdown()


def cache():
    return pen_stroke_folders()[-1]


def test_an_archive_becomes_pen_strokes(archive):
    """Digits, symbols and letters have the strokes, labels and writers that the archive says."""
    found, left_out = convert_archive(archive, ignore)
    assert {kind: strokes.labels.tolist() for kind, strokes in found.items()} == {
        "digits": ["7", "1", "0", "2"], "letters": ["A", "a"], "symbols": [".", '"', "\\@"],
    }  # fmt: skip
    digits = found["digits"]
    assert [digits.writer(i) for i in range(4)] == ["abc-001", "abc-001", "xyz-001", "xyz-001"]
    assert [found["letters"].writer(i) for i in range(2)] == ["xyz-002", "xyz-002"]
    assert {found["symbols"].writer(i) for i in range(3)} == {"abc-001"}
    seven, bar = digits.strokes(0)  # 60 wide, 50 at half the resolution tall; equal points merged
    assert seven.tolist() == [[0, 0], [600, 0], [200, 1000]]
    assert bar.tolist() == [[100, 500], [500, 480]]
    assert digits.strokes(1)[0].tolist() == [[40, 0], [0, 1000]]
    assert found["symbols"].strokes(0)[0].tolist() == [[0, 0]]
    assert left_out == {
        "they point outside of their document": 1,
        "they have another label": 1,
        "they have no strokes": 1,
    }


def test_sizes_are_relative_to_the_document(archive, tmp_path):
    """The usual size is the median of at least three digits and letters of the same document."""
    found, _ = convert_archive(archive, ignore)
    # of the second document: 0, 2, A and a are 20, 20, 40 and 20 large
    np.testing.assert_allclose(found["digits"].size, [np.nan, np.nan, 1, 1])
    np.testing.assert_allclose(found["letters"].size, [2, 1])
    assert np.isnan(found["symbols"].size).all()


def test_writers_without_an_identifier_are_one_for_each_folder(tmp_path):
    """A folder of strokes counts as one writer, so that a writer is never taken for two."""
    files = unipen_files()
    files["include/abc/data/abc00/one.dat"] = files["include/abc/data/abc00/one.dat"].replace(
        ".WRITER_ID", ".COMMENT"
    )
    other = files["data/1a/abc/abc00/one.dat"].replace("ONE.DAT", "other.dat")
    files["data/1a/abc/abc00/other.dat"] = other
    files["include/abc/data/abc00/other.dat"] = files["include/abc/data/abc00/one.dat"]
    write_archive(tmp_path / NAME, files)
    digits = convert_archive(tmp_path / NAME, ignore)[0]["digits"]
    assert digits.writer_names.tolist() == ["abc-001", "xyz-001"]


def test_names_that_lead_out_of_the_archive_are_not_used(tmp_path):
    """Nothing is written beside the archive, and files outside of its root are not read."""
    files = {
        **unipen_files(),
        "/../../evil.dat": "x",
        "/unipen/CDROM/train_r01_v07/../data/1a/a/b.dat": "x",
    }
    files["data/1a/abc/abc00/evil.dat"] = '.INCLUDE ../../evil.dat\n.SEGMENT CHARACTER 0 ? "5"\n'
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    write_archive(inside / NAME, files)
    found, left_out = convert_archive(inside / NAME, ignore)
    assert "5" not in found["digits"].labels
    assert left_out["their strokes are not in the archive"] == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", NAME]


@pytest.mark.parametrize("folder", ["1a", "1b", "1d"])
def test_an_archive_without_a_kind_is_refused(tmp_path, folder):
    """The folders that were expected are named."""
    dropped = {"1a": "1a", "1b": ("1b", "1c"), "1d": "1d"}[folder]
    files = {k: v for k, v in unipen_files().items() if k.split("/")[1] not in dropped}
    write_archive(tmp_path / NAME, files)
    with pytest.raises(
        InkfastError, match=r"expected (digits|letters|symbols) in the folders data/1a"
    ):
        convert_archive(tmp_path / NAME, ignore)


@pytest.mark.parametrize("content", [b"", b"<html>moved</html>", "cut off"])
def test_a_damaged_archive_is_refused(archive, content):
    """A file that is no archive, or ends early, gives one line."""
    archive.write_bytes(archive.read_bytes()[:600] if content == "cut off" else content)
    with pytest.raises(InkfastError, match=f"{NAME} cannot be read|expected digits") as caught:
        convert_archive(archive, ignore)
    assert "\n" not in str(caught.value)


def test_unipen_is_fetched_from_its_record(zenodo):
    """The archive is checked against its record, converted, and not kept; the note says counts."""
    told = []
    folder, note = unipen.fetch_unipen(lambda *progress: told.append(progress))
    assert folder == cache()
    assert sorted(p.name for p in folder.iterdir()) == ["digits.npz", "letters.npz", "symbols.npz"]
    assert note.startswith("4 digits, 3 symbols, 2 letters. Segments left out: 1 because they ")
    assert read_pen_strokes(folder / "digits.npz").labels.tolist() == ["7", "1", "0", "2"]
    assert np.load(folder / "digits.npz")["labels"].dtype == np.uint8
    assert told[-1][0] == f"reading {NAME}"
    assert all(done <= total for _, done, total in told if total)
    zenodo[0].clear()  # what is there needs no network
    assert unipen.fetch_unipen(ignore) == (cache(), "")
    assert unipen.UnipenSource().verify(folder) == [
        (f"{kind}.npz", "ok") for kind in ("digits", "symbols", "letters")
    ]


FAULTS = {
    "other checksum": ({"checksum": "md5:" + "0" * 32}, "its MD5 differs from that of the record"),
    "larger": ({"size": 10}, "bytes, the record says 10|more than 10 bytes"),
    "smaller": ({"size": 10_000_000}, "the record says 10,000,000"),
    "other kind of checksum": ({"checksum": "crc:1"}, "expected a file's name, size, MD5 and address"),
    "no address": ({"links": {}}, "expected a file's name, size, MD5 and address"),
    "a local file": ({"links": {"self": "file:///etc/passwd"}}, "expected a file's name, size"),
    "a path as name": ({"key": f"../{NAME}"}, "expected a file's name, size"),
    "no such file": ({"key": "other.zip"}, "expected a file that ends in train_r01_v07.tgz, got readme.txt, other.zip"),
    "unreachable": ({"links": {"self": "http://127.0.0.1:9/content"}}, "no connection"),
    "gone": ({"links": None}, "expected a file's name, size"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_what_differs_from_the_record_is_refused(zenodo, kind):
    """Each fault is one line that says what to do, and leaves no file behind."""
    change, message = FAULTS[kind]
    zenodo[0]["files"][1].update(change)
    with pytest.raises(InkfastError, match=message) as caught:
        unipen.fetch_unipen(ignore)
    assert "\n" not in str(caught.value)
    assert "$INKFAST_DATA/unipen" in str(caught.value)
    assert not cache().exists() or list(cache().iterdir()) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "got no files"),
        (None, "got no files"),
        ([1, 2], "got no files"),
        ("x" * (2 << 20), "expected metadata, got a large file"),
    ],
)
def test_a_strange_record_is_refused(zenodo, files, message):
    """Metadata of another form is described in one line."""
    zenodo[0]["files"] = files
    with pytest.raises(InkfastError, match=message):
        unipen.fetch_unipen(ignore)


def test_a_record_that_cannot_be_read_is_refused(zenodo, monkeypatch):
    """No network, a missing record and a page that is no JSON are said."""
    (zenodo[1] / "page").write_text("<html></html>")
    (zenodo[1] / "list").write_text("[]")
    base = unipen.RECORD.removesuffix("/api/records/1195803")
    for address, message in (
        (
            "http://127.0.0.1:9/",
            "cannot read http://127.0.0.1:9/: no connection. Check the network",
        ),
        (f"{base}/nothing", "nothing: HTTP 404"),
        (f"{base}/page", "expected JSON, got something else"),
        (f"{base}/list", "expected a JSON object, got something else"),
    ):
        monkeypatch.setattr(unipen, "RECORD", address)
        with pytest.raises(InkfastError, match=message):
            unipen.fetch_unipen(ignore)


def test_a_cache_that_is_a_file_is_said(zenodo):
    """A cache folder that cannot be made gives one line."""
    cache().parent.mkdir(parents=True)
    cache().write_text("")
    with pytest.raises(InkfastError, match="cannot write .*unipen"):
        unipen.fetch_unipen(ignore)


def write_strokes(folder, writers=10, each=12):
    """Write digits of made-up writers: a slanted line whose slant tells the label."""
    rng = np.random.default_rng(0)
    n = writers * each
    points = rng.integers(0, 1001, (n, 4, 2))
    points[:, 0], points[:, -1] = [0, 0], [400, 1000]
    folder.mkdir(parents=True)
    names = [f"{['aaa', 'bbb'][w % 2]}-{w:03d}" for w in range(writers)]
    np.savez(
        folder / "digits.npz",
        points=points.reshape(-1, 2).astype(np.int16),
        stroke_start=np.arange(0, 4 * n + 1, 4, dtype=np.int32),
        sample_start=np.arange(n + 1, dtype=np.int32),
        labels=(np.arange(n) % 10).astype(np.uint8),
        writers=np.repeat(np.arange(writers), each).astype(np.int16),
        writer_names=np.array(names),
        size=np.ones(n, np.float32),
    )
    return names


def test_digits_are_split_by_writer(tmp_path, monkeypatch):
    """The fourth of each contributor's five writers is kept for testing; labels stay with images."""
    names = write_strokes(tmp_path / "unipen")
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    source = data.load("unipen")
    assert {names[w] for w in source.test.writers} == {"aaa-006", "bbb-007"}
    assert not set(source.train.writers) & set(source.test.writers)
    assert (len(source.train), len(source.test)) == (96, 24)
    assert source.train.labels[:12].tolist() == [*range(10), 0, 1]
    assert source.train.images.shape == (96, 28, 28)
    assert source.train.fingerprint == data.load("unipen").train.fingerprint


def test_images_of_the_test_part_are_not_trained_on(tmp_path, monkeypatch):
    """A training image that a test writer happened to draw too is left out."""
    write_strokes(tmp_path / "unipen")
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    monkeypatch.setattr(
        unipen,
        "draw_digits",
        lambda s: (
            np.eye(28, dtype=np.uint8)[None].repeat(len(s), 0)
            * np.arange(1, 1 + len(s), dtype=np.uint8)[:, None, None]
            % 60
        ),
    )
    source = data.load("unipen")
    seen = {image.tobytes() for image in source.test.images}
    assert not any(image.tobytes() in seen for image in source.train.images)
    assert 0 < len(source.train) < 96


def test_other_labels_are_refused(tmp_path, monkeypatch):
    """A file of letters under the name of the digits is refused."""
    write_strokes(tmp_path / "unipen")
    arrays = dict(np.load(tmp_path / "unipen" / "digits.npz"))
    arrays["labels"] = np.full(120, "x")
    np.savez(tmp_path / "unipen" / "digits.npz", **arrays)
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    with pytest.raises(InkfastError, match="expected labels from 0 to 9, got others"):
        data.load("unipen")


def test_missing_unipen_names_the_command():
    """Without the strokes, the message names where they were looked for and how to get them."""
    with pytest.raises(
        InkfastError, match=r"digits.npz is not on this machine.* data fetch unipen"
    ):
        data.load("unipen")
    assert unipen.UnipenSource().find() is None
