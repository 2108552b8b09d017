"""Validation and calibration rows of a fit, and the evaluation of a model on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.core.digits import Digits
from inkfast.core.pixels import to_unit
from inkfast.core.random import derive_seed
from inkfast.noise.copies import noisy
from inkfast.training import hardware
from inkfast.training.batches import split_calibration, split_validation
from inkfast.training.fit_spec import FitSpec


def validation_digits(fit_spec: FitSpec) -> Digits:
    """Return one noisy copy of the validation rows, given or cut from the digits."""
    clean = fit_spec.validation
    if clean is None:
        _, rows = split_validation(fit_spec.digits, fit_spec.recipe, fit_spec.seed)
        clean = fit_spec.digits.pick(rows, "validation rows")
    return noisy(clean, fit_spec.training_noise, derive_seed(fit_spec.seed, "validation noise"))


def calibration_digits(fit_spec: FitSpec) -> Digits:
    """Return one copy of the calibration rows under the noise of training."""
    _, rows = split_calibration(fit_spec.digits, fit_spec.recipe, fit_spec.seed)
    clean = fit_spec.digits.pick(rows, "calibration rows")
    return noisy(clean, fit_spec.training_noise, derive_seed(fit_spec.seed, "calibration noise"))


def evaluate_model(
    model: nn.Module, images: Tensor, labels: Tensor, precision: str
) -> tuple[float, float]:
    """Return mean cross-entropy in nats and accuracy of a model on uint8 images."""
    model.eval()
    loss = right = 0.0
    with torch.no_grad(), hardware.autocast(images.device, precision):
        for start in range(0, len(labels), 1000):
            rows = slice(start, start + 1000)
            logits = model(to_unit(images[rows])[:, None]).float()
            loss += float(F.cross_entropy(logits, labels[rows], reduction="sum"))
            right += float((logits.argmax(1) == labels[rows]).sum())
    return loss / len(labels), right / len(labels)
