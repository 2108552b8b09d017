"""What stands before every route: who may ask, how much may come, what browsers are told."""

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
    """Refuses before anything is read, counts what is being read, and adds security headers.

    Args:
        app: What is guarded.
        limits: How much is taken.
        token: Must be sent along with everything but health and the page's own files; "" for a
            server that this machine alone can reach.
        metrics: Told of every request.
        hurry: To be called when no more requests are to come, and those that run may end.
        address: At which the server listens; without a token it answers to this and to local names.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, token: str, metrics: Metrics,
        hurry: Callable[[], None], address: str,
    ) -> None:  # fmt: skip
        self.app, self.limits, self.token, self.metrics = app, limits, token, metrics
        self.hurry = hurry
        self._hosts = _OWN_HOSTS | {(f"[{address}]" if ":" in address else address).lower()}
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, held, begun = time.perf_counter(), 500, 0, False
        self.metrics.being_answered.inc()

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            held += size
            self._held += size
            self._check_size(held, 0)
            return message

        async def dressed(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message["headers"], *RAW_HEADERS]
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", "no-store")
                del headers["Accept-Ranges"]
                message["headers"] = headers.raw
            await send(message)

        try:
            try:
                self._check(scope)
                # what is served is small: who asks for a part of it gets the whole
                scope["headers"] = [one for one in scope["headers"] if one[0] != b"range"]
                await self.app(scope, counted, dressed)
            except Refused as refused:
                await refusal(refused)(scope, receive, dressed)
            except asyncio.CancelledError:  # the server ends and has waited long enough
                if begun:
                    raise
                await refusal(busy())(scope, receive, dressed)
        finally:
            self._held -= held
            self.metrics.being_answered.dec()
            self.metrics.answered(_route(scope), status, time.perf_counter() - start)

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

    def _check_size(self, size: int, coming: int) -> None:
        """Raise for a request that is too large, or for which there is no room now.

        Args:
            size: Bytes of its body.
            coming: How many of them have not been counted yet.
        """
        if size > self.limits.body:
            raise Refused(
                413,
                f"Expected a body of at most {self.limits.body // 10**6} MB. Send less at a time.",
            )
        if self._held + coming > self.limits.held:
            raise busy()


def _route(scope: Scope) -> str:
    """Return a request's path with the names of its parameters in the place of their values."""
    if "route" not in scope:
        return "other"
    parts = str(scope["path"]).split("/")
    for name, value in scope.get("path_params", {}).items():
        parts[parts.index(value, 3)] = f"{{{name}}}"  # behind /v2/models, whatever a network's name
    return "/".join(parts)


def _check_host(host: str, own: frozenset[str]) -> None:
    """Raise unless a local server is called by a local name.

    Another site's name may be made to point here, and its pages would then read our answers.
    """
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    if name.lower() not in own:
        names = ", ".join(sorted(own))
        raise Refused(
            421, f"Expected one of this server's own names, {names}; got {short_repr(name)}."
        )


def refusal(refused: Refused) -> JSONResponse:
    """Return the response that says why."""
    return JSONResponse({"error": refused.reason}, refused.status, dict(refused.headers))
