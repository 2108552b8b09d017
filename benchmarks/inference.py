"""The shipped reader in ONNX Runtime, the same network in torch, and the limit of the processor.

All alternate, on the same number of threads. The limit is the rate of a matrix product in fp32; in
8 bits the fraction may exceed 1. The FLOPs of an image are those of convolutions and products.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measured import spread
from training_rate import matrix_rate

from inkfast import models
from inkfast.core.digits import Images
from inkfast.core.pixels import to_unit
from inkfast.core.random import make_generator
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.training import hardware

BATCH = 250  # images per batch, as in the classifier


def side_by_side(
    classifiers: dict[str, OnnxClassifier], images: Images, *, turns: int, threads: int
) -> dict[str, Any]:
    """Return images per second, GFLOP/s and the fraction of the matrix rate, of each and of torch.

    Args:
        classifiers: Classifiers by name; the first one names the network that torch runs.
        images: Images, uint8 ``(n, 28, 28)``.
        turns: Number of timed turns of each, after one to warm up.
        threads: Number of torch's threads; the classifiers were opened with as many.
    """
    architecture = models.build_model(next(iter(classifiers.values())).metadata.text("model"))
    works: dict[str, Callable[[Images], Any]] = {
        name: one.probabilities for name, one in classifiers.items()
    } | {"torch eager": eager(architecture)}
    flops = models.summarise(architecture).flops
    limits: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in works}
    with hardware.torch_threads(threads):
        for turn in range(turns + 1):
            limit = matrix_rate("fp32", torch.device("cpu"))
            seconds = {name: timed(work, images) for name, work in works.items()}
            if turn:
                limits.append(limit)
                for name, took in seconds.items():
                    rates[name].append(len(images) / took)
    return {
        "threads": threads, "flops_per_image": flops,
        "matrix_gflops": spread([limit / 1e9 for limit in limits]),
        "rows": [
            {
                "by": name, "images_per_second": spread(own),
                "gflops": spread([flops * rate / 1e9 for rate in own]),
                "fraction": spread([
                    flops * rate / limit for rate, limit in zip(own, limits, strict=True)
                ]),
            }
            for name, own in rates.items()
        ],
    }  # fmt: skip


def eager(architecture: models.Network) -> Callable[[Images], np.ndarray]:
    """Return a function that classifies with torch in fp32, with random weights: equally fast."""
    network = models.create(architecture, make_generator(0)).eval()

    def classify(images: Images) -> np.ndarray:
        with torch.inference_mode():
            found = [
                network(to_unit(torch.tensor(images[i : i + BATCH]))[:, None]).softmax(1)
                for i in range(0, len(images), BATCH)
            ]
        return torch.cat(found).numpy()

    return classify


def timed(work: Callable[[Images], Any], images: Images) -> float:
    """Return the seconds that classifying all images takes."""
    start = time.perf_counter()
    work(images)
    return time.perf_counter() - start
