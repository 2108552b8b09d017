"""What `inkfast train` does for a model that reads numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inkfast.cli._console import open_console
from inkfast.cli._progress import Display
from inkfast.cli._sweep import interrupted, run_folder_of
from inkfast.core.errors import InkfastError
from inkfast.execution import parse_executor
from inkfast.experiments import run_folder
from inkfast.experiments.number_experiment import (
    NumberExperiment,
    number_experiment,
    run_number_experiment,
)
from inkfast.experiments.number_run import load_number_run
from inkfast.training.number_model import TrainedNumberNetwork, average_networks
from inkfast.training.number_sources import load_hands


def train_numbers(
    settings: dict[str, Any], out: Path | None, executor: str | None, *,
    resume: bool, overwrite: bool,
) -> None:  # fmt: skip
    """Compose strips, train the network on them, and say how well it reads left-out writers."""
    display = Display(open_console())
    where = parse_executor(executor or "serial", stacked=False)
    experiment = number_experiment(settings)
    folder = run_folder_of(settings, out, experiment.name)
    start = _load_start(experiment)
    run_folder.RUN.check(folder, overwrite=overwrite, resume=resume)  # before anything is loaded
    hands = load_hands(experiment.recipe, display.download)
    identity = {"kind": run_folder.NUMBERS, "whole": hands.fingerprint}
    try:
        with run_folder.run_lock(folder), where.open(), display.showing() as observer:
            run_folder.claim_run(folder, experiment, identity, resume=resume, overwrite=overwrite)
            trained = run_number_experiment(experiment, hands, folder, observer, where, start)
    except KeyboardInterrupt:
        raise interrupted(display) from None
    display.say(
        f"{experiment.architecture.name}: {trained.best.validation_accuracy:.2%} of "
        f"{experiment.recipe.validation_strips:,} composed strips of left-out writers exactly "
        f"right, {trained.best.character_error:.2%} of characters wrong (epoch "
        f"{trained.best_epoch} of {len(trained.history)}, which these strips chose)"
    )
    display.say(
        f"read with it: inkfast read PHOTO --model {folder}; export it: inkfast export "
        f"{folder} --to numbers.onnx"
    )


def _load_start(experiment: NumberExperiment) -> TrainedNumberNetwork | None:
    """Return the network whose weights the training begins with: that of a run, or the mean."""
    if not experiment.start_from:
        return None
    networks = []
    for folder in map(str.strip, experiment.start_from.split(",")):
        network = load_number_run(Path(folder))[1]
        if network.architecture != experiment.architecture:
            raise InkfastError(
                f"--start-from {folder}: expected a network of the same architecture, "
                f"{experiment.architecture}, got {network.architecture}."
            )
        networks.append(network)
    return average_networks(networks)
