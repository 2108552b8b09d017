"""Say why a reader may be unsure of an image: what the image shows beside a single whole digit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inkfast.inference.reader import Prediction

TOUCHING = "this looks like two touching digits"
CUT_OFF = "the digit is cut off at the edge of the image"

_WIDE = 1.15  # width over height from which an unsure digit is called two. Chosen by eye


@dataclass(frozen=True)
class QualityCheck:
    """What is seen in an image beside its digit.

    Attributes:
        unsure_reason: Likely reason if the network is unsure; "" for none.
    """

    unsure_reason: str = ""

    def apply(self, prediction: Prediction) -> Prediction:
        """Return the prediction with the reason that fits best; a sure one stays sure."""
        if not prediction.unsure:
            return prediction
        return replace(prediction, unsure=self.unsure_reason or prediction.unsure)


def check_quality(height: float, width: float, *, cut_off: bool) -> QualityCheck:
    """Check one digit's ink.

    Args:
        height: Height of the ink in pixels.
        width: Width of the ink in pixels.
        cut_off: Whether the digit may continue beyond the image's edge.
    """
    touching = TOUCHING if width > _WIDE * height else ""
    return QualityCheck(CUT_OFF if cut_off else touching)
