"""The shipped reader by ONNX Runtime, the same network by torch, and what the processor could do.

All take turns on as many threads. The limit is the rate of a matrix product in fp32; the share of
it that 8 bits reach may pass 1. FLOPs of an image are those of its convolutions and products.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measured import spread
from training_rate import matrix_rate

from inkfast import models, noise
from inkfast.core.digits import Images
from inkfast.core.random import make_generator
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.training import hardware

BATCH = 250  # images at a time, as the classifier takes them


def side_by_side(
    classifiers: dict[str, OnnxClassifier], images: Images, *, turns: int, threads: int
) -> dict[str, Any]:
    """Return images a second, GFLOP/s and the share of the matrix rate, of each and of torch.

    Args:
        classifiers: By what they are called; the first one says which network torch is to run.
        images: uint8 ``(n, 28, 28)``.
        turns: How often each has its turn, after one that warms up.
        threads: Of torch; the classifiers were opened with as many.
    """
    architecture = models.build_model(next(iter(classifiers.values())).metadata.text("model"))
    works: dict[str, Callable[[Images], Any]] = {
        name: one.probabilities for name, one in classifiers.items()
    } | {"torch eager": eager(architecture)}
    flops = models.summarise(architecture).flops
    limits: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in works}
    with hardware.threads(threads):
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
    """Return what torch answers with, in fp32; weights are drawn, since speed is the same."""
    network = models.create(architecture, make_generator(0)).eval()

    def answer(images: Images) -> np.ndarray:
        with torch.inference_mode():
            found = [
                network(noise.to_unit(torch.tensor(images[i : i + BATCH]))[:, None]).softmax(1)
                for i in range(0, len(images), BATCH)
            ]
        return torch.cat(found).numpy()

    return answer


def timed(work: Callable[[Images], Any], images: Images) -> float:
    """Return the seconds that reading all images takes."""
    start = time.perf_counter()
    work(images)
    return time.perf_counter() - start
