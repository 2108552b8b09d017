"""Noise throughput against ImageDataGenerator, kornia and albumentations, side by side in one run.

All corrupt the same 60,000 images by random affine maps in the same ranges: rotation 15 degrees,
shift 0.1, zoom 0.1; against Keras' generator by brightness 0.8 to 1.2 as well. Each processes all
images once to warm up, then they alternate, so that a change in the machine's speed affects all.
albumentations processes one image at a time, as its users call it.

    python -m venv .benchmarks-venv
    .benchmarks-venv/bin/pip install -c constraints.txt -e '.[train]' -r benchmarks/requirements.txt
    .benchmarks-venv/bin/python benchmarks/noise_throughput.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look for updates on the network

import albumentations
import keras
import kornia
import numpy as np
import torch
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from measured import record, spread

from inkfast import noise
from inkfast.core.pixels import to_unit
from inkfast.core.random import make_generator
from inkfast.training import hardware

N, BATCH, TURNS = 60_000, 500, 5
AFFINE = "affine(degrees=15, shift=0.1, zoom=0.1, fill='constant')"


def ours(chain_text: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that corrupts all images with inkfast, batch by batch as in training."""
    chain = noise.build_noise(chain_text)

    def corrupt(images: np.ndarray) -> np.ndarray:
        generator = make_generator(0)
        out = np.empty(images.shape, np.float32)
        for start in range(0, N, BATCH):
            batch = to_unit(torch.from_numpy(images[start : start + BATCH]))
            out[start : start + BATCH] = chain(batch, generator).numpy()
        return out

    return corrupt


def with_keras(images: np.ndarray) -> np.ndarray:
    """Corrupt all images with Keras, batch by batch as its `fit` does."""
    generator = ImageDataGenerator(
        rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1,
        brightness_range=(0.8, 1.2), fill_mode="nearest",
    )  # fmt: skip
    flow = generator.flow(images[..., None].astype(np.float32), batch_size=BATCH, shuffle=False)
    return np.concatenate([next(flow) for _ in range(N // BATCH)])


def with_kornia(images: np.ndarray) -> np.ndarray:
    """Corrupt all images with kornia, in batches."""
    affine = kornia.augmentation.RandomAffine(
        degrees=15.0, translate=(0.1, 0.1), scale=(0.9, 1.1), p=1.0
    )
    out = np.empty(images.shape, np.float32)
    for start in range(0, N, BATCH):
        batch = to_unit(torch.from_numpy(images[start : start + BATCH]))[:, None]
        out[start : start + BATCH] = affine(batch)[:, 0].numpy()
    return out


def with_albumentations(images: np.ndarray) -> np.ndarray:
    """Corrupt all images with albumentations, one by one."""
    affine = albumentations.Affine(
        rotate=(-15, 15), translate_percent=(-0.1, 0.1), scale=(0.9, 1.1), p=1.0
    )
    return np.stack([affine(image=image)["image"] for image in images])


# library: its function, and the same noise in inkfast
PEERS = {
    "ImageDataGenerator": (with_keras, "image-data-generator"),
    "kornia": (with_kornia, AFFINE),
    "albumentations": (with_albumentations, AFFINE),
}


def timed(corrupt: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    """Return the seconds that one pass takes."""
    start = time.perf_counter()
    corrupt(images)
    return time.perf_counter() - start


def main() -> None:
    """Alternate each pair; record images per second and the ratio."""
    hardware.keep_freed_memory()  # as `fit` does before it trains; the others benefit too
    images = np.random.default_rng(0).integers(0, 256, (N, 28, 28), dtype=np.uint8)
    rows = []
    for peer, (theirs, text) in PEERS.items():
        mine = ours(text)
        timed(mine, images)
        timed(theirs, images)
        pairs = [(timed(mine, images), timed(theirs, images)) for _ in range(TURNS)]
        rows.append({
            "peer": peer,
            "noise": text,
            "inkfast_images_per_second": spread([N / own for own, _ in pairs]),
            "peer_images_per_second": spread([N / other for _, other in pairs]),
            "ratio": spread([other / own for own, other in pairs]),
        })  # fmt: skip
    versions = {
        "keras": keras.__version__,
        "kornia": kornia.__version__,
        "albumentations": albumentations.__version__,
    }
    threads = {"images": N, "threads": torch.get_num_threads(), "versions": versions}
    record("noise_throughput", "python benchmarks/noise_throughput.py", threads | {"rows": rows})


if __name__ == "__main__":
    main()
