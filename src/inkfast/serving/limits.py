"""What a server accepts, and the answer to what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_DIGITS = 19  # of a number of 64 bits


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is taken from clients.

    Attributes:
        body: Bytes of a request.
        held: Bytes of all requests that are being received or answered.
        head: Bytes of a request line and its headers, or of what follows its body.
        seconds: In which a request must have arrived, and a response been taken.
        idle: Seconds that a connection may wait for its next request.
        stopping: Seconds in which running requests may end once the server is to stop.
        files: Pictures of one multipart request.
        images: Images of one tensor.
        large_bytes: From which a picture is decoded one at a time, beside the others.
        large: Pixels from which it is.
        waiting: Small requests that wait for a free core; the next one is shed.
        waiting_large: The same for large pictures, pages and noise.
    """

    body: int = 15_000_000
    held: int = 256_000_000
    head: int = 64_000
    seconds: float = 12.0
    idle: int = 10
    stopping: int = 10
    files: int = 32
    images: int = 1024
    large_bytes: int = 200_000
    large: int = 2_000_000
    waiting: int = 64
    waiting_large: int = 8


class Refused(Exception):  # noqa: N818 - it says what happened
    """A request that is not answered as asked.

    Attributes:
        status: Of HTTP.
        reason: One sentence: what was expected, what came, what to do.
        headers: Sent along.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # so that another process can say it
        return Refused, (self.status, self.reason, self.headers)


def length_in(text: str) -> int | None:
    """Return the length that a header gives; None if that is none, or larger than any."""
    digits = text.lstrip("0")  # Python refuses to convert thousands of digits, be they zeros
    if not text.isdecimal() or len(digits) > _MOST_DIGITS:
        return None
    return int(digits or 0)


def busy() -> Refused:
    """Return the refusal of a request for which there is no room now."""
    return Refused(503, "All hands are busy. Try again in a second.", {"Retry-After": "1"})
