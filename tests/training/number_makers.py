"""Strips that a tiny network learns in seconds: every digit is a bar at a height of its own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from inkfast.core.io import write_bytes
from inkfast.models import build_model
from inkfast.training.number_loop import NumberFitSpec
from inkfast.training.number_recipe import resolve_number_recipe
from inkfast.training.number_shards import LabelledStrips, shard_path

TINY = "number-reader(widths=[8, 16, 16, 32], blocks=0, context=1, reach=3)"
QUICK = {
    "shards": 2, "shard_strips": 60, "epochs": 8, "epoch_shards": 2, "batch_size": 8, "noise": 0.1,
    "learning_rate": 0.01, "ema": 0.9, "precision": "fp32",
}  # fmt: skip


def bar_strip(text: str) -> np.ndarray:
    """Return a strip of cells of 16 columns with a dark bar at rows 4 d to 4 d + 3 for a digit d."""
    strip = np.full((40, 16 * len(text) + 4), 220, np.uint8)
    for place, digit in enumerate(map(int, text)):
        strip[4 * digit : 4 * digit + 4, 16 * place + 4 : 16 * place + 14] = 30
    return strip


def bar_strips(count: int, seed: int = 0) -> LabelledStrips:
    rng = np.random.default_rng(seed)
    texts = ["".join(map(str, rng.integers(0, 10, rng.integers(1, 5)))) for _ in range(count)]
    return LabelledStrips([bar_strip(text) for text in texts], texts)


def write_shard(folder: Path, number: int, strips: LabelledStrips) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pixels=np.concatenate(strips.images, axis=1),
        widths=np.array([image.shape[1] for image in strips.images], np.int32),
        texts=np.array(strips.texts),
    )
    write_bytes(shard_path(folder, number), buffer.getvalue())


def bar_spec(folder: Path, seed: int = 0, **recipe: object) -> NumberFitSpec:
    """Return the fit of a tiny network on shards of bars, which are written into a folder."""
    keys = resolve_number_recipe(QUICK, recipe)
    for number in range(keys.shards):
        write_shard(folder, number, bar_strips(keys.shard_strips, seed=number))
    return NumberFitSpec(
        architecture=build_model(TINY), recipe=keys, shards=folder,
        validation=bar_strips(30, seed=99), seed=seed, threads=1,
    )  # fmt: skip
