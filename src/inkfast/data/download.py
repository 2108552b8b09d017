"""Download a file from the first address that has a good copy, with pooch."""

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
_SLACK = 1 << 16  # bytes: pooch counts the last chunk as a full one


class _Progress:
    """A progress bar for pooch that passes (bytes so far, bytes in all) to a function."""

    def __init__(self, report: Callable[[int, int], None], limit: float) -> None:
        self.total = 0
        self._limit = limit
        self._report = report
        self._done = self._reported = 0

    def update(self, amount: int) -> None:
        self._done += amount
        if self._done > self._limit + _SLACK:
            raise InkfastError(f"more than {self._limit:,} bytes")
        done = min(self._done, self.total) if self.total else self._done
        if done != self._reported:  # pooch reports the end twice
            self._report(done, self.total)
        self._reported = done

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Do nothing; pooch requires the method."""


def download(
    name: str,
    addresses: Sequence[str],
    folder: Path,
    check: Callable[[Path], object],
    report: Callable[[str, int, int], None],
    advice: str,
    *,
    limit: float = float("inf"),
) -> Path:
    """Download `name` into `folder` from the first address whose copy passes `check`.

    Args:
        name: Name of the file in the folder.
        addresses: Addresses of the file, tried in turn.
        folder: Folder of the file, which appears there complete or not at all.
        check: Raises `InkfastError` if a copy is not good; the message says what is wrong.
        report: Called with the name, bytes so far and bytes in all.
        advice: Sentence for messages that says what else the user can do.
        limit: Largest accepted size in bytes; a longer answer is not read to its end.

    Raises:
        InkfastError: If the folder cannot be written or no address gives a good copy.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    faults = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as temporary:
            for address in addresses:
                fetcher = pooch.HTTPDownloader(
                    progressbar=_Progress(lambda done, total: report(name, done, total), limit),
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                )
                try:
                    copy = pooch.retrieve(
                        address, known_hash=None, fname=name, path=temporary, downloader=fetcher
                    )
                    check(Path(copy))
                except (requests.RequestException, InkfastError) as error:
                    Path(temporary, name).unlink(missing_ok=True)
                    faults.append(f"{address} ({describe_fault(error)})")
                    continue
                os.replace(copy, folder / name)
                return folder / name
    except OSError as error:
        raise cannot_write(folder, error) from None
    raise InkfastError(f"no good copy of {name} was found: {'; '.join(faults)}. {advice}")


def describe_fault(error: Exception) -> str:
    """Return why an address was passed over, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error) if isinstance(error, InkfastError) else type(error).__name__
