"""Random generators: an independent one per seed and purpose.

A draw that is added for one purpose does not change the draws of another. Global random state is
used in two cases only: dropout, whose state is set for an epoch and restored, and scikit-learn's
``random_state=None``.
"""

from __future__ import annotations

import hashlib

import torch


def make_generator(
    seed: int, *purpose: str | int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a generator that depends only on the seed and the purpose.

    Args:
        seed: Seed of the experiment.
        purpose: Purpose of the numbers, e.g. ``("test noise", 3)``.
        device: Device on which numbers are drawn; CPU and CUDA give different numbers for one seed.
    """
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 32-bit seed for a purpose, for libraries that take an integer."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
