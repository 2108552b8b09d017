"""A run's model beside the validation rows it was chosen by: how sure it is, when it may answer."""

from __future__ import annotations

from dataclasses import dataclass

from inkfast import noise
from inkfast.data.digits import Digits
from inkfast.evaluation.calibration import heated, temperature
from inkfast.evaluation.selective import Promise, promise
from inkfast.experiment import Entry, Experiment
from inkfast.material import Material
from inkfast.noise import Chain
from inkfast.training import Task, Trained
from inkfast.training.validation import validation_digits

_BLENDING = ("smote", "borderline-smote", "adasyn")  # balancing that makes new digits


@dataclass(frozen=True)
class Calibration:
    """What validation rows said of a network.

    Attributes:
        temperature: By which logits are divided.
        promise: From which confidence it answers.
    """

    temperature: float
    promise: Promise


def calibrate(
    entry: Entry, model: Trained, experiment: Experiment, material: Material, max_error: float
) -> Calibration:
    """Calibrate a model on its validation rows, under the noise it was validated under.

    They chose its epoch too, so that its promise holds nearly, not strictly.
    """
    rows = validation_rows(entry, model, experiment, material, noisy=True)
    raw, labels = model.probabilities(rows), rows.known_labels
    heat = temperature(raw, labels)
    return Calibration(heat, promise(heated(raw, heat), labels, max_error))


def validation_rows(
    entry: Entry, model: Trained, experiment: Experiment, material: Material, *, noisy: bool
) -> Digits:
    """Return the rows that a network's epoch was chosen by, as it saw them or clean."""
    task = Task(
        architecture=entry.architecture,
        recipe=model.recipe,
        digits=material.train,
        noise=material.noise,
        train_noise=experiment.train_noise if noisy else "none",
        seed=model.seed,
    )
    return validation_digits(task)


def met_in_training(experiment: Experiment, model: Trained) -> Chain:
    """Return every corruption that a model met in training, augmentation included.

    Digits that were blended or written for it count as an elastic augmentation.
    """
    augment = noise.build(model.recipe.augment)
    if model.recipe.written or model.recipe.balance in _BLENDING:
        augment = Chain((*augment, *noise.build("elastic")), "")  # new digits bend the given ones
    fresh = noise.build("none" if experiment.train_noise == "none" else experiment.noise)
    chain = Chain((*augment, *fresh), "")
    return Chain(chain.noises, str(chain))
