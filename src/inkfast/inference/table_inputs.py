"""Tables of images, row by row: Kaggle's CSV, NumPy files, Parquet of pixels or of image files.

A row is uint8 ``(28, 28)`` with bright ink on dark, or the bytes of an image file.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, short_repr
from inkfast.data import arrays, kaggle_csv

_BLOCK_ROWS = 1024  # rows of a table read at a time
_BLOCK_BYTES = 1 << 20  # bytes of a CSV read at a time
_COLUMN_BUFFER = 1 << 16  # bytes for each of up to 784 columns

TableRows = Iterator[bytes | Images | InkfastError]


def csv_rows(path: Path) -> TableRows:
    """Yield the rows of a digit-recognizer CSV, with an error in place of a bad row.

    Raises:
        InkfastError: If the header is wrong, or there is no row below it.
    """
    names = kaggle_csv.csv_columns(path)
    row = 0
    for block in _line_blocks(path):
        images = _parse_block(block, len(names))
        lines = [b""] * len(images) if images is not None else block.split(b"\n")
        for at, line in enumerate(lines):
            if images is None and not line.strip():
                continue
            row += 1
            yield (
                images[at] if images is not None else _parse_csv_line(line, names, f"{path}#{row}")
            )
    if not row:
        raise InkfastError(f"{path}: expected at least one row below the header, got none.")


def _line_blocks(path: Path) -> Iterator[bytes]:
    """Yield the file below its header in blocks of whole lines."""
    with path.open("rb") as file:
        file.readline(1 << 16)
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            lines, newline, rest = (rest + block).rpartition(b"\n")
            if len(rest) > _BLOCK_BYTES:
                raise InkfastError(f"{path}: expected lines of 784 pixels, got one without an end.")
            if newline:
                yield lines.replace(b"\r\n", b"\n").removesuffix(b"\r") + b"\n"
        if rest.strip():
            yield rest.rstrip() + b"\n"


def _parse_block(block: bytes, columns: int) -> Images | None:
    """Return the images of lines of plain numbers up to 255; None for other lines."""
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(ord("0"))  # other characters wrap around to more than 9
    ends = np.flatnonzero(digits > 9)  # of the numbers
    if len(ends) % columns:
        return None
    between = text[ends].reshape(-1, columns)
    if (between[:, :-1] != ord(",")).any() or (between[:, -1] != ord("\n")).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    values = digits[ends - 1].astype(np.int16)
    values += np.where(lengths > 1, digits[ends - 2], 0) * np.int16(10)
    values += np.where(lengths > 2, digits[ends - 3], 0) * np.int16(100)
    if values.max() > 255:
        return None
    pixels = values.astype(np.uint8).reshape(-1, columns)[:, -SIDE * SIDE :]
    return pixels.reshape(-1, SIDE, SIDE)


def _parse_csv_line(line: bytes, names: list[str], source: str) -> Images | InkfastError:
    """Return the image of one line, spaces and quotes removed, or the error in it."""
    words = [word.strip().strip('"') for word in line.decode("latin1").split(",")]
    if len(words) != len(names):
        return InkfastError(f"{source}: expected {len(names)} columns, got {len(words)}.")
    for name, word in zip(names, words, strict=True):
        if not (word.isascii() and word.isdigit() and len(word) <= 3 and int(word) <= 255):
            return InkfastError(
                f"{source}, column {name}: expected a whole number from 0 to 255, got "
                f"{short_repr(word)}."
            )
    return np.array(words[-SIDE * SIDE :], np.uint8).reshape(SIDE, SIDE)


def numpy_rows(path: Path) -> TableRows:
    """Yield the images of an .npy file, or of an .npz file's first array of images.

    Raises:
        InkfastError: If it holds something else, or is truncated.
    """
    try:
        with _open_array(path) as file:
            plain = _read_array_header(file, path)[1]
        if plain:
            yield from _rescaled_images(lambda: _array_blocks(path), path)
        else:  # stored in column-major order: rows can only be read from the whole
            yield from arrays.load_arrays(path).train.images
    except InkfastError:
        raise
    except Exception as error:
        raise arrays.unreadable(path, error) from None


def _rescaled_images(blocks: Callable[[], Iterator[NDArray[Any]]], path: Path) -> Iterator[Images]:
    """Yield rows as uint8 images, all on one scale, which the first block nearly always tells."""
    top = arrays.full_ink(blocks())
    for block in blocks():
        yield from arrays.images_of(block, path, top)


@contextmanager
def _open_array(path: Path) -> Iterator[IO[bytes]]:
    """Open an .npy file, or the array of images in an .npz archive."""
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        wanted = [name for name in (*dict(arrays.PAIRS), "x_train") if name in names]
        if not wanted:
            raise InkfastError(
                f"{path}: expected {arrays.EXPECTED}, got {', '.join(sorted(names)) or 'none'}."
            )
        with archive.open(f"{wanted[0]}.npy") as member:
            yield member


def _read_array_header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return an array's shape, whether it is in row-major order, and its type."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    if dtype.hasobject:
        raise InkfastError(f"{path}: expected numbers, got pickled objects.")
    none = np.empty((0, *shape[1:]), dtype)
    arrays.images_of(none, path, shape=shape)  # raises if these are not images
    return shape, not fortran, dtype


def _array_blocks(path: Path) -> Iterator[NDArray[Any]]:
    with _open_array(path) as file:
        shape, _, dtype = _read_array_header(file, path)
        row = dtype.itemsize * int(np.prod(shape[1:]))
        for start in range(0, shape[0], _BLOCK_ROWS):
            count = min(_BLOCK_ROWS, shape[0] - start)
            content = file.read(count * row)
            if len(content) != count * row:
                raise InkfastError(f"{path} is cut off after {start:,} of {shape[0]:,} images.")
            yield np.frombuffer(content, dtype).reshape(count, *shape[1:])


def parquet_rows(path: Path) -> TableRows:
    """Yield the rows of a Parquet file.

    The file has a column `image` of image files, as bytes or as Hugging Face's struct of bytes
    and path, or 784 columns of pixels; a column `label` is ignored.

    Raises:
        InkfastError: If it has neither, or is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, buffer_size=_COLUMN_BUFFER, pre_buffer=False) as file:
            columns = [field for field in file.schema_arrow if field.name != "label"]
            names = [field.name for field in columns]
            if "image" in names:
                _check_image_column(columns, path)
                yield from _image_column_rows(file, path)
                return
            _check_pixel_columns(columns, path)
            yield from _rescaled_images(lambda: _pixel_column_blocks(file, names), path)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InkfastError):
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InkfastError(f"{path} is not a Parquet file that can be read ({first}).") from None


