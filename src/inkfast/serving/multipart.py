"""The images in a request, raw or as multipart; nothing is written to disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from inkfast.inference.results import one_line
from inkfast.serving.limits import Refused


class _InMemory(MultiPartParser):
    spool_max_size = 2**62  # the guard limits the body; nothing may reach the disk
    closed = False

    def on_end(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class RequestFile:
    """A file in a request.

    Attributes:
        name: Name that the client gave it; else its position in the request, from 1.
        content: Its bytes.
    """

    name: str
    content: bytes


async def read_request_image(request: Request) -> bytes:
    """Return the only image of a request.

    Raises:
        Refused: If there is none, there are several, or the multipart body is damaged.
    """
    (file,) = await read_request_files(request, max_files=1)
    return file.content


async def read_request_files(request: Request, max_files: int) -> list[RequestFile]:
    """Return the file that is the body, or the files of a multipart body, in order.

    Raises:
        Refused: If there is none, there are too many, or the multipart body is damaged.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        found = await _read_files(request, body, max_files)
    else:
        found = [RequestFile("1", body)] if body else []
    if not found:
        raise Refused(
            400, "Expected an image as the body, or as files of multipart/form-data, got none."
        )
    return found


async def _read_files(request: Request, body: bytes, max_files: int) -> list[RequestFile]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body
        if not parser.closed:  # else the last file would be dropped silently
            raise MultiPartException("it is cut off before its closing boundary.")

    parser = _InMemory(request.headers, whole(), max_files=max_files, max_fields=8)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        reason = getattr(error, "message", "") or "its parts cannot be response apart"
        raise Refused(400, f"The multipart body cannot be read: {reason}") from None
    try:
        files = [item for _, item in form.multi_items() if isinstance(item, UploadFile)]
        return [
            RequestFile(one_line(file.filename or str(place)), await file.read())
            for place, file in enumerate(files, start=1)
        ]
    finally:
        await form.close()
