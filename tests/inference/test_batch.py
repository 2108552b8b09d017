"""Images are read in order and in chunks, past bad files, alike in every executor."""

from __future__ import annotations

import inspect
import io
import os
import sys
import zipfile
from itertools import count, islice

import numpy as np
import pytest
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.execution import parse_executor
from inkfast.inference import batch, inputs, single_digit
from inkfast.inference.inputs import InputItem
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import Reader
from inkfast.inference.single_digit import LoadedInput
from tests.inference.makers import bars, classifier, png, write_pictures


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return a reader that is sure of bars and unsure of other images."""
    return Reader(OnnxClassifier(classifier().SerializeToString(), "bars", threads=1), 0.9)


def sources_of(*paths: object) -> list[str]:
    return [given.source for given in inputs.iter_inputs(map(str, paths))]


def test_a_folder_is_sorted_and_only_images_count(tmp_path, monkeypatch):
    """Subfolders are read in order; hidden files, other files, pipes and link cycles are not."""
    for name in ("b/2.png", "b/10.PNG", "a.png", "c.jpeg", ".hidden.png", "b/notes.txt", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "b" / "pipe.png")
    monkeypatch.chdir(tmp_path)
    assert sources_of(".") == ["./a.png", "./b/10.PNG", "./b/2.png", "./c.jpeg", "./d.png"]
    assert sources_of("d.png", "b/[0-9]*.*[gG]", "a.png") == [
        "d.png",
        "b/10.PNG",
        "b/2.png",
        "a.png",
    ]


def test_folders_may_be_nested_deeply(tmp_path, monkeypatch):
    """Nesting may exceed the recursion limit; a folder that cannot be opened is named."""
    write_pictures(tmp_path.joinpath(*"d" * 150), bars(1))
    write_pictures(tmp_path / "e", bars(1))
    monkeypatch.chdir(tmp_path)
    calls, most = len(inspect.stack()), sys.getrecursionlimit()
    sys.setrecursionlimit(calls + 100)  # what lies deeper, pytest itself cannot clear away
    try:
        names = sources_of(".")
    finally:
        sys.setrecursionlimit(most)
    assert names == ["./" + "d/" * 150 + "000.png", "./e/000.png"]
    real = os.scandir

    def refusing(path):
        if path.endswith("/d/d/d"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    first, second = inputs.iter_inputs(["."])
    assert (first.source, second.source) == ("./d/d/d", "./e/000.png")
    with pytest.raises(InkfastError, match="./d/d/d: expected an image, but Permission denied"):
        first.load()


def test_patterns_are_sorted_and_enter_folders(tmp_path, monkeypatch):
    """`*` includes folders with their content, `**` finds files itself, none twice."""
    for name in ("x/1.png", "x/y/2.png", "z.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    everything = ["x/1.png", "x/y/2.png", "z.png"]
    assert sources_of("*") == everything
    assert sources_of("**") == everything
    assert sources_of("**/*.png") == everything
    assert inputs.check_paths(["*.png", "-"]) == ["*.png", "-"]
    with pytest.raises(InkfastError, match=r"\*.gif: there is no such file or folder"):
        inputs.check_paths(["*.png", "*.gif"])


def test_a_zip_archive_is_read_as_its_folder(tmp_path, reader):
    """Members are sorted by name, files that macOS adds are skipped, a damaged one is reported."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("b/2.png", "./b/1.png", "__MACOSX/b/._1.png", "./b/.x.png", "notes.txt"):
            archive.writestr(name, "no image" if name == "notes.txt" else png(bars(3)[2]))
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 255  # of the first member
    path.write_bytes(content)
    good, bad = batch.predict_inputs(inputs.iter_inputs([str(path)]), reader)
    assert (good.source, good.prediction.digit) == (f"{path}/./b/1.png", 2)
    assert bad.error.startswith(f"{path}/b/2.png: cannot be read from its archive")
    path.write_bytes(b"junk")
    (broken,) = batch.predict_inputs(inputs.iter_inputs([str(path)]), reader)
    assert "expected a zip archive of images" in broken.error


def test_too_large_a_file_is_refused_before_it_is_decoded(tmp_path, monkeypatch, reader):
    """The limit holds for files, for archives with a wrong directory, and for standard input."""
    monkeypatch.setattr(inputs, "MAX_IMAGE_BYTES", 1000)
    (tmp_path / "a.png").write_bytes(b"x" * 1001)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"x" * 10**6)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 1001)))
    paths = [str(tmp_path / "a.png"), str(tmp_path / "b.zip"), "-"]
    found = list(batch.predict_inputs(inputs.iter_inputs(paths), reader))
    assert len(found) == 3
    assert all("expected an image of at most 0 MB" in row.error for row in found)


