"""`inkfast serve`: the HTTP API and the Noise Lab page."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.cli._models import is_onnx, open_page_model
from inkfast.core.digits import Digits, Images
from inkfast.core.errors import InkfastError, check_number, install_hint
from inkfast.execution import available_cores
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.onnx_format import OPTION
from inkfast.inference.page import page_model_names
from inkfast.inference.reader import Reader

try:
    import scipy.ndimage
    import scipy.sparse.csgraph  # noqa: F401 - imported now, so that the first page does not wait

    from inkfast.serving.app import build_app
    from inkfast.serving.limits import Limits
    from inkfast.serving.server import run_server
    from inkfast.serving.worker_pool import ReaderPool
except ModuleNotFoundError as error:
    raise InkfastError(
        f"serving needs {error.name}, which is not installed; {install_hint('serve')}"
    ) from None

TOKEN = "INKFAST_TOKEN"  # noqa: S105 - the name of a variable
_MIN_TOKEN = 16
_MAX_WORKERS = 4  # enough to keep one event loop busy


def serve(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; one that others can reach needs a token in INKFAST_TOKEN."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8000,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another network to serve beside the shipped ones: an .onnx file or a run folder; "
            "repeatable."
        ),
    ] = None,
    onnx_format: options.OnnxFormatText = "",
) -> None:
    """Serve predictions over HTTP, and the Noise Lab page."""
    check_number("port", port, low=0, high=65535, whole=True)
    token = _token(host)
    limits = Limits()
    digit_readers, number_readers = _readers(model or [], onnx_format)
    printer = Printer(open_console())
    for reader in digit_readers.values():
        printer.notice(reader.notice)

    def ready(url: str) -> None:
        printer.say(f"the Noise Lab: {url}{'#token=' + token if token else ''}", style="bold")
        printer.say(f"the API: {url}openapi.json, {url}v2 and {url}metrics; Ctrl-C stops it")

    with ReaderPool(digit_readers, min(available_cores(), _MAX_WORKERS)) as workers:
        app = build_app(
            digit_readers,
            number_readers,
            corrupt=corrupt_image,
            token=token,
            limits=limits,
            workers=workers,
            address=host,
        )
        run_server(app, host, port, limits, ready)


def _token(host: str) -> str:
    """Return the token that clients must send; one is needed where others can reach the server."""
    token = os.environ.get(TOKEN, "")
    if token and (len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable()):
        raise InkfastError(
            f"{TOKEN} must have at least {_MIN_TOKEN} plain characters, got {len(token)}."
        )
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise InkfastError(f"`host` must be an IP address or localhost, got {host!r}.") from None
    if not local and not token:
        raise InkfastError(
            f"others can reach {host}: expected a token in {TOKEN}, got none. For example: "
            f"export {TOKEN}=$(openssl rand -hex 16)"
        )
    return token


def _readers(
    models: list[Path], onnx_format: str
) -> tuple[dict[str, Reader], dict[str, NumberReader]]:
    """Return the readers of digits, and those of numbers, by name.

    Args:
        models: Paths of files and run folders.
        onnx_format: Format of all files among them, see `inkfast.inference.onnx_format`.
    """
    if onnx_format and not any(is_onnx(path) for path in models):
        raise InkfastError(f"{OPTION} is for .onnx files: give one with --model.")
    named = {name: name for name in page_model_names()}
    for path in models:
        if not is_onnx(path) and not path.is_dir():
            raise InkfastError(
                f"`model` must be a file that ends in .onnx, or a run folder, got {path}."
            )
        name = (path.stem if is_onnx(path) else path.resolve().name).lower()
        if not re.fullmatch("[a-z0-9_-]{1,64}", name) or name in named:
            raise InkfastError(
                f"{path}: expected a unique name of 1 to 64 letters, digits, - and _, got "
                f"{name!r}. Rename it."
            )
        named[name] = str(path)
    own = {str(path) for path in models if is_onnx(path)}
    readers = {
        name: open_page_model(model, None, onnx_format=onnx_format if model in own else "")
        for name, model in named.items()
    }
    return (
        {name: one for name, one in readers.items() if isinstance(one, Reader)},
        {name: one for name, one in readers.items() if isinstance(one, NumberReader)},
    )


def corrupt_image(image: Images, text: str, seed: int) -> Images:
    """Return an image ``(28, 28)`` under a noise given by name.

    Raises:
        ModuleNotFoundError: Where torch is not installed.
    """
    from inkfast import noise  # imports torch, which other requests do without

    digits = Digits(image[None], np.zeros(1, np.int64), "client")
    noisy: Images = noise.noisy(digits, noise.build_noise(text), seed).images[0]
    return noisy
