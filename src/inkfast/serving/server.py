"""The server: closes slow connections in time, and lets running requests end when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inkfast.core.errors import InkfastError
from inkfast.serving.limits import Limits
from inkfast.serving.middleware import RAW_HEADERS, RequestGuard

_SWITCH = 0.0005  # seconds after which a computing thread must yield to the event loop

_BAD_REQUEST_BODY = (
    b'{"error":"Expected a well-formed HTTP request for a path of this server, with a body as long '
    b'as it says."}'
)
_BAD_REQUEST = b"\r\n".join(
    [
        b"HTTP/1.1 400 Bad Request",
        *(b"%b: %b" % header for header in RAW_HEADERS),
        b"content-type: application/json",
        b"content-length: %d" % len(_BAD_REQUEST_BODY),
        b"connection: close",
        b"",
        _BAD_REQUEST_BODY,
    ]
)


def run_server(
    app: RequestGuard, host: str, port: int, limits: Limits, ready: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; running requests may then end within `limits.stopping`.

    Args:
        app: See `inkfast.serving.app.build_app`.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        limits: How much clients may send.
        ready: Called with the server's URL once it listens.

    Raises:
        InkfastError: If the port is taken, or the address is not this machine's.
    """
    try:
        asyncio.run(_listen(host, port))
    except OSError as error:  # uvicorn would log it and exit with a code of its own
        reason = os.strerror(error.errno or 0)
        raise InkfastError(
            f"cannot listen at {host}, port {port}: {reason}. Use another --port; 0 takes a free "
            "one."
        ) from None
    sys.setswitchinterval(_SWITCH)
    _allow_files()
    # uvicorn raises the signal again once it has stopped, which must not end the process
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    Server(app, host, port, limits, ready).run()


async def _listen(host: str, port: int) -> None:
    """Listen for a moment, to see whether it is possible."""
    (await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)).close()


class Server(uvicorn.Server):
    """A uvicorn server that says when it listens.

    Args:
        app: See `inkfast.serving.app.build_app`.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        limits: How much clients may send.
        ready: Called with the server's URL once it listens.
    """

    def __init__(
        self, app: RequestGuard, host: str, port: int, limits: Limits, ready: Callable[[str], None]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app, host=host, port=port, http=_protocol(limits), ws="none", lifespan="on",
                access_log=False, log_level="warning", server_header=False, proxy_headers=False,
                timeout_keep_alive=limits.idle, timeout_graceful_shutdown=limits.stopping,
            )
        )  # fmt: skip
        self._app, self._ready = app, ready

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        """Listen, and say so."""
        await super().startup(*args, **kwargs)
        if self.started:
            gc.freeze()  # what is loaded by now stays; collecting it would delay every request
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")

    async def shutdown(self, *args: Any, **kwargs: Any) -> None:
        """Let running requests end, for a while."""
        self._app.drain()
        await super().shutdown(*args, **kwargs)


class Deadline:
    """A timer that calls a function unless it is cleared in time.

    Args:
        seconds: Seconds until the call.
        late: Function to call.
    """

    def __init__(self, seconds: float, late: Callable[[], None]) -> None:
        self._seconds, self._late = seconds, late
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Start the timer, unless it runs."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._late)

    def clear(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _protocol(limits: Limits) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with limits on the time of clients and the size of headers."""

    class TimedProtocol(HttpToolsProtocol):
        _loose = 0  # bytes since a head ended or a body continued

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transport.set_write_buffer_limits(
                0
            )  # so that the last byte counts as taken only once it is
            close = transport.abort
            self._request_due, self._response_due = (
                Deadline(limits.seconds, close) for _ in range(2)
            )
            self._request_due.set()

        def data_received(self, data: bytes) -> None:
            self._loose += len(data)
            super().data_received(data)
            if self._loose > limits.head:
                self.transport.abort()
            if self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
                # no request is being answered, and the data has ended uvicorn's keep-alive timer
                self._request_due.set()

        def on_headers_complete(self) -> None:
            self._loose = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._loose = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._request_due.clear()

        def send_400_response(self, msg: str) -> None:
            """Refuse malformed HTTP, which never reaches the application, like other requests."""
            self.transport.write(_BAD_REQUEST)
            self.transport.close()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._response_due.set()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._response_due.clear()

        def connection_lost(self, exc: Exception | None) -> None:
            self._request_due.clear()
            self._response_due.clear()
            super().connection_lost(exc)

    return TimedProtocol


def _allow_files() -> None:
    """Allow the process as many sockets as the system permits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
