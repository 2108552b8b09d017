"""IDX files, the format of MNIST: header, shape and raw bytes, plain or compressed with gzip.

Source: LeCun, Cortes and Burges, THE MNIST DATABASE of handwritten digits (1998), "File formats".
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np

from inkfast.core.errors import InkfastError

_CHUNK = 1 << 20  # bytes read at a time


def read_idx(path: Path, limit: int, fix: str) -> bytes:
    """Return the bytes of an IDX file, plain or gz, after checking header and length.

    Args:
        path: Path of the file. Gzip is recognised by the first bytes, not by the name.
        limit: Largest accepted size in bytes after decompression, which stops a gzip bomb early.
        fix: Sentence that says how to get a good copy, for messages.

    Raises:
        InkfastError: If the file is truncated or no IDX file, or its header gives another length.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if zipped else raw
            payload = _read_at_most(file, limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InkfastError(
            f"{path} is damaged: the gzip data ends early or is corrupt. {fix}"
        ) from None
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror or error}.") from None
    if len(payload) > limit:
        raise InkfastError(f"{path}: expected at most {limit:,} bytes of data, got more. {fix}")
    _check_header(path, payload, fix)
    return payload


def _check_header(path: Path, payload: bytes, fix: str) -> None:
    magic = int.from_bytes(payload[:4], "big")
    if magic not in (2049, 2051):
        seen = "a web page" if payload[:200].lstrip()[:1] == b"<" else f"magic number {magic}"
        raise InkfastError(
            f"{path}: expected an IDX file (magic number 2051 for images, 2049 for labels), "
            f"got {seen}. {fix}"
        )
    header = 16 if magic == 2051 else 8
    if len(payload) < header:
        raise InkfastError(
            f"{path}: expected a header of {header} bytes, got {len(payload)}. {fix}"
        )
    shape = struct.unpack(f">{(header - 4) // 4}I", payload[4:header])
    expected = header + int(np.prod(shape, dtype=object))
    if len(payload) != expected:
        raise InkfastError(
            f"{path}: its header announces {expected:,} bytes ({' x '.join(map(str, shape))}), "
            f"the file has {len(payload):,}. {fix}"
        )


def _read_at_most(file: IO[bytes], limit: int) -> bytes:
    chunks, left = [], limit
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)
