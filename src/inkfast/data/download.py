"""Download a file from the first mirror that has a good copy, with pooch."""

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
    """A progress bar for pooch that passes (bytes so far, bytes in all) to a function."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self.total = 0
        self._report = report
        self._done = self._reported = 0

    def update(self, amount: int) -> None:
        self._done += amount
        if self._done != self._reported:  # pooch reports the end twice
            self._report(self._done, self.total)
        self._reported = self._done

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Do nothing; pooch requires the method."""


def download(
    name: str,
    mirrors: Sequence[str],
    folder: Path,
    check: Callable[[Path], object],
    report: Callable[[str, int, int], None],
) -> Path:
    """Download `name` into `folder` from the first mirror whose copy passes `check`.

    Args:
        name: Name of the file, the same on all mirrors.
        mirrors: Base addresses ending in ``/``, tried in turn.
        folder: Folder of the file, which appears there complete or not at all.
        check: Raises `InkfastError` if a copy is not good.
        report: Called with the name, bytes so far and bytes in all.

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
                    faults.append(f"{mirror} ({_reason(error)})")
                    continue
                os.replace(copy, folder / name)
                return folder / name
    except OSError as error:
        raise cannot_write(folder, error) from None
    raise InkfastError(
        f"no mirror gave a good copy of {name}: {'; '.join(faults)}. Check the network, set "
        "INKFAST_MIRROR to a mirror you can reach, or put the four files into $INKFAST_DATA/mnist."
    )


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, InkfastError):
        return "wrong content"
    return type(error).__name__
