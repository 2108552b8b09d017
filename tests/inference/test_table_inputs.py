"""Tables of images: every format yields its rows one by one and names bad rows."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.data import arrays, kaggle_csv
from inkfast.inference import table_inputs
from tests.data.makers import kaggle_csv as kaggle_text
from tests.inference.makers import bars, png, write_csv


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Shrink the blocks, so that every table here takes several."""
    monkeypatch.setattr(table_inputs, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(table_inputs, "_BLOCK_BYTES", 5000)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("change", [
    str, lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n"),
    lambda text: "\ufeff" + text, lambda text: text.replace(",", ", "), lambda text: text + "\n\n",
], ids=["plain", "crlf", "no last newline", "byte order mark", "spaces", "empty lines"])  # fmt: skip
def test_a_csv_is_read_as_the_loader_reads_it(labelled, change, tmp_path):
    """The images are those of the data loader, whatever the line ends are."""
    path = tmp_path / "test.csv"
    path.write_text(kaggle_text(20, labelled), newline="")
    expected = kaggle_csv.load_csv(path).train.images
    path.write_text(change(kaggle_text(20, labelled)), newline="")
    np.testing.assert_array_equal(list(table_inputs.csv_rows(path)), expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",255", ",256", "column pixel.*: expected a whole number from 0 to 255, got '256'"),
        (",255", ",-1", "got '-1'"),
        (",255", ",", "got ''"),
        (",255", ",2.5", "got '2.5'"),
        (",255", ",²", "got 'Â²'"),
        (",255", ",255,1", "expected 784 columns, got 785"),
        (",255", "", "expected 784 columns, got 783"),
    ],
)
def test_a_bad_row_of_a_csv_is_named_and_the_rest_is_read(old, new, message, tmp_path):
    """A bad row is an error with its number and column; the other rows are images."""
    path = write_csv(tmp_path / "test.csv", bars(30))
    lines = path.read_text().splitlines()
    lines[12] = lines[12].replace(old, new, 1)
    path.write_text("\n".join(lines))
    found = list(table_inputs.csv_rows(path))
    with pytest.raises(InkfastError, match=rf"test.csv#12.*{message}"):
        raise found.pop(11)
    np.testing.assert_array_equal(found, np.delete(bars(30), 11, axis=0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "expected the header label,pixel0"),
        (kaggle_text(0), "expected at least one row below the header, got none"),
        (kaggle_text(0) + "1" * 9000, "got one without an end"),
    ],
)
def test_another_csv_is_refused(content, message, tmp_path):
    """A wrong header, no row, and a line without an end are refused in one sentence each."""
    (tmp_path / "test.csv").write_text(content)
    with pytest.raises(InkfastError, match=message):
        list(table_inputs.csv_rows(tmp_path / "test.csv"))


@pytest.mark.parametrize("change", [
    lambda a: a, lambda a: a.reshape(-1, 784), lambda a: a[..., None], lambda a: a / 255,
    lambda a: (a / 255).astype(np.float16), lambda a: a // 255, lambda a: a.astype(">i4"),
    np.asfortranarray,
], ids=["uint8", "flat", "channel", "unit", "half", "binary", "big-endian", "fortran"])  # fmt: skip
def test_arrays_are_on_one_scale(change, tmp_path):
    """Arrays of any type and order become uint8 images, from .npy and .npz, compressed or not."""
    images = bars(40)
    np.save(tmp_path / "a.npy", change(images))
    np.savez(tmp_path / "b.npz", labels=np.arange(40) % 10, images=change(images))
    np.savez_compressed(tmp_path / "c.npz", x_train=change(images), y_train=np.arange(40) % 10)
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(list(table_inputs.numpy_rows(path)), images)


