"""`auto`: MNIST if it is on disk or can be downloaded, else the embedded digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inkfast.core.digits import Source
from inkfast.core.errors import InkfastError
from inkfast.data.base import DATA_SOURCES, DataSource, Report, no_report
from inkfast.data.embedded import load_embedded
from inkfast.data.mnist import fetch_mnist, find_mnist, load_mnist


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class AutoSource(DataSource):
    """MNIST, or the embedded digits with a notice."""

    name: ClassVar[str] = "auto"
    description: ClassVar[str] = (
        "MNIST when it is on disk or can be downloaded, else the embedded digits"
    )

    def load(self, report: Report = no_report) -> Source:
        if find_mnist() is None:
            try:
                fetch_mnist(report)
            except InkfastError:  # the notice of the embedded digits tells the user
                return load_embedded()
        return load_mnist()
