"""What several architectures are built of, and the check that their sizes are sizes."""

from __future__ import annotations

from torch import Tensor, nn

from inkfast.errors import InkfastError, check_number, shown


def conv_norm_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (but for its stride), batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def check_sizes(name: str, sizes: object, *, longest: int, high: int = 4096) -> None:
    """Raise unless `sizes` is a list of 1 to `longest` whole numbers of at least 1."""
    if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= longest:
        raise InkfastError(f"`{name}` must be a list of 1 to {longest} sizes, got {shown(sizes)}.")
    for size in sizes:
        check_number(name, size, low=1, high=high, whole=True)


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
        return nn.functional.relu(self.body(images) + self.skip(images))
