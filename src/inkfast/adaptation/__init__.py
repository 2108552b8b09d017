"""Adapting readers to one hand from corrected answers: the last layer is refitted. No torch.

>>> from inkfast.adaptation import adapt_reader
>>> adapt_reader(Path("answers.csv"), Path("my.onnx")).sentences  # doctest: +SKIP
"""

from __future__ import annotations

from inkfast.adaptation.adapted_file import adapt_reader
from inkfast.adaptation.adapted_reader import AdaptedReader

__all__ = ["AdaptedReader", "adapt_reader"]
