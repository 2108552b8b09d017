"""The loss of a batch, by recipe."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.core.digits import CLASSES
from inkfast.synthetic.non_digits import NO_DIGIT
from inkfast.training import hardware
from inkfast.training.recipe import Recipe

_OUTLIER_WEIGHT = 0.5  # weight of outliers in the loss, as in the source of `with_outliers`


def batch_loss(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    recipe: Recipe,
    precision: str,
) -> tuple[Tensor, Tensor]:
    """Return the mean loss of a batch and the number of correct predictions.

    Args:
        model: The network.
        images: float32 ``(b, 1, 28, 28)``.
        labels: int64 ``(b,)``; `NO_DIGIT` for outliers.
        weights: Weights of the ten classes, float32 ``(10,)``; None for equal weights.
        recipe: Recipe with label smoothing, outliers and l2.
        precision: bf16 or fp32.
    """
    with hardware.autocast(images.device, precision):
        logits = model(images).float()
    targets = outlier_targets(labels) if recipe.outliers else labels
    loss = F.cross_entropy(logits, targets, weight=weights, label_smoothing=recipe.label_smoothing)
    if recipe.l2:
        kernels = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
        loss = loss + recipe.l2 * sum((kernel.square().sum() for kernel in kernels), 0.0 * loss)
    return loss, (logits.argmax(1) == labels).sum()


def outlier_targets(labels: Tensor) -> Tensor:
    """Return targets ``(b, 10)``: one-hot for a digit, uniform and smaller for an outlier.

    Source: Hendrycks, Mazeika and Dietterich (2019), Deep Anomaly Detection with Outlier Exposure.
    """
    known = labels != NO_DIGIT
    targets = F.one_hot(labels * known, CLASSES).float()
    return torch.where(known[:, None], targets, _OUTLIER_WEIGHT / CLASSES)
