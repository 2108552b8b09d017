"""The two scales of pixels: uint8 from 0 to 255 in files, float32 in [0, 1] in networks and noise.

Both functions take NumPy arrays and torch tensors and give the same values for both; torch is not
imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@overload
def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]: ...
@overload
def to_unit(images: Tensor) -> Tensor: ...
def to_unit(images: Any) -> Any:
    """Scale uint8 pixels to float32 in [0, 1]."""
    if isinstance(images, np.ndarray):
        return images.astype(np.float32) / np.float32(255)
    return images.float().div_(255)


@overload
def to_uint8(images: NDArray[np.floating[Any]]) -> NDArray[np.uint8]: ...
@overload
def to_uint8(images: Tensor) -> Tensor: ...
def to_uint8(images: Any) -> Any:
    """Scale pixels in [0, 1] to uint8, rounded to the nearest grey value."""
    if isinstance(images, np.ndarray):
        return np.rint(255 * images).astype(np.uint8)
    return images.mul(255).round_().byte()
