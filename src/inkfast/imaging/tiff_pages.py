"""The pages of a TIFF file, found by walking its chain of directories without decoding."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_SUBFILE_TYPE = 254  # the tag that marks what is not a page of its own:
_REDUCED, _MASK = 1, 4  # a smaller copy of another page, and a transparency mask
_MOST_FRAMES = 100_000  # a limit on time; chosen


@dataclass(frozen=True)
class TiffPages:
    """The pages of a TIFF file.

    Attributes:
        frames: Position of each page among the images of the file, from 0. Smaller copies and masks
            are images of the file but no pages.
        torn: Whether the file ends before the directory of a further page.
    """

    frames: tuple[int, ...]
    torn: bool


def list_tiff_pages(file: BinaryIO) -> TiffPages:
    """Return the pages of a TIFF or BigTIFF file that is open at its beginning."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    offset_format = f"{order}{'Q' if big else 'I'}"
    offset = _unpack(offset_format, head[8:16] if big else head[4:8])
    frames: list[int] = []
    copies: list[int] = []
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MOST_FRAMES:
        seen.add(offset)
        subfile_type, offset = _read_directory(file, offset, order, big=big)
        if subfile_type is None:
            return TiffPages(tuple(frames), torn=True)
        (copies if subfile_type & (_REDUCED | _MASK) else frames).append(len(seen) - 1)
        if offset is None:
            return TiffPages(tuple(frames or copies), torn=True)
    return TiffPages(tuple(frames or copies), torn=offset is None)


def _read_directory(
    file: BinaryIO, offset: int, order: str, *, big: bool
) -> tuple[int | None, int | None]:
    """Return the type of a directory's image and the offset of the next; None where cut off."""
    count_format, entry_bytes, next_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    file.seek(offset)
    count = _unpack(order + count_format, file.read(struct.calcsize(count_format)))
    if count is None or count * entry_bytes > 1 << 20:
        return None, None
    entries = file.read(count * entry_bytes)
    if len(entries) < count * entry_bytes:
        return None, None
    subfile_type = 0
    for at in range(0, len(entries), entry_bytes):
        if _unpack(f"{order}H", entries[at : at + 2]) == _SUBFILE_TYPE:
            value = entries[at + entry_bytes - (8 if big else 4) :][:4]
            subfile_type = _unpack(f"{order}I", value) or 0
    return subfile_type, _unpack(order + next_format, file.read(struct.calcsize(next_format)))


def _unpack(form: str, content: bytes) -> int | None:
    """Return one whole number; None if the file ended before it."""
    if len(content) < struct.calcsize(form):
        return None
    (value,) = struct.unpack(form, content)
    return int(value)
