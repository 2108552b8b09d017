"""`Limits` of what clients may send, and `Refused`: a request that is not answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_DIGITS = 19  # of a number of 64 bits


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much clients may send, and how long they may take.

    Attributes:
        body: Bytes of a request's body.
        held: Bytes of all requests that are being received or answered.
        head: Bytes of a request line and its headers, or of trailers after its body.
        seconds: Seconds for a request to arrive, and for a response to be taken.
        idle: Seconds that a connection may wait for its next request.
        stopping: Seconds for running requests to end when the server stops.
        files: Number of images in one multipart request.
        pages: Number of images and pages of documents in one request.
        document_seconds: Seconds after which no further page of a request is read.
        images: Number of images in one tensor.
        large_bytes: Bytes above which an image counts as large, and is decoded on its own.
        large: Pixels above which it does.
        waiting: Number of small requests that may wait; the next one is rejected.
        waiting_large: The same for large images, pages and named noise.
    """

    body: int = 15_000_000
    held: int = 256_000_000
    head: int = 64_000
    seconds: float = 12.0
    idle: int = 10
    stopping: int = 10
    files: int = 32
    pages: int = 32
    document_seconds: float = 60.0
    images: int = 1024
    large_bytes: int = 200_000
    large: int = 2_000_000
    waiting: int = 64
    waiting_large: int = 8


class Refused(Exception):  # noqa: N818 - a response, not a fault of the server
    """A request that the server refuses.

    Attributes:
        status: HTTP status code.
        reason: One sentence: what was expected, what was given, what to do.
        headers: Headers of the response.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # exceptions cross processes by their arguments
        return Refused, (self.status, self.reason, self.headers)


def length_in(text: str) -> int | None:
    """Return the length in a header; None if it is no number, or too large to be a length."""
    digits = text.lstrip("0")  # Python refuses to convert thousands of digits, be they zeros
    if not text.isdecimal() or len(digits) > _MOST_DIGITS:
        return None
    return int(digits or 0)


def busy() -> Refused:
    """Return the refusal of a request for which there is no capacity now."""
    return Refused(503, "The server is busy. Try again in a second.", {"Retry-After": "1"})
