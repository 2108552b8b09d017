"""Fraction of the processor's matrix rate that training reaches.

The limit is the rate at which torch multiplies two matrices of 2048 x 2048 on the same cores, in
the same run, at the precision of training: bf16, or fp32 on processors without it. The FLOPs of a
step are three times those of the forward pass (Kaplan et al. 2020, section 2.1); noise, optimiser
and everything else take time but count no FLOPs. Both measurements alternate.

    python benchmarks/training_rate.py
"""

from __future__ import annotations

import time

import numpy as np
import torch
from measured import record, spread

from inkfast import models, noise
from inkfast.core.digits import Digits
from inkfast.training import Callback, FitSpec, hardware, resolve_recipe
from inkfast.training.loop import TrainingLoop

MODELS = (
    "cnn",
    "cnn(layers='C32(5)/2-C32-C32-C64/2-C64-C64-C64-GMP')",
    "mlp(hidden=[2048, 2048, 1024])",
)
SIDE, TURNS, STEPS = 2048, 5, 40


def now() -> float:
    """Return the time after all queued GPU work is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def matrix_rate(precision: str, where: torch.device) -> float:
    """Return FLOP/s of a matrix product, the best of four."""
    kind = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    left, right = (torch.randn(SIDE, SIDE, device=where).to(kind) for _ in range(2))
    best = float("inf")
    for _ in range(4):
        start = now()
        left @ right
        best = min(best, now() - start)
    return 2 * SIDE**3 / best


def training_rate(name: str, digits: Digits, precision: str) -> float:
    """Return FLOP/s of training steps under noise, including the making of batches."""
    architecture = models.build_model(name)
    recipe = resolve_recipe(architecture.recipe, {"precision": precision})
    fit_spec = FitSpec(
        architecture=architecture, recipe=recipe, digits=digits,
        noise=noise.build_noise("noisy-mnist"), threads=torch.get_num_threads(),
    )  # fmt: skip
    fit = TrainingLoop(fit_spec, None, Callback())
    fit.model.train()
    batches = fit.data.epoch(1)
    for _ in range(5):
        fit.step(*next(batches))
    start = now()
    for _ in range(STEPS):
        fit.step(*next(batches))
    seconds = now() - start
    summary = models.summarise(architecture)
    return 3 * summary.flops * recipe.batch_size * STEPS / seconds


def main() -> None:
    """Alternate both; record the rates and the fraction."""
    hardware.keep_freed_memory()
    where = hardware.choose_device()
    precision = hardware.choose_precision("auto", where)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
    digits = Digits(images, np.arange(60_000) % 10, "random")
    rows = []
    for name in MODELS:
        training_rate(name, digits, precision)
        pairs = [
            (matrix_rate(precision, where), training_rate(name, digits, precision))
            for _ in range(TURNS)
        ]
        rows.append({
            "model": name,
            "matrix_gflops": spread([limit / 1e9 for limit, _ in pairs]),
            "training_gflops": spread([rate / 1e9 for _, rate in pairs]),
            "fraction": spread([rate / limit for limit, rate in pairs]),
        })  # fmt: skip
    record("training_rate", "python benchmarks/training_rate.py",
           {"threads": torch.get_num_threads(), "rows": rows})  # fmt: skip


if __name__ == "__main__":
    main()
