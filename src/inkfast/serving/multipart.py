"""The pictures that a request carries, raw or as multipart; nothing touches the disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from inkfast.serving.limits import Refused


class _InMemory(MultiPartParser):
    spool_max_size = 2**62  # the guard bounds the body; a temporary file would only add traces
    closed = False

    def on_end(self) -> None:
        self.closed = True


async def picture_in(request: Request) -> bytes:
    """Return the one picture of a request.

    Raises:
        Refused: If there is none, there are several, or the multipart is damaged.
    """
    (picture,) = await pictures_in(request, most=1)
    return picture


async def pictures_in(request: Request, most: int) -> list[bytes]:
    """Return the picture that is the body, or those of its multipart files, in order.

    Raises:
        Refused: If there is none, there are too many, or the multipart is damaged.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        found = await _files(request, body, most)
    else:
        found = [body] if body else []
    if not found:
        raise Refused(
            400, "Expected a picture as the body, or as files of multipart/form-data, got none."
        )
    return found


async def _files(request: Request, body: bytes, most: int) -> list[bytes]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body
        if not parser.closed:  # what was cut off would be dropped in silence
            raise MultiPartException("it is cut off before its closing boundary.")

    parser = _InMemory(request.headers, whole(), max_files=most, max_fields=8)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        reason = getattr(error, "message", "") or "its parts cannot be told apart"
        raise Refused(400, f"The multipart body cannot be read: {reason}") from None
    try:
        files = [item for _, item in form.multi_items() if isinstance(item, UploadFile)]
        return [await file.read() for file in files]
    finally:
        await form.close()
