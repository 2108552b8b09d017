"""`inkfast train`: a comparison of one model."""

from __future__ import annotations

from inkfast.cli import options
from inkfast.cli._settings import settings_from_flags
from inkfast.cli.compare import run_comparison


def train(
    model: options.Model,
    data: options.Data = None,
    noise: options.Noise = None,
    train_noise: options.TrainNoise = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    settings: options.Settings = None,
    imbalance: options.Imbalance = None,
    balance: options.Balance = None,
    test_fraction: options.TestFraction = None,
    threads: options.Threads = None,
    executor: options.Executor = None,
    name: options.Name = None,
    out: options.Out = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Train and test one model; the run folder is the same as that of `compare`."""
    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": [model], "seed": seed,
        "test_fraction": test_fraction, "threads": threads, "name": name or "train",
        "imbalance": imbalance,
    }  # fmt: skip
    flags = settings_from_flags(given, {"epochs": epochs, "balance": balance}, settings)
    run_comparison(flags, out, executor, resume=resume, overwrite=overwrite)
