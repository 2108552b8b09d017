"""Blocks that several architectures share, and the check of their sizes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.core.errors import InkfastError, check_number, short_repr


def conv_norm_relu(
    inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    """Return a padded convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def check_sizes(name: str, sizes: object, *, longest: int, low: int = 1, high: int = 4096) -> None:
    """Raise `InkfastError` unless `sizes` has 1 to `longest` integers from `low` to `high`."""
    if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= longest:
        raise InkfastError(
            f"`{name}` must be a list of 1 to {longest} sizes, got {short_repr(sizes)}."
        )
    for size in sizes:
        check_number(name, size, low=low, high=high, whole=True)


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip connection, a 1x1 convolution if shapes differ.

    Source: He, Zhang, Ren and Sun (2015), Deep Residual Learning, figure 2 and option B.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm_relu(inputs, outputs, 3, stride),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.skip = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return ReLU(body + skip)."""
        return F.relu(self.body(images) + self.skip(images))


class LocalContrast(nn.Module):
    """Local contrast normalisation, which removes even light and fog.

    The mean in a Gaussian window is subtracted, and the result is divided by the standard deviation
    in the window, or by its mean over the image if that is larger. Source: Jarrett, Kavukcuoglu,
    Ranzato and LeCun (2009), What is the Best Multi-Stage Architecture for Object Recognition?,
    section 2.1; here each channel is normalised on its own, and border pixels are repeated.
    """

    side = 9  # pixels of the window
    sigma = 2.0  # pixels, standard deviation of the window

    def forward(self, images: Tensor) -> Tensor:
        """Return normalised images ``(n, c, h, w)``."""
        with torch.autocast(images.device.type, enabled=False):
            single = images.float()
            centred = single - self._smoothed(single)
            deviation = (self._smoothed(centred.square()) + 1e-6).sqrt()
            usual = deviation.mean((2, 3), keepdim=True)
            return centred / torch.maximum(deviation, usual)

    def _smoothed(self, images: Tensor) -> Tensor:
        margin, channels = self.side // 2, images.shape[1]
        offset = torch.arange(self.side, device=images.device) - margin
        line = torch.exp(-0.5 * (offset / self.sigma) ** 2)
        line = (line / line.sum()).expand(channels, 1, 1, self.side)
        padded = F.pad(images, (margin,) * 4, mode="replicate")
        across = F.conv2d(padded, line, groups=channels)
        return F.conv2d(across, line.mT.contiguous(), groups=channels)