def test_a_dark_block_does_not_change_the_scale(tmp_path):
    """Rows on the scale to 255 stay so though the first block has no value above 1."""
    images = np.concatenate([np.ones((10, 28, 28), np.uint8), bars(10)])
    np.save(tmp_path / "a.npy", images)
    np.testing.assert_array_equal(list(table_inputs.numpy_rows(tmp_path / "a.npy")), images)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5)), r"images must have shape \(n, 28, 28\)"),
        (np.full((3, 784), np.nan), "without NaN"),
        (np.full((3, 784), 300), "got 300 to 300"),
        (np.array(["a"] * 784).reshape(1, 784), "images must be numbers"),
        (np.array([{}] * 784).reshape(1, 784), "expected numbers, got pickled objects"),
    ],
)
def test_an_array_that_is_not_of_images_is_refused(array, message, tmp_path):
    """Another shape, type or range is refused, and nothing is unpickled."""
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InkfastError, match=message):
        list(table_inputs.numpy_rows(tmp_path / "a.npy"))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_truncated_array_is_reported(name, tmp_path):
    """The complete rows are read, then one sentence says where the file ends."""
    np.save(tmp_path / "a.npy", bars(40))
    np.savez(tmp_path / "a.npz", images=bars(40))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InkfastError, match=rf"{name} (is cut off after 14 of 40|cannot be read)"):
        list(table_inputs.numpy_rows(tmp_path / name))


def npy(header: str) -> bytes:
    """Return an .npy file with this text as its header."""
    content = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content + bytes(784)


HUGE = "'shape': (1, {}, 28), 'descr': '|u1'".format("1" + "0" * 30)
HEADERS = [
    "{'descr': (", "{[]: 1}", "{1: 2, 'descr': '|u1', 'fortran_order': False, 'shape': (1, 784)}",
    "{'fortran_order': True, 'shape': (1" + "0" * 30 + ", 28, 28), 'descr': '|u1'}",
    "{'fortran_order': False, " + HUGE + "}", "(" * 100 + ")" * 100,
]  # fmt: skip


@pytest.mark.parametrize(
    "read", [lambda path: list(table_inputs.numpy_rows(path)), arrays.load_arrays]
)
@pytest.mark.parametrize("header", HEADERS)
def test_a_forged_header_is_refused(header, read, tmp_path):
    """Any error of NumPy's header parser is one sentence, in an archive too."""
    (tmp_path / "a.npy").write_bytes(npy(header))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", npy(header))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(InkfastError, match=f"{name}( cannot be read: it is|: images must)"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "read", [lambda path: list(table_inputs.numpy_rows(path)), arrays.load_arrays]
)
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_refused(method, read, tmp_path):
    """Damage is one sentence for every compression method."""
    path = tmp_path / "a.npz"
    noise = np.random.default_rng(0).integers(0, 256, (9, 28, 28), dtype=np.uint8)
    np.save(tmp_path / "a.npy", noise)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.write(tmp_path / "a.npy", "images.npy")
    content = bytearray(path.read_bytes())
    for damaged in (slice(45, 60), slice(2000, 2100)):
        spoilt = content.copy()
        spoilt[damaged] = b"\xff" * (damaged.stop - damaged.start)
        path.write_bytes(spoilt)
        with pytest.raises(InkfastError, match=r"a\.npz cannot be read: it is damaged"):
            read(path)


@pytest.mark.parametrize("name", ["x_train", "images"])
def test_an_archive_of_other_files_is_refused(name, tmp_path):
    """A member that is not an .npy file is refused, whatever its name."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr(name, b"text")
    with pytest.raises(InkfastError, match="got something else"):
        arrays.load_arrays(tmp_path / "a.npz")


def test_an_archive_without_images_is_refused(tmp_path):
    """The message lists the arrays in the archive."""
    np.savez(tmp_path / "a.npz", other=bars(3))
    with pytest.raises(InkfastError, match=r"expected arrays named images .* got other\."):
        list(table_inputs.numpy_rows(tmp_path / "a.npz"))


def test_parquet_of_image_files_and_of_pixels(tmp_path):
    """Bytes, Hugging Face's struct and 784 columns are read; labels ignored, missing images named."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    images = bars(20)
    files: list = [png(image) for image in images]
    files[3] = None
    expected = [*files[:3], *files[4:]]
    structs = [{"bytes": file, "path": "x.png"} for file in files]
    labels = list(range(20))
    pq.write_table(pa.table({"image": files, "label": labels}), tmp_path / "bytes.parquet")
    pq.write_table(pa.table({"label": labels, "image": structs}), tmp_path / "struct.parquet")
    for name in ("bytes.parquet", "struct.parquet"):
        found = list(table_inputs.parquet_rows(tmp_path / name))
        assert f"{name}#4: expected the bytes of an image file" in str(found.pop(3))
        assert found == expected
    for kind, scale in ((pa.uint8(), 255), (pa.float32(), 1.0)):
        pixels = images.reshape(20, 784) // 255 * scale
        table = {f"pixel{i}": pa.array(pixels[:, i], kind) for i in range(784)}
        pq.write_table(pa.table({"label": labels, **table}), tmp_path / "pixels.parquet")
        found = list(table_inputs.parquet_rows(tmp_path / "pixels.parquet"))
        np.testing.assert_array_equal(found, images)


