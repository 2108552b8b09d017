"""Cross-validation of an experiment's models on its training digits; test digits are not used.

Every fold has initial weights from its own seed. Validation rows, balancing and training noise come
from the training rows of the fold; the held-out rows get one noisy copy.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from inkfast import noise
from inkfast.core.digits import CLASSES, Digits, Indices, Source
from inkfast.core.errors import DivergedError, InkfastError
from inkfast.core.io import nan_to_none, write_json, write_text
from inkfast.core.random import derive_seed
from inkfast.core.splits import count_groups, describe_groups, stratified_group_kfold
from inkfast.evaluation import FoldComparison, Scores, compare_folds, deciding_p, score
from inkfast.execution import SERIAL, Executor, Observer, quiet
from inkfast.experiments.config import Experiment, ModelSpec, check_random_start
from inkfast.experiments.dataset import subsample_classes
from inkfast.experiments.run_folder import CROSS_VALIDATION, FOLDS_CSV, VALIDATION, fold_folder
from inkfast.models import count_parameters
from inkfast.noise.copies import noisy
from inkfast.training import Epoch, FitJob, FitSpec, TrainedModel
from inkfast.training.batches import check_rows

METRICS = ("accuracy", "loss", "macro_f1", "ece")


@dataclass(frozen=True)
class Fold:
    """One split of the training digits.

    Attributes:
        repeat: Number of the repeat, from 1.
        number: Number of the fold within the repeat, from 1.
        train: Training rows, validation rows included.
        held_out: Rows that are evaluated on.
    """

    repeat: int
    number: int
    train: Indices
    held_out: Indices

    @property
    def slug(self) -> str:
        """The fold in a form for folders."""
        return f"repeat{self.repeat}-fold{self.number}"


@dataclass(frozen=True)
class FoldFit:
    """One model trained on one fold, and its scores on the held-out rows."""

    model_spec: ModelSpec
    fold: Fold
    trained: TrainedModel
    scores: Scores


@dataclass(frozen=True)
class CrossValidation:
    """Results of all finished folds; some are missing if a fit diverged or Ctrl-C came.

    Folds differ in difficulty, so scores are those of the folds that all models have finished; if
    there is no such fold, of each model's own folds.
    """

    experiment: Experiment
    source: Source
    fits: list[FoldFit]
    interrupted: bool
    diverged: tuple[DivergedError, ...] = ()

    @cached_property
    def common(self) -> set[str]:
        """The folds finished by every model that has finished any."""
        finished: dict[str, set[str]] = {}
        for fit in self.fits:
            finished.setdefault(fit.model_spec.name, set()).add(fit.fold.slug)
        return set.intersection(*finished.values())

    def fits_of(self, name: str) -> list[FoldFit]:
        """Return the fits of one model that count, in order of their folds."""
        own = [fit for fit in self.fits if fit.model_spec.name == name]
        return [fit for fit in own if fit.fold.slug in self.common] or own

    def names(self) -> list[str]:
        """Return the names of models with finished folds, the best mean accuracy first."""
        names = dict.fromkeys(fit.model_spec.name for fit in self.fits)
        return sorted(names, key=lambda name: -self.mean(name, "accuracy"))

    def values(self, name: str, metric: str) -> list[float]:
        """Return one metric of a model for each of its folds."""
        return [getattr(fit.scores, metric) for fit in self.fits_of(name)]

    def seconds(self, name: str) -> list[float]:
        """Return the training time of each of a model's fits, in seconds."""
        return [fit.trained.train_seconds for fit in self.fits_of(name)]

    def mean(self, name: str, metric: str) -> float:
        """Return the mean over folds."""
        return float(np.mean(self.values(name, metric)))

    def std(self, name: str, metric: str) -> float:
        """Return the standard deviation over folds, NaN for a single one."""
        values = self.values(name, metric)
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

    def comparisons(self) -> list[FoldComparison]:
        """Compare the best model with every other one; empty if no fold is common to all."""
        names = self.names() if self.common else []
        accuracy = {
            name: {fit.fold.slug: fit.scores.accuracy for fit in self.fits_of(name)}
            for name in names
        }
        share = 1 / (self.experiment.folds - 1)  # held-out rows per training row
        return compare_folds(accuracy, names, share)

    def headline(self) -> str:
        """Return one sentence on the best model's accuracy and its lead over the second."""
        names = self.names()
        best, folds = names[0], len(self.fits_of(names[0]))
        start = (
            f"{best} reads {self.mean(best, 'accuracy'):.2%} ± "
            f"{100 * self.std(best, 'accuracy'):.2f} over {folds} folds"
        )
        comparisons = self.comparisons()
        if not comparisons:
            alone = "." if len(names) == 1 else "; no fold is finished by all models, to compare."
            return start + alone
        second = comparisons[0]
        verdict = "real" if second.real else "not shown to be real"
        return (
            f"{start}, {100 * second.difference:.2f} points more than {second.worse}; "
            f"the difference is {verdict} ({deciding_p(second)})."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``validation.json``; an undefined score is null."""
        return {
            "data": self.source.name,
            "notice": self.source.notice,
            "noise": self.experiment.noise,
            "folds": self.experiment.folds,
            "repeats": self.experiment.repeats,
            "n": len(self.source.train),
            "complete": not (self.interrupted or self.diverged),
            "left_out": list(map(str, self.diverged)),
            "machine": self.fits[0].trained.machine,
            "headline": self.headline(),
            "rows": [
                {
                    "model": name,
                    "published": self.fits_of(name)[0].model_spec.published,
                    "n_folds": len(self.fits_of(name)),
                    "accuracies": self.values(name, "accuracy"),
                    "n_parameters": count_parameters(self.fits_of(name)[0].trained.model),
                    **{f: nan_to_none(self.mean(name, f)) for f in METRICS},
                    **{f"{f}_std": nan_to_none(self.std(name, f)) for f in METRICS},
                    "train_seconds": float(np.mean(self.seconds(name))),
                    "seconds": self.seconds(name),
                }
                for name in self.names()
            ],
            "comparisons": [vars(comparison) for comparison in self.comparisons()],
        }

    def write(self, out: Path) -> None:
        """Write ``validation.json`` and ``folds.csv``."""
        write_json(out / VALIDATION, self.to_json())
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["model", "repeat", "fold", "n_train", "n_held_out", *METRICS,
                        "epochs", "best_epoch", "train_seconds"])  # fmt: skip
        for fit in self.fits:
            table.writerow([
                fit.model_spec.name, fit.fold.repeat, fit.fold.number, len(fit.fold.train),
                len(fit.fold.held_out), *(getattr(fit.scores, metric) for metric in METRICS),
                len(fit.trained.history), fit.trained.best_epoch, fit.trained.train_seconds,
            ])  # fmt: skip
        write_text(out / FOLDS_CSV, text.getvalue())


def make_folds(digits: Digits, experiment: Experiment) -> Iterator[Fold]:
    """Yield stratified folds, repeat by repeat; copies of an image are in the same fold.

    `imbalance` applies to the training rows of a fold, not to the held-out ones.

    Raises:
        InkfastError: If a class has fewer different images than there are folds.
    """
    counts = count_groups(digits)
    rare = [digit for digit in range(CLASSES) if 0 < counts[digit] < experiment.folds]
    if rare:
        raise InkfastError(
            f"folds={experiment.folds} needs as many rows of every class: class {rare[0]} has "
            f"{counts[rare[0]]}{describe_groups(digits)}. "
            "Take fewer folds or more digits."
        )
    seed = derive_seed(experiment.seed, "folds")
    splits = stratified_group_kfold(digits, experiment.folds, experiment.repeats, seed)
    for index, (left, held_out) in enumerate(splits):
        repeat, number = divmod(index, experiment.folds)
        train = left[subsample_classes(digits.known_labels[left], experiment)]
        yield Fold(repeat + 1, number + 1, train, held_out)


def cross_validation_identity(experiment: Experiment, source: Source) -> dict[str, str]:
    """Return what identifies a cross-validation, see `run_folder.claim_run`; check its first fold.

    Raises:
        InkfastError: If a fold, or the validation rows within one, would lack a class; or if fits
            would begin with a trained network.
    """
    check_random_start(experiment)
    for fold in make_folds(source.train, experiment):
        for model_spec in experiment.models:
            check_rows(source.train.pick(fold.train, "fold"), model_spec.recipe, experiment.seed)
        break  # stratified folds differ by at most one image of a class
    return {"kind": CROSS_VALIDATION, "whole": source.train.fingerprint}


def run_cross_validation(
    experiment: Experiment,
    source: Source,
    out: Path,
    observer: Observer[Epoch] = quiet,
    executor: Executor = SERIAL,
) -> CrossValidation:
    """Train every model on every fold; fits already finished in `out` are not trained again.

    After Ctrl-C, or if a fit diverges, the results of the finished fits are returned.
    """
    pairs = [
        (model_spec, fold)
        for fold in make_folds(source.train, experiment)
        for model_spec in experiment.models
    ]
    jobs = (
        FitJob(
            title=f"{model_spec.name}, {fold.slug}",
            folder=fold_folder(out, model_spec, fold.slug),
            fit_spec=_fit_spec_of_fold(experiment, model_spec, fold, source.train),
        )
        for model_spec, fold in pairs
    )
    found, interrupted = executor.run(jobs, len(pairs), observer)
    fits = []
    for (model_spec, fold), result in zip(pairs, found, strict=True):
        if isinstance(result, TrainedModel):
            held_out = _held_out_digits(experiment, fold, source.train)
            scores = score(result.probabilities(held_out), held_out.known_labels)
            fits.append(FoldFit(model_spec, fold, result, scores))
    _check_own_models(fits)
    diverged = tuple(result for result in found if isinstance(result, DivergedError))
    return CrossValidation(experiment, source, fits, interrupted, diverged)


def _check_own_models(fits: list[FoldFit]) -> None:
    """Raise if two folds share a network, which was then trained on held-out rows."""
    if len({id(fit.trained.model) for fit in fits}) < len(fits):
        raise InkfastError("two folds have the same network: expected one for each fold.")


def _fit_spec_of_fold(
    experiment: Experiment, model_spec: ModelSpec, fold: Fold, digits: Digits
) -> FitSpec:
    rows = digits.pick(fold.train, f"{digits.name}, {fold.slug}")
    return experiment.fit_spec(
        model_spec, rows, derive_seed(experiment.seed, "fold", fold.repeat, fold.number)
    )


def _held_out_digits(experiment: Experiment, fold: Fold, digits: Digits) -> Digits:
    seed = derive_seed(experiment.seed, "held-out noise", fold.repeat, fold.number)
    rows = digits.pick(fold.held_out, f"{digits.name}, {fold.slug} held out")
    return noisy(rows, noise.build_noise(experiment.noise), seed)
