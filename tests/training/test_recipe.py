"""Recipes: checks, and schedules and optimisers compared with torch's."""

from __future__ import annotations

import pytest
import torch

from inkfast.training import Recipe, resolve_recipe
from inkfast.training.optimisation import WeightAverage, learning_rate, make_optimisers


def test_later_settings_override_earlier():
    """The recipe overrides an architecture's defaults, and a model's own keys override the recipe."""
    recipe = resolve_recipe({"epochs": 3, "batch_size": 10}, {"epochs": 4}, {"momentum": 0.5})
    assert (recipe.epochs, recipe.batch_size, recipe.momentum) == (4, 10, 0.5)


def test_all_faults_are_reported_together():
    """Three wrong values give three sentences in one error."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        Recipe(epochs=0, optimiser="lion", learning_rate=-1.0)
    for part in (
        "`epochs` must be a whole number >= 1 and <= 100000, got 0.",
        "`optimiser` must be one of 'adam', 'adamw', 'sgd', 'rmsprop', 'muon', got 'lion'.",
        "`learning_rate` must be a finite number > 0 and <= 100, got -1.0.",
    ):
        assert part in str(error.value)


def test_an_unknown_key_is_named_with_the_nearest():
    """The message for a misspelled recipe key suggests the right one."""
    with pytest.raises(
        ValueError, match="unknown recipe key 'learning_rat'. Did you mean 'learning_rate'"
    ):
        resolve_recipe({"learning_rat": 0.1})


def test_onecycle_is_that_of_torch():
    """Every step's learning rate agrees with torch.optim.lr_scheduler.OneCycleLR."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], 0.5)
    total = 200
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 0.5, total, pct_start=0.25, cycle_momentum=False
    )
    recipe = Recipe(learning_rate=0.5, warmup=0.25)
    for step in range(total - 1):
        ours = learning_rate(recipe, step / total, [])
        # torch counts its phases from 0 to total - 1, ours from 0 to total: a step's difference
        assert ours == pytest.approx(optimiser.param_groups[0]["lr"], abs=0.012)
        optimiser.step()
        schedule.step()


def test_plateau_is_that_of_keras():
    """The rate halves after three epochs without a gain of 1e-4, down to its lower bound."""
    recipe = Recipe(schedule="plateau", learning_rate=1e-3, min_learning_rate=2e-4)
    falling = [1.0, 0.9, 0.8]
    assert learning_rate(recipe, 0.5, falling) == 1e-3
    assert learning_rate(recipe, 0.5, [*falling, 0.8, 0.79995]) == 1e-3
    assert learning_rate(recipe, 0.5, [*falling, 0.8, 0.81, 0.8]) == 5e-4
    assert learning_rate(recipe, 0.5, [*falling, *[0.9] * 30]) == 2e-4


def test_weight_decay_spares_vectors():
    """Biases and normalisation are not decayed."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    (optimiser,) = make_optimisers(model, Recipe(weight_decay=0.1))
    decayed, spared = optimiser.param_groups
    assert [p.ndim for p in decayed["params"]] == [2]
    assert [p.ndim for p in spared["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)


def test_the_average_moves_by_what_its_decay_leaves():
    """With a decay of 0.9 it moves a tenth of the distance at every step."""
    model = torch.nn.Linear(2, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        average = WeightAverage(model, 0.9)
        for parameter in model.parameters():
            parameter.fill_(1)
    for expected in (0.1, 0.19):
        average.update(model)
        for weight in average.weights:
            torch.testing.assert_close(weight, torch.full_like(weight, expected))


def test_muon_trains_every_weight():
    """Kernels and matrices take orthogonal steps of AdamW's size, vectors AdamW's own steps."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 6, 3), torch.nn.Flatten(), torch.nn.Linear(30, 5)]
    model = torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    recipe = resolve_recipe({"optimiser": "muon", "learning_rate": 0.01, "weight_decay": 0.0})
    for optimiser in make_optimisers(model, recipe):
        optimiser.step()
    for old, new in zip(before, model.parameters(), strict=True):
        step = new.detach() - old
        if old.ndim == 1:
            assert step.abs().numpy() == pytest.approx(0.01, rel=1e-3)  # Adam's first step
        else:
            step = step.flatten(1)
            lengths = torch.linalg.svdvals(step) / (0.01 * 0.2 * max(step.shape) ** 0.5)
            # Newton and Schulz's iteration, as Muon uses it, ends between .7 and 1.2
            assert 0.6 < float(lengths.min()) <= float(lengths.max()) < 1.3
