"""Labels are checked before anything is trained or measured on them."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError

IMAGES = np.zeros((12, 28, 28), np.uint8)
LABELS = np.arange(12) % 10


@pytest.mark.parametrize(("labels", "message"), [
    (LABELS.astype(np.int32), r"labels must be int64 of shape \(12,\), got int32 of \(12,\)"),
    (LABELS[1:], r"labels must be int64 of shape \(12,\), got int64 of \(11,\)"),
    (LABELS - 1, "labels must be 0 to 9, got -1 in row 1"),
    (LABELS + 1, "labels must be 0 to 9, got 10 in row 10"),
])  # fmt: skip
def test_labels_of_another_form_are_explained(labels, message):
    """Type, number and range are checked; the first wrong row is named."""
    with pytest.raises(InkfastError, match=message):
        Digits(IMAGES, labels, "n")


def test_missing_labels_are_explained():
    """Digits without labels can be read, not measured on."""
    with pytest.raises(InkfastError, match="^n has no labels: expected labelled digits"):
        _ = Digits(IMAGES, None, "n").known_labels
