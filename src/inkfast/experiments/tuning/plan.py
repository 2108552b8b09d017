"""`SearchPlan`: an experiment with one model, and the space that is searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inkfast import models
from inkfast.core.errors import InkfastError, check_flag, check_number, short_repr, unknown_name
from inkfast.experiments.config import Experiment, check_random_start, from_settings
from inkfast.experiments.tuning.space import Parameter, parse_space

_TUNE = ("trials", "prune", "hours")


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """The search of `inkfast tune`.

    Attributes:
        settings: Settings of the experiment; the values of a trial override them.
        experiment: The experiment of these settings.
        space: The search space.
        trials: Total number of trials on all machines that share the storage.
        prune: Whether a trial is stopped if its validation accuracy lies below the median of
            earlier trials at the same epoch.
        hours: Time after which no trial is started; 0 for no limit.
    """

    settings: Mapping[str, Any]
    experiment: Experiment
    space: tuple[Parameter, ...]
    trials: int
    prune: bool
    hours: float

    def candidate(self, values: Mapping[str, Any]) -> Experiment:
        """Return the experiment with values for the search keys.

        Raises:
            InkfastError: If the model or the recipe they give is not allowed.
        """
        table = _model_table(self.settings)
        text = values.get("model", table["model"])
        own = {key[6:]: value for key, value in values.items() if key.startswith("model.")}
        architecture = models.build_digit_model(text)
        for key in own:
            known = [field.name for field in dataclasses.fields(architecture)]
            if key not in known:
                raise unknown_name(f"key of model {architecture.name}", key, known)
        recipe = {k: v for k, v in values.items() if k != "model" and not k.startswith("model.")}
        changed = {
            **table,
            "name": table.get("name", "best"),
            "model": str(dataclasses.replace(architecture, **own)),
            **recipe,
        }
        found = from_settings({**self.settings, "models": [changed], "seeds": 1})
        return dataclasses.replace(
            found, threads=self.experiment.threads, data=self.experiment.data
        )

    def space_texts(self) -> dict[str, str]:
        """Return each search key's range as text: plans with equal texts search the same."""
        return {parameter.key: str(parameter) for parameter in self.space}


def parse_search_plan(settings: Mapping[str, Any]) -> SearchPlan:
    """Return the search of some settings; both ends of every range are checked.

    Args:
        settings: Settings of an experiment with one model, a ``search`` table, and optionally a
            ``tune`` table with ``trials``, ``prune`` and ``hours``.

    Raises:
        InkfastError: If keys are unknown or values not allowed.
    """
    given = dict(settings)
    space = parse_space(given.pop("search", None))
    tune = given.pop("tune", {})
    if not isinstance(tune, Mapping):
        raise InkfastError(f"`tune` must be a table, got {short_repr(tune)}.")
    for key in tune:
        if key not in _TUNE:
            raise unknown_name("key of tune", key, _TUNE)
    trials, prune, hours = tune.get("trials", 30), tune.get("prune", True), tune.get("hours", 0)
    check_number("trials", trials, low=1, high=1_000_000, whole=True)
    check_flag("prune", prune)
    check_number("hours", hours, low=0)
    plan = SearchPlan(
        settings=given, experiment=from_settings(given), space=space, trials=trials, prune=prune,
        hours=hours,
    )  # fmt: skip
    _model_table(given)
    check_random_start(plan.experiment)
    _check_bounds(plan)
    return plan


def _model_table(settings: Mapping[str, Any]) -> dict[str, Any]:
    listed = settings.get("models", ["cnn"])
    if not isinstance(listed, list | tuple) or len(listed) != 1:
        raise InkfastError(
            '`models` must name one model to tune, e.g. ["cnn"]; to choose among several, search '
            '`model` = { choices = ["mlp", "cnn"] }.'
        )
    return {"model": listed[0]} if isinstance(listed[0], str) else dict(listed[0])


def _check_bounds(plan: SearchPlan) -> None:
    defaults = {parameter.key: parameter.bounds()[0] for parameter in plan.space}
    faults = []
    for parameter in plan.space:
        for value in parameter.bounds():
            try:
                plan.candidate({**defaults, parameter.key: value})
            except InkfastError as error:
                faults.append(f"search key `{parameter.key}`: {error}")
    if faults:
        raise InkfastError(" ".join(dict.fromkeys(faults)))
