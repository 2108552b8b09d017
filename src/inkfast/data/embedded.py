"""`embedded`: 1,797 real digits that come with scikit-learn, for work without any download.

Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, test part, as
scikit-learn ships it: 8x8 pixels, 17 grey levels, 13 writers. They are smaller and easier to
obtain than MNIST, not a replacement: figures measured on them do not compare with MNIST's.
"""

from __future__ import annotations

import numpy as np

from inkfast.core.digits import Digits, Source
from inkfast.core.errors import command_name
from inkfast.imaging.centering import center_digit


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
