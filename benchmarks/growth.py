"""Time and memory from a thousand to a million images.

For each size a new process generates the images, trains the default network for one epoch under
noise and classifies all of them; it reports both times and its peak memory.

    python benchmarks/growth.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from measured import record

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def measure(n: int) -> dict[str, float]:
    """Return seconds and memory of one size."""
    import numpy as np

    from inkfast import models, noise
    from inkfast.core.digits import Digits
    from inkfast.training import FitSpec, fit, resolve_recipe

    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8)
    digits = Digits(images, np.arange(n) % 10, "random")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    architecture = models.build_model("cnn")
    recipe = resolve_recipe(
        architecture.recipe, {"epochs": 1, "min_epoch_images": 0, "validation": 0.1}
    )
    chain = noise.build_noise("noisy-mnist")
    start = time.perf_counter()
    trained = fit(
        FitSpec(architecture=architecture, recipe=recipe, digits=digits, noise=chain, threads=2)
    )
    between = time.perf_counter()
    trained.probabilities(digits)
    return {
        "images": n,
        "train_seconds": between - start,
        "read_seconds": time.perf_counter() - between,
        "mib_before": before / 1024,
        "mib_most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure every size in a new process and record them together."""
    rows = []
    for n in SIZES:
        words = [sys.executable, __file__, str(n)]
        found = subprocess.run(words, capture_output=True, text=True, check=True)
        rows.append(json.loads(found.stdout))
    record("growth", "python benchmarks/growth.py", {"threads": 2, "rows": rows})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
