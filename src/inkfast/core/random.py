"""Where randomness comes from: one independent generator per (seed, purpose).

Global random state is read in two places alone: dropout, whose state is set for an epoch and put
back, and scikit-learn's ``random_state=None``. Two purposes under one seed practically
never share numbers (a derived seed has 32 bits), and adding a draw in one place cannot change the
draws of another.
"""

from __future__ import annotations

import hashlib

import torch


def make_generator(
    seed: int, *purpose: str | int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a generator that depends on the seed and the purpose alone.

    Args:
        seed: The experiment's seed.
        purpose: What the numbers are for, e.g. ``("test noise", 3)``.
        device: Where the numbers are drawn. CPU and CUDA give different numbers for one seed.
    """
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 32-bit seed for one purpose, for libraries that take an integer."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
