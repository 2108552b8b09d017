"""Noise throughput against Keras' ImageDataGenerator, side by side in one run.

Both corrupt the same 60,000 images with the same ranges: rotation 15 degrees, shift 0.1, zoom 0.1,
brightness 0.8 to 1.2, fill nearest. Each goes through all images once to warm up, then the two take
turns, so that a change in the machine's speed meets both.

    python -m venv .benchmarks-venv
    .benchmarks-venv/bin/pip install -c constraints.txt -e '.[train]' -r benchmarks/requirements.txt
    .benchmarks-venv/bin/python benchmarks/noise_throughput.py
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from measured import record, spread

from inkfast import noise
from inkfast.streams import stream
from inkfast.training import hardware

N, BATCH, TURNS = 60_000, 500, 5
PRESET = "image-data-generator"


def ours(images: np.ndarray) -> np.ndarray:
    """Corrupt all images with inkfast, batch by batch as training does."""
    chain, generator = noise.build(PRESET), stream(0)
    out = np.empty(images.shape, np.float32)
    for start in range(0, N, BATCH):
        batch = noise.to_unit(torch.from_numpy(images[start : start + BATCH]))
        out[start : start + BATCH] = chain(batch, generator).numpy()
    return out


def theirs(images: np.ndarray) -> np.ndarray:
    """Corrupt all images with Keras, batch by batch as its `fit` does."""
    generator = ImageDataGenerator(
        rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1,
        brightness_range=(0.8, 1.2), fill_mode="nearest",
    )  # fmt: skip
    flow = generator.flow(images[..., None].astype(np.float32), batch_size=BATCH, shuffle=False)
    return np.concatenate([next(flow) for _ in range(N // BATCH)])


def timed(corrupt, images: np.ndarray) -> float:
    """Return the seconds that one pass takes."""
    start = time.perf_counter()
    corrupt(images)
    return time.perf_counter() - start


def main() -> None:
    """Take turns and record images per second and the ratio of each pair."""
    hardware.keep_freed_memory()  # as `fit` does before it trains; Keras has the good of it too
    images = np.random.default_rng(0).integers(0, 256, (N, 28, 28), dtype=np.uint8)
    timed(ours, images)
    timed(theirs, images)
    pairs = [(timed(ours, images), timed(theirs, images)) for _ in range(TURNS)]
    record(
        "noise_throughput",
        "python benchmarks/noise_throughput.py",
        {
            "images": N,
            "threads": torch.get_num_threads(),
            "keras": keras.__version__,
            "inkfast_images_per_second": spread([N / mine for mine, _ in pairs]),
            "keras_images_per_second": spread([N / other for _, other in pairs]),
            "ratio": spread([other / mine for mine, other in pairs]),
        },
    )


if __name__ == "__main__":
    main()
