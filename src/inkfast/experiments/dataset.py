"""The digits of an experiment: training digits, and test digits under its noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkfast import data, noise
from inkfast.core.digits import Digits, Indices, Labels, Source
from inkfast.core.errors import InkfastError
from inkfast.core.random import derive_seed
from inkfast.core.splits import stratified_group_split
from inkfast.experiments.config import Experiment, parse_imbalance
from inkfast.experiments.run_folder import load_experiment, load_identity
from inkfast.noise import Chain
from inkfast.noise.copies import noisy
from inkfast.training.batches import check_rows

NOT_COMPARED = ", not compared with what the run was trained on"  # added to the name of digits


@dataclass(frozen=True)
class ExperimentData:
    """The digits of an experiment.

    Attributes:
        source: Name of the data source, ``auto`` resolved.
        whole: SHA-256 of the source's training digits before a test part was cut off.
        notice: Warning about the data that users must see, or "".
        full: Clean digits that are not test digits, before `imbalance`; folds are cut from them.
        train: Clean training digits; validation rows are cut from them.
        clean: Test digits without noise.
        test: The same test digits under the noise, drawn once.
        noise: The noise.
    """

    source: str
    whole: str
    notice: str
    full: Digits
    train: Digits
    clean: Digits
    test: Digits
    noise: Chain

    def fingerprints(self) -> dict[str, str]:
        """Return the SHA-256 of each part, which a run folder keeps."""
        return {
            "whole": self.whole,
            "train": self.train.fingerprint,
            "test": self.clean.fingerprint,
            "noisy_test": self.test.fingerprint,
        }


def load_experiment_data(
    experiment: Experiment, report: Callable[[str, int, int], None] = lambda *_: None
) -> ExperimentData:
    """Load an experiment's digits, see `split_source`."""
    return split_source(experiment, data.load(experiment.data, report))


def split_source(experiment: Experiment, source: Source) -> ExperimentData:
    """Return an experiment's digits from a source; a test part is cut off if it has none.

    Raises:
        InkfastError: If there are too few digits, or no labels, to test or to validate on.
    """
    train, test = source.train, source.test
    if experiment.pooled and test is not None:
        train, test = train.followed_by(test, f"{train.name} and test pooled"), None
    if test is not None:
        _check_disjoint(train, test)
    else:
        share, purpose = experiment.test_fraction, derive_seed(experiment.seed, "test rows")
        kept, cut = stratified_group_split(train, share, purpose)
        name = train.name
        train, test = train.pick(kept, f"{name} train"), train.pick(cut, f"{name} test")
    full = train
    if experiment.imbalance:
        train = full.pick(subsample_classes(full.known_labels, experiment), full.name)
    _ = train.known_labels, test.known_labels
    for model_spec in experiment.models:
        check_rows(train, model_spec.recipe, experiment.seed)  # before a folder is claimed
    chain = noise.build_noise(experiment.noise)
    corrupted = noisy(test, chain, derive_seed(experiment.seed, "test noise"))
    whole = source.train.fingerprint
    return ExperimentData(source.name, whole, source.notice, full, train, test, corrupted, chain)


def _check_disjoint(train: Digits, test: Digits) -> None:
    """Raise if a test image is also a training image."""
    shared = int(_is_among(test, train).sum())
    if shared:
        raise InkfastError(
            f"{shared:,} of the {len(test):,} test digits are training digits too: accuracy on "
            "them would not show how new digits are read. Remove them from one of the two parts."
        )


def _is_among(digits: Digits, others: Digits) -> NDArray[np.bool_]:
    """Return a mask of the images that are also among the others."""
    known = {image.tobytes() for image in others.images}
    return np.array([image.tobytes() in known for image in digits.images])


def without_seen_images(digits: Digits, train: Digits) -> Digits:
    """Return the digits whose image is not a training image; the name says how many were removed.

    Raises:
        InkfastError: If no digit would be left.
    """
    seen = _is_among(digits, train)
    if seen.all():
        raise InkfastError(
            f"all {len(digits):,} digits of {digits.name} are among those that the run was trained "
            "on: expected others."
        )
    if not seen.any():
        return digits
    name = f"{digits.name}, less {seen.sum():,} that the run was trained on"
    return digits.pick(np.flatnonzero(~seen), name)


def subsample_classes(labels: Labels, experiment: Experiment) -> Indices:
    """Return the rows that `imbalance` keeps: a share of each class, at least one row."""
    shares = parse_imbalance(experiment.imbalance)
    rng = np.random.default_rng(derive_seed(experiment.seed, "imbalance"))
    keep = np.ones(len(labels), bool)
    for digit, share in shares.items():
        rows = rng.permutation(np.flatnonzero(labels == digit))
        keep[rows[max(1, round(share * len(rows))) :]] = False
    return np.flatnonzero(keep)


def load_run_data(experiment: Experiment, source: Source, run_folder: Path) -> ExperimentData:
    """Return the digits of a run.

    Raises:
        InkfastError: If the data has changed since, so that the test part is unknown.
    """
    identity = load_identity(run_folder)
    if identity.get("whole") == source.train.fingerprint:
        dataset = split_source(experiment, source)
        if identity.get("test") == dataset.clean.fingerprint:
            return dataset
    raise InkfastError(
        f"{experiment.data} has changed since the run in {run_folder}: its test digits cannot be "
        "separated from those it was trained on. Give other digits if the command takes --data, or "
        "train again."
    )


def load_evaluation_digits(
    experiment: Experiment, source: Source, run_folder: Path, *, same_data: bool
) -> Digits:
    """Return the digits to evaluate a run's models on, under the experiment's noise.

    For the run's own data that is its test part; for other data the test part if there is one,
    else all digits, without the images that the run was trained on. The name of the digits says
    what was removed, or that the run's own digits are unavailable and nothing was compared.

    Args:
        experiment: Experiment of the run with the data and the noise to evaluate on.
        source: The loaded data.
        run_folder: Folder of the run.
        same_data: Whether the data is that of the run.

    Raises:
        InkfastError: If the run's own data has changed, so that its test part is unknown.
    """
    try:
        return load_run_data(experiment, source, run_folder).test
    except InkfastError:
        if same_data:
            raise
    digits = source.test or source.train
    _ = digits.known_labels
    try:
        own = load_experiment(run_folder)
        train = load_run_data(own, data.load(own.data), run_folder).train
    except InkfastError:
        digits = dataclasses.replace(digits, name=f"{digits.name}{NOT_COMPARED}")
    else:
        digits = without_seen_images(digits, train)
    return noisy(
        digits, noise.build_noise(experiment.noise), derive_seed(experiment.seed, "test noise")
    )
