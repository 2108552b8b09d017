"""The kind of an image file or document, told from its first bytes and not from its suffix."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

HEAD_BYTES = 1024  # of a file, enough to tell its kind: a PDF may begin with that many other bytes
# "animation": an image whose format can hold several frames; "": none of these
FileKind: TypeAlias = Literal["image", "animation", "tiff", "heif", "pdf", ""]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
_PNM = re.compile(rb"P[1-6]\s+[\d#]")
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # lengths of the header after the first 14 bytes
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def file_kind(head: bytes) -> FileKind:
    """Return the kind of a file.

    Args:
        head: The first `HEAD_BYTES` bytes of the file, or all of a shorter one.
    """
    if head.startswith(_TIFF):
        return "tiff"
    if head[4:8] == b"ftyp":
        return _kind_of_brands(_brands(head))
    if _is_image(head):
        return "animation" if _may_be_animated(head) else "image"
    return "pdf" if b"%PDF-" in head else ""


def _is_image(head: bytes) -> bool:
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS)
        or _PNM.match(head) is not None
    )


def _may_be_animated(head: bytes) -> bool:
    if head[:4] == b"RIFF":
        return head[12:16] == b"VP8X" and bool(head[20] & 2) if len(head) > 20 else False
    return head[:3] == b"GIF" or (head[:4] == b"\x89PNG" and b"acTL" in head)


def _brands(head: bytes) -> set[bytes]:
    """Return the brands of a file of the ISO base media format."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}


def _kind_of_brands(brands: set[bytes]) -> FileKind:
    if brands & _AVIF:
        return "animation" if b"avis" in brands else "image"
    return "heif" if brands & _HEIF else ""
