"""`synthetic`: digits drawn by `inkfast.synthetic.handwriting`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inkfast.core.digits import Source
from inkfast.data.base import DATA_SOURCES, DataSource, Report, no_report
from inkfast.synthetic.handwriting import load_handwriting


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class SyntheticSource(DataSource):
    """Digits drawn by a program."""

    name: ClassVar[str] = "synthetic"
    description: ClassVar[str] = "20,000 digits drawn by a program, in styles that MNIST has few of"

    def load(self, report: Report = no_report) -> Source:
        return load_handwriting()
