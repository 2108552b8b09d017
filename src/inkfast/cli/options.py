"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.imaging.page_selection import MAX_PAGES

RecipeFile = Annotated[
    Path | None, typer.Argument(help="Experiment file (TOML).", metavar="[EXPERIMENT]")
]
RunFolder = Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")]
Model = Annotated[
    str, typer.Argument(help="Architecture, e.g. cnn or 'mlp(hidden=[256, 128])'.", metavar="MODEL")
]
Models = Annotated[str | None, typer.Option(help="Architectures, comma-separated, e.g. mlp,cnn.")]
Data = Annotated[
    str | None,
    typer.Option(help="Data source: a name from `inkfast data list`, a file or a folder."),
]
Noise = Annotated[
    str | None,
    typer.Option(
        help="Preset or chain of corruptions, e.g. 'rotate(degrees=72) + gaussian(sigma=.2)'."
    ),
]
TrainNoise = Annotated[
    str | None, typer.Option(help="Noise in training: fresh (drawn for every batch), once or none.")
]
Imbalance = Annotated[
    str | None, typer.Option(help="Share of training rows kept per class, e.g. '3=0.05, 8=0.1'.")
]
Balance = Annotated[
    str | None,
    typer.Option(
        help="Balancing of training rows: none, over, under, smote, borderline-smote or adasyn."
    ),
]
Seed = Annotated[int | None, typer.Option(help="First seed.")]
Epochs = Annotated[int | None, typer.Option(help="Number of epochs of every model.")]
Threads = Annotated[
    int | None, typer.Option(help="Threads per fit; 0 chooses by timing a few steps.")
]
TestFraction = Annotated[
    float | None,
    typer.Option(help="Share of the digits used for testing, where the source has no test part."),
]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        help="Executor of the fits: serial, stacked:N (side by side on a GPU), local:N "
        "(processes), ray or ray:HOST:PORT; each fit has one thread.",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the run.")]
Out = Annotated[Path | None, typer.Option(help="Run folder.", show_default="runs/NAME")]
StartFrom = Annotated[
    str | None,
    typer.Option(
        help="Trained network of the same architecture whose weights this one begins with: a run "
        "folder or, of digits, an .onnx file or a shipped network such as reader.",
        metavar="NETWORK",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in the folder.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="A recipe key and its value, e.g. --set learning_rate=0.01; repeatable."
    ),
]
MaxError = Annotated[
    float | None,
    typer.Option(
        help="Largest share of errors among digits not marked unsure.",
        show_default="the model's own",
    ),
]
Expect = Annotated[
    str | None,
    typer.Option(
        "--expect",
        help=r"Regular expression that every number matches, e.g. '\d{1,2}' or '\d+[.,]\d\d'.",
        metavar="REGEX",
    ),
]
DigitsOnly = Annotated[
    bool,
    typer.Option("--digits-only", help="Leave all characters but digits out of the numbers."),
]
DigitCount = Annotated[
    int | None,
    typer.Option("--digits", help=r"Number of digits of every number, as --expect '\d{N}'."),
]
ReaderModel = Annotated[
    str,
    typer.Option(
        help="Shipped network, .onnx file, or run folder, of which the best model is used."
    ),
]
OnnxFormatText = Annotated[
    str,
    typer.Option(
        "--onnx-format",
        help="Pixels and output of an .onnx file of another tool, e.g. 'mean=0.1307, std=0.3081, "
        "output=logits'; keys: shape, range, mean, std, ink, output, tensor.",
        metavar="KEY=VALUE, ...",
        show_default="what the file says",
    ),
]
Pages = Annotated[
    str | None,
    typer.Option(
        help="Pages of each document, from 1, e.g. 1-3,7 or 10-.",
        show_default=f"all, at most {MAX_PAGES}",
    ),
]
OutputFile = Annotated[
    Path | None, typer.Option(help="Output file.", show_default="standard output")
]
