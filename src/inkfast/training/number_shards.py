"""Shards: files of composed strips, made by an executor before training.

Every shard is composed from its own seed, so that a shard that is missing is made again with the
same bytes, wherever it is made.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from inkfast.core.errors import InkfastError
from inkfast.core.io import write_bytes
from inkfast.core.random import derive_seed
from inkfast.execution import SERIAL, Executor
from inkfast.inference.number_strips import GreyStrip, frames_of_width, prepare_strip
from inkfast.synthetic.strips import Handwriting, compose_strip

TRAINING, VALIDATION, CALIBRATION = "training", "validation", "calibration"
_WIDEST = 640  # columns; wider strips are left out of training, since they would slow down a batch


@dataclass(frozen=True)
class Composition:
    """What decides the strips of a folder of shards.

    Attributes:
        handwriting: Where hands are drawn from.
        strips: Number of strips in each shard.
        seed: Seed of the experiment.
        purpose: What the strips are for, e.g. ``"training"``.
    """

    handwriting: Handwriting
    strips: int
    seed: int
    purpose: str


@dataclass(frozen=True)
class LabelledStrips:
    """Prepared strips with their texts.

    Attributes:
        images: uint8 ``(40, width)`` each.
        texts: What is written on them.
    """

    images: list[GreyStrip]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)


def compose_shards(
    folder: Path,
    composition: Composition,
    count: int,
    executor: Executor = SERIAL,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the shards of a folder that are not there yet.

    Args:
        folder: Folder of the shards.
        composition: What decides the strips.
        count: Number of shards.
        executor: Where strips are composed.
        on_progress: Called with the number of shards that are there, and `count`.
    """
    missing = [number for number in range(count) if not shard_path(folder, number).is_file()]
    if not missing:
        return
    contents = executor.map(compose_shard, composition, missing)
    for done, (number, content) in enumerate(zip(missing, contents, strict=True), start=1):
        write_bytes(shard_path(folder, number), content)
        on_progress(count - len(missing) + done, count)


def compose_shard(composition: Composition, number: int) -> bytes:
    """Return the content of one shard, an ``.npz`` file.

    Args:
        composition: What decides the strips.
        number: Number of the shard, from 0.
    """
    seed = derive_seed(composition.seed, "strips", composition.purpose, number)
    rng = np.random.default_rng(seed)
    strips = [compose_strip(composition.handwriting, rng) for _ in range(composition.strips)]
    images = [prepare_strip(strip.image) for strip in strips]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pixels=np.concatenate(images, axis=1),
        widths=np.array([image.shape[1] for image in images], np.int32),
        texts=np.array([strip.text for strip in strips]),
    )
    return buffer.getvalue()


def shard_path(folder: Path, number: int) -> Path:
    """Return the path of a shard."""
    return folder / f"{number:04}.npz"


def load_shard(path: Path) -> LabelledStrips:
    """Read a shard.

    Raises:
        InkfastError: If it is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            ends = np.cumsum(content["widths"], dtype=np.int64)
            pixels, texts = content["pixels"], [str(text) for text in content["texts"]]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InkfastError(
            f"{path} cannot be read ({error}). Delete it, and make it again with --resume."
        ) from None
    images = [pixels[:, start:end] for start, end in pairwise([0, *ends.tolist()])]
    return LabelledStrips(images, texts)


def load_training_shards(folder: Path, numbers: Iterable[int]) -> LabelledStrips:
    """Return the strips of some shards that a network can learn from: neither long nor crowded."""
    loaded = [load_shard(shard_path(folder, number)) for number in numbers]
    pairs = [pair for one in loaded for pair in zip(one.images, one.texts, strict=True)]
    kept = [(image, text) for image, text in pairs if _can_be_learned(image, text)]
    return LabelledStrips([image for image, _ in kept], [text for _, text in kept])


def _can_be_learned(image: GreyStrip, text: str) -> bool:
    """Return whether there are frames for each character, and a blank between two equal ones."""
    repeated = sum(one == other for one, other in pairwise(text))
    width = image.shape[1]
    return width <= _WIDEST and len(text) + repeated <= frames_of_width(width)
