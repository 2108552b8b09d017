"""What a named data source is: a frozen dataclass that loads digits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from inkfast.core.digits import Source
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


DATA_SOURCES: Registry[DataSource] = Registry("data source", DataSource, "inkfast.data_sources")
