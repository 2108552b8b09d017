"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeFile = Annotated[Path | None, typer.Argument(help="Experiment as TOML.", metavar="[RECIPE]")]
RunFolder = Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")]
Model = Annotated[str, typer.Argument(help="e.g. cnn or 'mlp(hidden=[256, 128])'")]
Models = Annotated[str | None, typer.Option(help="Names, comma-separated: mlp,cnn")]
Data = Annotated[
    str | None,
    typer.Option(help="auto, mnist, embedded, synthetic, a .csv, .npz or .npy file, or a folder."),
]
Noise = Annotated[
    str | None,
    typer.Option(help="Preset or chain, e.g. 'rotate(degrees=72) + gaussian(sigma=.2)'."),
]
TrainNoise = Annotated[str | None, typer.Option(help="Training noise: fresh, once or none.")]
Imbalance = Annotated[
    str | None, typer.Option(help="Shares of classes left in training, e.g. '3=0.05, 8=0.1'.")
]
Balance = Annotated[
    str | None,
    typer.Option(help="none, over, under, smote, borderline-smote or adasyn, on training rows."),
]
Seed = Annotated[int | None, typer.Option(help="First seed.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of every model.")]
Threads = Annotated[int | None, typer.Option(help="Threads of a fit; 0 times a step and chooses.")]
TestFraction = Annotated[
    float | None, typer.Option(help="Share cut off for testing from data without a test part.")
]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        help="Where fits run: serial, stacked:N (side by side on a GPU), local:N (processes), ray "
        "or ray:HOST:PORT; one thread a fit.",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the run.")]
Out = Annotated[Path | None, typer.Option(help="Run folder.", show_default="runs/NAME")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what the folder holds.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Start the folder's run anew.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any recipe key, e.g. --set learning_rate=0.01; repeatable."),
]
