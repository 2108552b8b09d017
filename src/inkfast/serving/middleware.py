"""`RequestGuard`: authentication, size limits, metrics and security headers of every request."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkfast.core.errors import short_repr
from inkfast.serving.limits import Limits, Refused, busy, length_in
from inkfast.serving.metrics import Metrics

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_OPEN = frozenset({"/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})


class RequestGuard:
    """Refuses requests before their body is read, limits their size and adds security headers.

    Args:
        app: The application behind it.
        limits: How much clients may send.
        token: Token that every request must carry, except for health checks and the page's own
            files; "" for a server that only this machine can reach.
        metrics: Records every request.
        drain: Called by the server when it stops accepting requests.
        address: Address at which the server listens. Without a token, only this address and local
            names are accepted as host names.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, token: str, metrics: Metrics,
        drain: Callable[[], None], address: str,
    ) -> None:  # fmt: skip
        self.app, self.limits, self.token, self.metrics = app, limits, token, metrics
        self.drain = drain
        self._hosts = _OWN_HOSTS | {(f"[{address}]" if ":" in address else address).lower()}
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, held, started = time.perf_counter(), 500, 0, False
        self.metrics.in_progress.inc()

        async def receive_counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            held += size
            self._held += size
            self._check_size(held, 0)
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message["headers"], *RAW_HEADERS]
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", "no-store")
                del headers["Accept-Ranges"]
                message["headers"] = headers.raw
            await send(message)

        try:
            try:
                self._check(scope)
                # responses are small: range requests get the whole
                scope["headers"] = [one for one in scope["headers"] if one[0] != b"range"]
                await self.app(scope, receive_counted, send_with_headers)
            except Refused as refused:
                await refusal(refused)(scope, receive, send_with_headers)
            except asyncio.CancelledError:  # the server stops, and has waited long enough
                if started:
                    raise
                await refusal(busy())(scope, receive, send_with_headers)
        finally:
            self._held -= held
            self.metrics.in_progress.dec()
            self.metrics.record(_route(scope), status, time.perf_counter() - start)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not self.token:
            _check_host(headers.get("host", ""), self._hosts)
        elif scope["path"] not in _OPEN and not scope["path"].startswith("/page/"):
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                raise Refused(
                    401, "Expected the header 'Authorization: Bearer TOKEN' with this server's.",
                    {"WWW-Authenticate": "Bearer"},
                )  # fmt: skip
        size = length_in(headers.get("content-length", "")) or 0
        self._check_size(size, size)

    def _check_size(self, size: int, announced: int) -> None:
        """Raise if a request is too large, or if there is no memory for it now.

        Args:
            size: Bytes of its body.
            announced: Bytes of it that have not been received, and so not been counted, yet.
        """
        if size > self.limits.body:
            raise Refused(
                413,
                f"Expected a body of at most {self.limits.body // 10**6} MB. Send less at once.",
            )
        if self._held + announced > self.limits.held:
            raise busy()


def _route(scope: Scope) -> str:
    """Return a request's path with the names of its parameters instead of their values."""
    if "route" not in scope:
        return "other"
    parts = str(scope["path"]).split("/")
    for name, value in scope.get("path_params", {}).items():
        parts[parts.index(value, 3)] = (
            f"{{{name}}}"  # after /v2/models, whatever the network is called
        )
    return "/".join(parts)


def _check_host(host: str, own: frozenset[str]) -> None:
    """Raise unless the host name of a request is local (protection against DNS rebinding).

    Another site's name may be made to point here, and its pages would then read our responses.
    """
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    if name.lower() not in own:
        names = ", ".join(sorted(own))
        raise Refused(
            421, f"Expected one of this server's own names, {names}; got {short_repr(name)}."
        )


def refusal(refused: Refused) -> JSONResponse:
    """Return the response of a refused request."""
    return JSONResponse({"error": refused.reason}, refused.status, dict(refused.headers))