def test_bad_files_do_not_end_the_work(tmp_path, reader):
    """A file that is no image, was deleted or may not be read is a row with an error."""
    write_pictures(tmp_path / "in", bars(3))
    (tmp_path / "in" / "001.png").write_bytes(b"junk")
    paths = [str(tmp_path / "in"), str(tmp_path / "gone.png"), str(tmp_path / "in/000.png")]
    found = list(batch.predict_inputs(inputs.iter_inputs(paths), reader))
    assert [row.prediction and row.prediction.digit for row in found] == [0, None, 2, None, 0]
    assert "001.png: expected an image, but it cannot be decoded" in found[1].error
    assert "gone.png: there is no such file. Check its path." in found[3].error


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_image_in_an_archive_is_one_row(method, tmp_path, reader):
    """With every compression method, a damaged member is an error and the others are read."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", method) as file:
        for place, image in enumerate(bars(2)):
            file.writestr(f"{place}.png", png(image))
        start = file.infolist()[0].header_offset + 60
    damaged = bytearray(archive.read_bytes())
    damaged[start : start + 30] = b"\xff" * 30
    archive.write_bytes(damaged)
    first, second = batch.predict_inputs(inputs.iter_inputs([str(archive)]), reader)
    assert "a.zip/0.png: cannot be read from its archive" in first.error
    assert second.prediction is not None


def test_whatever_a_decoder_raises_is_one_row(tmp_path, monkeypatch, reader):
    """An unexpected exception of the decoder is the error of that file alone."""

    def fail(*_):
        raise IndexError("out of\nrange")

    monkeypatch.setattr(single_digit, "open_image", fail)
    (row,) = single_digit.predict_chunk(reader, [LoadedInput("a.png", b"")])
    assert row.error == r"a.png: cannot be read (IndexError('out of\nrange'))."


def test_an_image_without_ink_is_unsure(reader):
    """A blank image has no digit and no confidence; Kaggle's format still gets a guess."""
    page = Image.new("L", (90, 60), 200)
    file = io.BytesIO()
    page.save(file, "PNG")
    blank = np.zeros((28, 28), np.uint8)
    small = [LoadedInput("c.png", png(blank)), LoadedInput("d.png", png(255 - blank))]
    for row in single_digit.predict_chunk(
        reader,
        [LoadedInput("a.png", file.getvalue()), LoadedInput("b", blank), *small],
        review=True,
    ):
        values = row.values()
        assert row.state == "unsure"
        assert values["unsure"] == "no ink was found"
        assert values["digit"] is values["confidence"] is values["runner_up"] is None
        assert Image.open(io.BytesIO(row.review)).size == (570, 280)


def test_a_review_shows_the_input_beside_what_the_network_saw(reader):
    """Only unsure digits have a review: the input on the left, the 28x28 pixels on the right."""
    given = np.full((280, 280), 255, np.uint8)
    given[40:240, 130:150] = 0  # a stroke in the middle is no bar
    sure, unsure = single_digit.predict_chunk(
        reader, [LoadedInput("a", bars(1)[0]), LoadedInput("b", png(given))], review=True
    )
    assert (sure.state, sure.review) == ("", b"")
    assert unsure.state == "unsure"
    pixels = np.asarray(Image.open(io.BytesIO(unsure.review)).convert("L"))
    np.testing.assert_array_equal(pixels[:, :280], given)
    right = pixels[:, 290:]
    assert right[140, 140] > 200
    assert right[5, 5] == 0
    assert (right.reshape(28, 10, 28, 10).std(axis=(1, 3)) == 0).all()


class Witness:
    """An endless stream of images that counts how many were asked for and loaded."""

    def __init__(self) -> None:
        self.asked = self.loaded = 0

    def __iter__(self):
        for row in count():
            self.asked += 1
            yield InputItem(str(row), 784, self.load)

    def load(self) -> np.ndarray:
        """Load a bar."""
        self.loaded += 1
        return bars(1)[0]


def test_no_more_is_read_than_is_needed(reader):
    """An endless stream gives its first rows; one chunk is asked for at a time."""
    witness = Witness()
    found = batch.predict_inputs(witness, reader)
    assert [row.source for row in islice(found, 3)] == ["0", "1", "2"]
    assert witness.loaded <= batch._MAX_IMAGES
    assert witness.asked <= batch._MAX_IMAGES + 1
    next(islice(found, 1000, None))
    assert witness.loaded <= 1000 + 2 * batch._MAX_IMAGES


def test_skipped_rows_are_not_read_again(reader):
    """Complete chunks of skipped rows are passed over without opening their files."""
    witness = Witness()
    found = batch.predict_inputs(witness, reader, skip=10 * batch._MAX_IMAGES + 5)
    assert next(found).source == str(10 * batch._MAX_IMAGES + 5)
    assert witness.loaded == batch._MAX_IMAGES


def test_large_images_make_small_chunks(reader, monkeypatch):
    """A chunk ends at a number of bytes, which bounds its memory."""
    monkeypatch.setattr(batch, "_MAX_BYTES", 2000)
    sizes = []

    def chunk_sizes(reader, chunk, **_):
        sizes.append(len(chunk))
        return []

    monkeypatch.setattr(batch, "predict_chunk", chunk_sizes)
    list(batch.predict_inputs(islice(Witness(), 6), reader))
    huge = [InputItem(str(row), 3000, lambda: bars(1)[0]) for row in range(3)]
    list(batch.predict_inputs(huge, reader))
    assert sizes == [2, 2, 2, 1, 1, 1]


def test_processes_give_the_same_rows_in_order(tmp_path, reader, monkeypatch):
    """Two processes give the rows of one, in order, bad files included."""
    monkeypatch.setattr(batch, "_MAX_IMAGES", 3)
    write_pictures(tmp_path, bars(40))
    (tmp_path / "007.png").write_bytes(b"junk")
    expected = list(batch.predict_inputs(inputs.iter_inputs([str(tmp_path)]), reader, review=True))
    found = batch.predict_inputs(
        inputs.iter_inputs([str(tmp_path)]), reader, parse_executor("local:2"), review=True
    )
    assert list(found) == expected
    assert [row.prediction.digit for row in expected if row.prediction] == [
        row % 10 for row in range(40) if row != 7
    ]


class Fatal(bytes):
    """An input that ends the process that loads it, as running out of memory would."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_lost_process_is_one_sentence(reader):
    """If a process dies, the work ends with one sentence that says how to resume."""
    given = [InputItem("a", 1, lambda: Fatal(b""))]
    with pytest.raises(InkfastError, match="a process was lost 3 times.*continue with --resume"):
        list(batch.predict_inputs(given, reader, parse_executor("local:1")))
