"""`embedded`: 1,797 real digits that come with scikit-learn, for work without any download.

Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, test part, as
scikit-learn ships it: 8x8 pixels, 17 grey levels, 13 writers. They are smaller than MNIST and need
no download. Results measured on them cannot be compared with results on MNIST.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inkfast.core.digits import Digits, Source
from inkfast.core.errors import command_name
from inkfast.data.base import DATA_SOURCES, DataSource, Report, no_report
from inkfast.imaging.centering import center_digit


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class EmbeddedSource(DataSource):
    """The digits of scikit-learn, brought to 28x28."""

    name: ClassVar[str] = "embedded"
    description: ClassVar[str] = "1,797 digits that come with scikit-learn, 8x8 brought to 28x28"

    def load(self, report: Report = no_report) -> Source:
        return load_embedded()


def load_embedded() -> Source:
    """Return the embedded digits, brought to 28x28 the way MNIST was made."""
    from sklearn.datasets import load_digits

    scans = load_digits()
    images = np.stack([center_digit(scan) for scan in scans.images])
    digits = Digits(images, scans.target.astype(np.int64), "embedded")
    notice = (
        "These are the 1,797 embedded digits (8x8 scans brought to 28x28), not MNIST: figures do "
        f"not compare. Get MNIST with: {command_name()} data fetch"
    )
    return Source(digits, None, "embedded", notice)
