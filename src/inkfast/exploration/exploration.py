"""`explore_digits` and its result; layout of the output folder.

::

    runs/explore-<data>/
      explore.json        every number
      label_suspects.csv  with --labels: suspicious labels, the most suspicious first
      report.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Indices, Survey
from inkfast.core.errors import InkfastError
from inkfast.core.output_folder import REPORT, FolderKind
from inkfast.core.random import derive_seed
from inkfast.core.splits import stratified_group_split
from inkfast.exploration import duplicates, label_errors, structure
from inkfast.exploration.classes import ImbalanceStats, PixelStats
from inkfast.exploration.duplicates import Duplicates
from inkfast.exploration.label_errors import LabelSuspects
from inkfast.exploration.structure import Clusters, Components
from inkfast.noise import Chain
from inkfast.noise.copies import noisy
from inkfast.training import Callback

FIGURES_FILE, SUSPECTS_FILE = "explore.json", "label_suspects.csv"
EXPLORATION = FolderKind("an exploration", (FIGURES_FILE, SUSPECTS_FILE, REPORT))
MAX_NOISY = 10_000  # training digits that get a noisy copy


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """Results of exploring a set of digits.

    Attributes:
        survey: The digits and their files.
        seed: Seed of samples, noise and folds.
        noise: Noise of `corrupted`.
        imbalance: None without labels.
        clean: Pixels of the training digits.
        corrupted: Pixels of a noisy copy of them, or of `MOST_NOISY` of them; None without noise.
        constant: Rows of blank images, by part.
        copies: Exact and near copies.
        components: None where all images are the same.
        clusters: None where fewer than two differ.
        held_out: Training rows that a comparison with this seed would use for testing; None where
            there is a test part.
        suspects: None unless asked for.
    """

    survey: Survey
    seed: int
    noise: Chain
    imbalance: ImbalanceStats | None
    clean: PixelStats
    corrupted: PixelStats | None
    constant: dict[str, list[int]]
    copies: Duplicates
    components: Components | None
    clusters: Clusters | None
    held_out: Indices | None
    suspects: LabelSuspects | None

    @property
    def train(self) -> Digits:
        """The training digits, or all where the source makes no difference."""
        return self.survey.source.train

    @property
    def test(self) -> Digits | None:
        """The test digits, where the source has its own."""
        return self.survey.source.test

    @property
    def parts(self) -> dict[str, Digits]:
        """The parts by name."""
        return named_parts(self.survey)

    def part_and_row(self, row: int) -> tuple[str, int]:
        """Return the part and the row in it, for a row of both parts together."""
        n = len(self.train)
        return ("train", row) if row < n else ("test", row - n)

    def where(self, row: int) -> str:
        """Name a row of both parts together: its file, or its part and number from 0."""
        part, number = self.part_and_row(row)
        if self.survey.files:
            return self.survey.files[part][number]
        return f"{part} {number}" if self.test is not None else f"row {number}"

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return the image of a row of both parts together."""
        part, number = self.part_and_row(row)
        return np.asarray(self.parts[part].images[number])

    def label(self, row: int) -> int | None:
        """Return the label of a row of both parts together, where it has one."""
        part, number = self.part_and_row(row)
        given = self.parts[part].labels
        return None if given is None else int(given[number])


def explore_digits(
    survey: Survey,
    noise: Chain,
    seed: int,
    tell: Callable[[str], None] = lambda stage: None,
    observe: Callable[[str, int, int], Callback] | None = None,
) -> Exploration:
    """Analyse digits.

    Args:
        survey: The digits.
        noise: Shown beside the clean digits.
        seed: Decides samples, noise and folds.
        tell: Called with the name of each stage as it begins.
        observe: Asked for a `Watch` at the start of each network that judges labels; None leaves
            labels unjudged.

    Raises:
        InkfastError: If labels are to be judged and there are too few.
    """
    from threadpoolctl import threadpool_limits

    train, test = survey.source.train, survey.source.test
    labelled_test = test if test is not None and test.labels is not None else None
    if observe:
        label_errors.check_label_counts(train, labelled_test)
    # on a busy machine, two threads that wait for each other can be fifty times slower than one
    with threadpool_limits(1):
        tell("counting pixels")
        clean = PixelStats.of(train)
        corrupted = _noisy_pixel_stats(train, noise, seed)
        tell("searching for copies")
        copies = duplicates.find_duplicates(train, test)
        tell("finding principal components and clusters")
        axes = structure.fit_components(train, derive_seed(seed, "components"))
        clusters = (
            None
            if axes is None
            else structure.fit_clusters(train, axes, derive_seed(seed, "clusters"))
        )
    return Exploration(
        survey=survey,
        seed=seed,
        noise=noise,
        imbalance=None if train.labels is None else ImbalanceStats.of(train.class_counts()),
        clean=clean,
        corrupted=corrupted,
        constant={
            part: np.flatnonzero(duplicates.is_blank(digits.images)).tolist()
            for part, digits in named_parts(survey).items()
        },
        copies=copies,
        components=axes,
        clusters=clusters,
        held_out=_held_out_rows(train, test, seed),
        suspects=label_errors.find_label_errors(train, labelled_test, seed, observe)
        if observe
        else None,
    )


def named_parts(survey: Survey) -> dict[str, Digits]:
    """Return the parts of a source by name."""
    pairs = {"train": survey.source.train, "test": survey.source.test}
    return {part: digits for part, digits in pairs.items() if digits is not None}


def _noisy_pixel_stats(train: Digits, noise: Chain, seed: int) -> PixelStats | None:
    if not noise:
        return None
    rows = structure.sample_rows(len(train), MAX_NOISY, derive_seed(seed, "noisy rows"))
    return PixelStats.of(
        noisy(train.pick(rows, train.name), noise, derive_seed(seed, "training noise"))
    )


def _held_out_rows(train: Digits, test: Digits | None, seed: int) -> Indices | None:
    """Return training rows that would be cut off for testing, where there is no test part."""
    if test is not None or train.labels is None:
        return None
    with contextlib.suppress(InkfastError):  # too few to cut
        return stratified_group_split(train, 0.2, derive_seed(seed, "test rows"))[1]
    return None