def _check_image_column(columns: list[Any], path: Path) -> None:
    """Raise unless there is one column `image` of bytes, or of structs with bytes."""
    import pyarrow as pa

    kinds = [field.type for field in columns if field.name == "image"]
    inner = kinds[0]
    if pa.types.is_struct(inner):
        at = inner.get_field_index("bytes")  # -1 for none or several
        inner = inner.field(at).type if at >= 0 else inner
    if pa.types.is_dictionary(inner):
        inner = inner.value_type
    binary = pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary
    if len(kinds) > 1 or not any(known(inner) for known in binary):
        raise InkfastError(
            f"{path}: expected one column image of bytes, or of structs with bytes, got "
            f"{', '.join(short_repr(str(kind)) for kind in kinds[:3])}."
        )


def _check_pixel_columns(columns: list[Any], path: Path) -> None:
    """Raise unless there are 784 columns of numbers, each with its own name."""
    import pyarrow as pa

    names = [field.name for field in columns]
    if len(names) != SIDE * SIDE:
        raise InkfastError(
            f"{path}: expected a column image, or 784 columns of pixels, got "
            f"{len(names)}: {short_repr(names[:3])}."
        )
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise InkfastError(f"{path}: expected 784 names of columns, got {short_repr(twice)} twice.")
    for field in columns:
        if not (pa.types.is_integer(field.type) or pa.types.is_floating(field.type)):
            raise InkfastError(
                f"{path}, column {short_repr(field.name)}: expected numbers, got "
                f"{short_repr(str(field.type))}."
            )


def _image_column_rows(file: Any, path: Path) -> TableRows:
    import pyarrow as pa

    row = 0
    for batch in file.iter_batches(64, columns=["image"]):
        column = batch.column(0)
        if pa.types.is_struct(
            column.type
        ):  # the bytes alone: other fields may have unsupported types
            column = column.flatten()[column.type.get_field_index("bytes")]
        for value in column:
            row += 1
            content = value.as_py()
            if isinstance(content, bytes):
                yield content
            else:
                yield InkfastError(
                    f"{path}#{row}: expected the bytes of an image file, got "
                    f"{type(content).__name__}."
                )


def _pixel_column_blocks(file: Any, names: list[str]) -> Iterator[NDArray[Any]]:
    for batch in file.iter_batches(_BLOCK_ROWS, columns=names):
        yield np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names], 1)


TABLE_READERS: dict[str, Callable[[Path], TableRows]] = {
    ".csv": csv_rows,
    ".npy": numpy_rows,
    ".npz": numpy_rows,
    ".parquet": parquet_rows,
}
