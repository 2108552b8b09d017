"""Fetching one file from the first mirror that gives a good copy, through pooch."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0  # seconds without a single byte


class _Progress:
    """The three calls that pooch makes on a progress bar, passed on as (bytes, total)."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self.total = 0
        self._report = report
        self._done = self._told = 0

    def update(self, amount: int) -> None:
        self._done += amount
        if self._done != self._told:  # pooch tells of the end once more
            self._report(self._done, self.total)
        self._told = self._done

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Do nothing: all has been told."""


def download(
    name: str,
    mirrors: Sequence[str],
    folder: Path,
    check: Callable[[Path], object],
    report: Callable[[str, int, int], None],
) -> Path:
    """Download `name` into `folder` from the first mirror whose copy passes `check`.

    Args:
        name: The file's name, the same on every mirror.
        mirrors: Base addresses ending in ``/``, tried in turn.
        folder: Where the file goes; it appears there whole or not at all.
        check: Raises `InkfastError` when a copy is not good.
        report: Called with name, bytes so far and bytes in all.

    Raises:
        InkfastError: If the folder cannot be written or no mirror gives a good copy.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    faults = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as temporary:
            for mirror in mirrors:
                fetcher = pooch.HTTPDownloader(
                    progressbar=_Progress(lambda done, total: report(name, done, total)),
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                )
                try:
                    copy = pooch.retrieve(
                        mirror + name,
                        known_hash=None,
                        fname=name,
                        path=temporary,
                        downloader=fetcher,
                    )
                    check(Path(copy))
                except (requests.RequestException, InkfastError) as error:
                    Path(temporary, name).unlink(missing_ok=True)
                    faults.append(f"{mirror} ({_short(error)})")
                    continue
                os.replace(copy, folder / name)
                return folder / name
    except OSError as error:
        raise cannot_write(folder, error) from None
    raise InkfastError(
        f"no mirror gave a good copy of {name}: {'; '.join(faults)}. Check the network, set "
        "INKFAST_MIRROR to a mirror you can reach, or put the four files into $INKFAST_DATA/mnist."
    )


def _short(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, InkfastError):
        return "the content is not what it should be"
    return type(error).__name__