def test_another_parquet_file_is_refused(tmp_path):
    """Other columns, and files of another format, are refused in one sentence."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InkfastError, match=r"expected a column image, or 784 columns.*\['a'\]"):
        list(table_inputs.parquet_rows(tmp_path / "a.parquet"))
    (tmp_path / "b.parquet").write_bytes(b"junk")
    with pytest.raises(InkfastError, match="is not a Parquet file that can be read") as error:
        list(table_inputs.parquet_rows(tmp_path / "b.parquet"))
    assert "\n" not in str(error.value)


def pixels(pa, change: dict | None = None):
    """Return a table of pixels with some columns replaced."""
    columns = {f"pixel{i}": pa.array([0, 255], pa.uint8()) for i in range(784)}
    return pa.table(columns | (change or {}))


def numbered(pa, kind: str, fill: object = 1):
    array = pa.array([fill, fill], getattr(pa, kind)())
    return pa.table({f"pixel{i}": array for i in range(784)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda pa: numbered(pa, "string", "1"), "column 'pixel0': expected numbers, got 'string'"),
        (lambda pa: numbered(pa, "binary", b"1"), "expected numbers, got 'binary'"),
        (lambda pa: numbered(pa, "null", None), "expected numbers, got 'null'"),
        (lambda pa: numbered(pa, "bool_", fill=True), "expected numbers, got 'bool'"),
        (
            lambda pa: pixels(pa, {"pixel7": pa.array(["a", "b"]).dictionary_encode()}),
            "column 'pixel7': expected numbers, got 'dictionary<.*",
        ),
        (lambda pa: pixels(pa, {"pixel7": ["1", "2"]}), "column 'pixel7': .* got 'string'"),
        (lambda pa: pixels(pa, {"pixel7": [{"a": 1}] * 2}), "expected numbers, got 'struct<"),
        (
            lambda pa: pixels(pa, {"pixel7": pa.array([1, 2], pa.timestamp("s"))}),
            r"expected numbers, got 'timestamp\[",
        ),
        (
            lambda pa: pixels(pa).rename_columns(["x", "x", *map(str, range(782))]),
            "expected 784 names of columns, got 'x' twice",
        ),
        (
            lambda pa: pa.table({"image": pa.array([1 << 60], pa.timestamp("ms"))}),
            r"expected one column image of bytes, .* got 'timestamp\[",
        ),
        (lambda pa: pa.table({"image": [{"path": "a"}]}), "got 'struct<path"),
        (
            lambda pa: pa.table([[b"a"], [b"b"]], names=["image", "image"]),
            "expected one column image .* got 'binary', 'binary'",
        ),
    ],
)
def test_columns_of_another_type_are_named(make, message, tmp_path):
    """Types and names are checked before any value is read: one sentence each."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(make(pa), tmp_path / "a.parquet")
    with pytest.raises(InkfastError, match=message):
        list(table_inputs.parquet_rows(tmp_path / "a.parquet"))


def test_bytes_columns_of_several_types_are_read(tmp_path):
    """Large binary, fixed-size, dictionary, and structs with fields of unsupported types are read."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = png(bars(1)[0])
    never = pa.array([1 << 60], pa.timestamp("ms"))
    for column in (
        pa.array([file], pa.large_binary()),
        pa.array([file], pa.binary(len(file))),
        pa.array([file]).dictionary_encode(),
        pa.StructArray.from_arrays([never, pa.array([file])], ["when", "bytes"]),
    ):
        pq.write_table(pa.table({"image": column}), tmp_path / "a.parquet")
        assert list(table_inputs.parquet_rows(tmp_path / "a.parquet")) == [file]


def test_a_wrong_shape_is_reported_as_it_is(tmp_path):
    """The message has the array's own shape, though only its header is read."""
    np.save(tmp_path / "a.npy", np.zeros((3, 5)))
    with pytest.raises(InkfastError, match=r"got \(3, 5\)"):
        next(table_inputs.numpy_rows(tmp_path / "a.npy"))
