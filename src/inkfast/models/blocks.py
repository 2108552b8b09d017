"""What several architectures are built of, and the check that their sizes are sizes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.core.errors import InkfastError, check_number, short_repr


def conv_norm_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (but for its stride), batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def check_sizes(name: str, sizes: object, *, longest: int, low: int = 1, high: int = 4096) -> None:
    """Raise unless `sizes` is a list of 1 to `longest` whole numbers from `low` to `high`."""
    if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= longest:
        raise InkfastError(
            f"`{name}` must be a list of 1 to {longest} sizes, got {short_repr(sizes)}."
        )
    for size in sizes:
        check_number(name, size, low=low, high=high, whole=True)


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input passes unchanged, or through 1x1 if it must.

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
    """Each pixel against its neighbourhood, so that neither even light nor fog is seen.

    The mean of a Gaussian window is taken off, then the deviation in it divided out, though never
    one below the image's own mean deviation. Source: Jarrett, Kavukcuoglu, Ranzato and LeCun
    (2009), What is the Best Multi-Stage Architecture for Object Recognition?, section 2.1; here
    every channel is for itself, and pixels outside are those of the border.
    """

    side = 9  # of the window, in pixels
    sigma = 2.0  # of the window, in pixels

    def forward(self, images: Tensor) -> Tensor:
        """Return images ``(n, c, h, w)`` in units of contrast."""
        with torch.autocast(images.device.type, enabled=False):
            single = images.float()
            centred = single - self._smoothed(single)
            deviation = (self._smoothed(centred.square()) + 1e-6).sqrt()
            usual = deviation.mean((2, 3), keepdim=True)
            return centred / torch.maximum(deviation, usual)

    def _smoothed(self, images: Tensor) -> Tensor:
        margin, channels = self.side // 2, images.shape[1]
        place = torch.arange(self.side, device=images.device) - margin
        line = torch.exp(-0.5 * (place / self.sigma) ** 2)
        line = (line / line.sum()).expand(channels, 1, 1, self.side)
        padded = F.pad(images, (margin,) * 4, mode="replicate")
        across = F.conv2d(padded, line, groups=channels)
        return F.conv2d(across, line.mT.contiguous(), groups=channels)
