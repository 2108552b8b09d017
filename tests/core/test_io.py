"""Files are written whole or not at all, and locked against other processes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat

import pytest

from inkfast.core import io
from inkfast.core.errors import InkfastError
from inkfast.core.output_folder import FolderKind


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    """A write that fails leaves the old file, and nothing beside it."""
    path = tmp_path / "new" / "a.json"
    io.write_json(path, {"é": 1})
    assert path.read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o644

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        InkfastError, match=r"cannot write .*a.json: No space left .* Free some space"
    ):
        io.write_json(path, {})
    assert io.read_object(path) == {"é": 1}
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


def test_json_holds_no_nan(tmp_path):
    """NaN becomes null where it is meant, and is refused where it is not."""
    assert io.nan_to_none(math.nan) is None
    assert io.nan_to_none(0.0) == 0.0
    with pytest.raises(ValueError, match="not JSON compliant"):
        io.write_json(tmp_path / "a.json", math.nan)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "is damaged: expected JSON"),
    ("[1]", "is damaged: expected a JSON object"),
    ("[" * 100_000, "is damaged: expected JSON"),
    (None, "cannot read .*: No such file"),
])  # fmt: skip
def test_a_damaged_file_is_explained(tmp_path, content, message):
    """Missing, damaged, of another type."""
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InkfastError, match=message):
        io.read_object(path)


def test_a_locked_file_is_refused(tmp_path):
    """A second process has to wait until the file is closed."""
    path = tmp_path / "new" / "a.lock"
    with io.open_locked(path, "busy") as file:
        assert not file.closed
        with pytest.raises(InkfastError, match="^busy$"):
            io.open_locked(path, "busy")
    io.open_locked(path, "busy").close()
    with pytest.raises(InkfastError, match="cannot write"):
        io.open_locked(path / "below", "busy")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_renamed_before_it_is_locked_is_refused(tmp_path, monkeypatch, replaced):
    """Another process has just finished it: what was opened is no longer the file of that name."""
    path, real = tmp_path / "a.lock", io.lock

    def lock(file, refusal):
        path.rename(tmp_path / "finished")
        if replaced:
            path.write_text("of another process")
        return real(file, refusal)

    monkeypatch.setattr(io, "lock", lock)
    with pytest.raises(InkfastError, match="^busy$"):
        io.open_locked(path, "busy")


@pytest.mark.parametrize(("call", "message"), [
    (lambda here: io.check_free(here, overwrite=True), "expected a file or a new name"),
    (lambda here: io.check_free(here / "a", overwrite=False), "a exists. Add --overwrite"),
    (lambda here: io.check_folder(here / "a"), "a is a file: expected a folder"),
    (lambda here: io.check_resume(resume=True, overwrite=True), "exclude each other"),
])  # fmt: skip
def test_a_path_that_cannot_be_written_is_explained(tmp_path, call, message):
    """Before any work, and with the way out."""
    (tmp_path / "a").write_text("")
    with pytest.raises(InkfastError, match=message):
        call(tmp_path)


def test_a_path_that_can_be_written_is_accepted(tmp_path):
    """A new file, a file to overwrite, a folder, no folder."""
    (tmp_path / "a").write_text("")
    io.check_free(tmp_path / "b", overwrite=False)
    io.check_free(tmp_path / "a", overwrite=True)
    for folder in (None, tmp_path, tmp_path / "new"):
        io.check_folder(folder)
    for resume, overwrite in ((True, False), (False, True), (False, False)):
        io.check_resume(resume=resume, overwrite=overwrite)


def test_a_digest_is_of_all_parts():
    """It is that of the parts in a row."""
    assert io.sha256(b"a", memoryview(b"bc")) == hashlib.sha256(b"abc").hexdigest()


KIND = FolderKind("a test", ("test.json", "table.csv"), ("parts",), resumable=True)


def test_a_folder_is_claimed_and_cleared(tmp_path):
    """Only the kind's own files are deleted; a folder of this kind is recognised by its first file."""
    out = tmp_path / "a" / "b"
    assert KIND.claim(out, overwrite=False) is False
    for name in ("test.json", "table.csv", "parts/1/x", "other"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(json.dumps(1))
    assert KIND.claim(out, overwrite=False, resume=True) is True
    assert KIND.claim(out, overwrite=True) is True
    assert len(list(out.iterdir())) == 4
    KIND.clear(out)
    assert [path.name for path in out.iterdir()] == ["other"]


@pytest.mark.parametrize(("kind", "files", "flags", "message"), [
    (KIND, ["test.json"], {}, "already holds a test. Add --resume to resume it, --overwrite to start it again, or --out DIR"),
    (FolderKind("a page", ("test.json",)), ["test.json"], {}, "already holds a page. Add --overwrite to start it again, or --out DIR"),
    (KIND, ["other"], {"overwrite": True}, "is not empty and is not a test of inkfast"),
    (KIND, ["test.json"], {"overwrite": True, "resume": True}, "exclude each other"),
])  # fmt: skip
def test_a_folder_of_something_else_is_never_written(tmp_path, kind, files, flags, message):
    """The message names the flags that help."""
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(InkfastError, match=re.escape(message)):
        kind.claim(tmp_path, **{"overwrite": False, **flags})
    with pytest.raises(InkfastError, match="is a file: expected a folder or a new name"):
        kind.claim(tmp_path / files[0], overwrite=True)
