"""The contract of models: of each, and of networks in particular."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from inkfast.core.digits import Digits
from inkfast.core.random import make_generator
from inkfast.core.registry import parse_spec
from inkfast.models import (
    Architecture,
    Network,
    build_model,
    check_reads_digits,
    count_parameters,
    create,
)
from inkfast.noise import build_noise
from inkfast.testing.expect import easy_digits, expect, expect_refusal
from inkfast.training import FitSpec, TrainedModel, fit, resolve_recipe

_QUICK = {"epochs": 1, "batch_size": 60, "min_epoch_images": 0, "precision": "fp32"}


def check_model(model: str | Architecture) -> None:
    """Check that a model fulfils the contract; it is trained a few times on 400 digits.

    Args:
        model: Spec such as ``"mlp(hidden=[32])"``, or an architecture, which need not be
            registered except for saving. Choose a small one, so that the check is quick.

    Raises:
        AssertionError: If it does not; the message says which part of the contract is broken.
        InkfastError: If the model reads numbers.
    """
    architecture = build_model(model) if isinstance(model, str) else model
    check_reads_digits(architecture)
    checks = MODEL_CHECKS + (NETWORK_CHECKS if isinstance(architecture, Network) else ())
    for check in checks:
        check(architecture)


def _train(architecture: Architecture, digits: Digits, seed: int = 0) -> TrainedModel:
    return fit(
        FitSpec(
            architecture=architecture,
            recipe=resolve_recipe(architecture.recipe, _QUICK),
            digits=digits,
            noise=build_noise("gaussian(sigma=0.4)"),
            seed=seed,
            threads=1,
        )
    )


@lru_cache(maxsize=32)
def _trained(architecture: Architecture) -> TrainedModel:
    return _train(architecture, easy_digits())


def is_saved_and_repeated_to_the_bit(architecture: Architecture) -> None:
    """A saved model gives the same probabilities; trained again it gives the same file."""
    digits, first = easy_digits(), _trained(architecture)
    with tempfile.TemporaryDirectory() as folder:
        first.save(Path(folder, "first"))
        loaded = TrainedModel.load(Path(folder, "first"))
        torch.rand(3)
        np.random.rand(3)
        _train(architecture, digits).save(Path(folder, "second"))
        one, two = (
            Path(folder, part, "model.safetensors").read_bytes() for part in ("first", "second")
        )
    probabilities = first.probabilities(digits)
    same = np.array_equal(loaded.probabilities(digits), probabilities)
    expect(same, f"{architecture}: a saved model must give the same probabilities.")
    expect(
        loaded.architecture == architecture
        and count_parameters(loaded.model) == count_parameters(first.model) > 0,
        f"{architecture}: a saved model must have the same architecture and parameters.",
    )
    expect(one == two, f"{architecture}: training twice on one seed must give the same file.")
    other = _train(architecture, digits, seed=1).probabilities(digits)
    expect(
        not np.array_equal(other, probabilities),
        f"{architecture}: another seed must give another model.",
    )


def gives_probabilities(architecture: Architecture) -> None:
    """Rows of probabilities sum to 1, none is 0 or NaN, and the history has one epoch."""
    model = _trained(architecture)
    found = model.probabilities(easy_digits())
    expect(
        found.shape == (400, 10) and found.dtype == np.float64,
        f"{architecture}: expected float64 (400, 10), got {found.dtype} {found.shape}.",
    )
    sums = np.abs(found.sum(axis=1) - 1).max()
    expect(
        sums <= 1e-6 and (found > 0).all(),
        f"{architecture}: probabilities must be above 0 and sum to 1; sums are off by {sums}.",
    )
    epochs, counted = len(model.history), sum(model.class_counts["trained_on"])
    expect(epochs == model.best_epoch == 1, f"{architecture}: expected one epoch, got {epochs}.")
    expect(
        0 < model.best.validation_accuracy <= 1 and counted == 360,
        f"{architecture}: expected 360 training rows, the rest for validation; got {counted}.",
    )


def copes_with_a_missing_class(architecture: Architecture) -> None:
    """Trained without any 7, a model still gives ten columns."""
    digits = easy_digits()
    labels = digits.known_labels
    rest = digits.pick(np.flatnonzero(labels != 7), "no sevens")
    found = _train(architecture, rest).probabilities(digits)
    sums = np.abs(found.sum(axis=1) - 1).max()
    expect(
        found.shape == (400, 10) and sums <= 1e-6,
        f"{architecture}: expected probabilities (400, 10) that sum to 1, got {found.shape}.",
    )
    if not isinstance(architecture, Network):
        likeliest = found[:, 7].max()
        expect(likeliest < 1e-12, f"{architecture}: no 7 was seen, but one has {likeliest}.")
        right = (found.argmax(axis=1) == labels)[labels != 7].mean()
        expect(right > 0.5, f"{architecture}: expected over half of the others right, got {right}.")


def model_is_written_as_it_is_read(architecture: Architecture) -> None:
    """The spec of a model builds an equal one; an unknown parameter is refused."""
    name, parameters = parse_spec(str(architecture))
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    same = name == architecture.name and type(architecture)(**values) == architecture
    expect(same, f"{architecture}: the spec must build an equal model.")
    known = {field.name for field in dataclasses.fields(architecture)}
    expect(set(parameters) == known, f"{architecture}: the spec must hold all parameters.")
    expect_refusal(
        lambda: build_model(f"{name}(colour=1)"), f"of model '{name}' 'colour'", f"{name}(colour=1)"
    )


def gives_ten_logits_and_gradients(architecture: Architecture) -> None:
    """A network maps (n, 1, 28, 28) to (n, 10) and passes gradients to each weight."""
    model = create(_network(architecture), make_generator(0))
    logits = model(torch.rand(5, 1, 28, 28, generator=make_generator(1)))
    expect(logits.shape == (5, 10), f"{architecture}: expected (5, 10), got {logits.shape}.")
    logits.sum().backward()
    for name, weight in model.named_parameters():
        reached = weight.grad is not None and torch.isfinite(weight.grad).all()
        expect(reached, f"{architecture}: {name} gets no finite gradient.")


def weights_come_from_the_generator(architecture: Architecture) -> None:
    """One seed gives the same weights whatever torch's global state; another seed does not."""
    for init in ("torch", "glorot", "he"):
        network = dataclasses.replace(_network(architecture), init=init)
        first = create(network, make_generator(1)).state_dict()
        torch.rand(3)
        again = create(network, make_generator(1)).state_dict()
        other = create(network, make_generator(2)).state_dict()
        equal = all(torch.equal(first[key], again[key]) for key in first)
        expect(equal, f"{network}: the same seed must give the same weights.")
        differ = any(not torch.equal(first[key], other[key]) for key in first)
        expect(differ, f"{network}: another seed must give other weights.")
        finite = all(torch.isfinite(value).all() for value in first.values())
        expect(finite, f"{network}: weights must be finite.")


def _network(architecture: Architecture) -> Network:
    if not isinstance(architecture, Network):
        raise AssertionError(f"{architecture}: expected a subclass of Network.")
    return architecture


MODEL_CHECKS = (
    is_saved_and_repeated_to_the_bit, gives_probabilities, copes_with_a_missing_class,
    model_is_written_as_it_is_read,
)  # fmt: skip
NETWORK_CHECKS = (gives_ten_logits_and_gradients, weights_come_from_the_generator)
