"""What a named data source is: a frozen dataclass that loads digits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeAlias

from inkfast.core.digits import Source
from inkfast.core.errors import command_name
from inkfast.core.registry import Registry, format_spec

# Called with the name of a file, bytes downloaded so far, and bytes in all (0 if not known).
Report: TypeAlias = Callable[[str, int, int], None]


def no_report(name: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, kw_only=True)
class DataSource(ABC):
    """One named source of digits; fields, if any, are parameters of its spec."""

    name: ClassVar[str]
    description: ClassVar[str]  # one line for `inkfast data list`

    @abstractmethod
    def load(self, report: Report = no_report) -> Source:
        """Return the digits.

        Args:
            report: Called with the progress of downloads.

        Raises:
            InkfastError: If the digits cannot be loaded.
        """

    def __str__(self) -> str:
        return format_spec(self)


class Fetched(NamedTuple):
    """Where downloaded files lie.

    Attributes:
        folder: Folder of the files.
        note: Sentence about what was left out, or "".
    """

    folder: Path
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class DownloadedSource(DataSource):
    """A data source whose files `inkfast data fetch` downloads once; `load` downloads nothing."""

    title: ClassVar[str]  # name in sentences
    checked: ClassVar[str]  # how a download is checked, e.g. "checked by SHA-256"
    attribution: ClassVar[str] = ""  # sentence that the licence asks for

    @abstractmethod
    def find(self) -> Path | None:
        """Return the folder that holds the files, or None."""

    @abstractmethod
    def fetch(self, report: Report) -> Fetched:
        """Download what is missing into the user's cache.

        Args:
            report: Called with the progress of downloads.

        Raises:
            InkfastError: If no good copy can be had. No half-written file stays.
        """

    @abstractmethod
    def verify(self, folder: Path) -> list[tuple[str, str]]:
        """Return ``(file, "ok" or what is wrong)`` for each file in a folder."""

    @property
    def fetch_command(self) -> str:
        """The command that downloads the files."""
        return f"{command_name()} data fetch {self.name}"


def downloaded_sources() -> dict[str, DownloadedSource]:
    """Return the data sources that can be downloaded, by name."""
    kinds = [cls for cls in DATA_SOURCES if issubclass(cls, DownloadedSource)]
    return {cls.name: cls() for cls in kinds}


DATA_SOURCES: Registry[DataSource] = Registry("data source", DataSource, "inkfast.data_sources")
