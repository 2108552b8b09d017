"""Joining a Ray cluster, and fetching what its workers return."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inkfast.core.errors import InkfastError

_START = (
    "Start one with `RAY_AUTH_MODE=token ray start --head --port 6379`, docs/cluster.md says how, "
    "or leave the address out: --executor ray."
)


def fetch(reference: Any, title: str = "") -> Any:
    """Return what `attempt` returned elsewhere, or raise its error."""
    import ray

    try:
        result, error = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise InkfastError(
            f"{title}the cluster gave up ({_first_line(error)}). Every machine needs the same "
            "inkfast; continue with --resume."
        ) from None
    if error is not None:
        raise error
    return result


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Join a cluster, or start one on this machine alone, and leave it at the end.

    Raises:
        InkfastError: If Ray is not installed, nothing answers, or it asks for another token.
    """
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise InkfastError(
            "`executor` ray needs Ray: pip install 'ray>=2.59', or use --executor local:2."
        ) from None
    where: dict[str, Any] = {"address": address}
    if address:
        _check_reachable(address)
    else:
        # 127.0.0.1 alone, where Ray would listen on every interface; it makes a token of its own
        where = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**where, logging_level="error", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InkfastError(
            f"no Ray cluster at {address or 'this machine'}: {_first_line(error)} {_START}"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if os.environ.get("RAY_AUTH_MODE") != "token":
        raise InkfastError(
            "a Ray cluster runs whatever it is sent, so inkfast joins one with a token alone: set "
            "RAY_AUTH_MODE=token here and on each of its machines (docs/cluster.md)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise InkfastError(f"no Ray cluster answers at {address} ({error}). {_START}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
