"""The command line: words into calls, one-line errors, nothing numeric.

Everything that computes is imported inside the commands, so that `inkfast --help` stays quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast.errors import InkfastError

app = typer.Typer(
    name="inkfast",
    help="Handwritten digits, read through noise: train, compare honestly, measure.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)
data_app = typer.Typer(help="Where digits come from: list, fetch, verify.", no_args_is_help=True)
noise_app = typer.Typer(help="Corruptions: list them, look at one.", no_args_is_help=True)
models_app = typer.Typer(help="Architectures: list them, look at one.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(noise_app, name="noise")
app.add_typer(models_app, name="models")

Data = Annotated[
    str | None, typer.Option(help="auto, mnist, embedded, a .csv, .npz or .npy file, or a folder.")
]
NoiseOption = Annotated[
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
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="Where fits run: here, local:N (processes), ray or ray:HOST:PORT; one thread a fit.",
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


@app.command()
def compare(
    recipe: Annotated[
        Path | None, typer.Argument(help="Experiment as TOML.", metavar="[RECIPE]")
    ] = None,
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    models: Annotated[str | None, typer.Option(help="Names, comma-separated: mlp,cnn")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds each model gets.")] = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    test_fraction: TestFraction = None,
    threads: Threads = None,
    engine: EngineOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Compare models on noisy digits and leave a report worth reading."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "seeds": seeds, "seed": seed, "test_fraction": test_fraction, "threads": threads,
        "name": name, "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.compare(recipe, flags, out, engine, resume=resume, overwrite=overwrite)


@app.command()
def validate(
    recipe: Annotated[
        Path | None, typer.Argument(help="Experiment as TOML.", metavar="[RECIPE]")
    ] = None,
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    models: Annotated[str | None, typer.Option(help="Names, comma-separated: mlp,cnn")] = None,
    folds: Annotated[int | None, typer.Option(help="Parts of the training digits.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often the folds are drawn.")] = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    threads: Threads = None,
    engine: EngineOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Cross-validate models on the training digits; the test digits are not touched."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "folds": folds, "repeats": repeats, "seed": seed, "threads": threads,
        "name": name or (None if recipe else "validate"), "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.validate(recipe, flags, out, engine, resume=resume, overwrite=overwrite)


@app.command()
def tune(
    space: Annotated[
        Path, typer.Argument(help="Experiment with a [search] table, as TOML.", metavar="SPACE")
    ],
    data: Data = None,
    noise: NoiseOption = None,
    trials: Annotated[int | None, typer.Option(help="How many there are to be in all.")] = None,
    hours: Annotated[float | None, typer.Option(help="Begin no trial after so long.")] = None,
    storage: Annotated[
        str, typer.Option(help="Optuna storage URL that several machines share.")
    ] = "",
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    threads: Threads = None,
    engine: EngineOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Search for the best model and recipe on validation rows, then look at the test once."""
    from inkfast.commands import experiments

    given = {"data": data, "noise": noise, "seed": seed, "threads": threads, "name": name}
    flags = _given(given, {"epochs": epochs}, settings)
    limits = {"trials": trials, "hours": hours}
    limits = {key: value for key, value in limits.items() if value is not None}
    flags |= {"tune": limits} if limits else {}
    experiments.tune(space, flags, out, engine, storage, resume=resume, overwrite=overwrite)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="e.g. cnn or 'mlp(hidden=[256, 128])'")],
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    test_fraction: TestFraction = None,
    threads: Threads = None,
    engine: EngineOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Train one model; the run folder is the same as that of a comparison."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": [model], "seed": seed,
        "test_fraction": test_fraction, "threads": threads, "name": name or "train",
        "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.compare(None, flags, out, engine, resume=resume, overwrite=overwrite)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")],
    data: Data = None,
    noise: NoiseOption = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
) -> None:
    """Score a run's models on other digits or under other noise."""
    from inkfast.commands import readers

    readers.evaluate(run, data, noise, json_path)


@app.command()
def robustness(
    model: Annotated[Path, typer.Argument(help="Run folder, or an .onnx file that takes 28x28.")],
    suite: Annotated[
        str, typer.Option(help="mnist-c, mnist-c-ladder, n-mnist or noisy-mnist.")
    ] = "mnist-c",
    data: Data = None,
    max_error: Annotated[
        float, typer.Option(help="A run's models answer so that errors stay below this share.")
    ] = 0.01,
    threshold: Annotated[
        float | None,
        typer.Option(help="Confidence from which an ONNX file answers.", show_default="its own"),
    ] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Judge on validation rows, while choosing.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the corruption.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of an ONNX file; 0 for all.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of figures.", show_default="runs/robustness-MODEL-SUITE"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace figures that are there.")
    ] = False,
) -> None:
    """Measure how models hold under published noise: MNIST-C, n-MNIST, noisy-mnist."""
    from inkfast.commands.robustness import judge

    judge(
        model, suite, data, out, max_error=max_error, threshold=threshold, seed=seed,
        threads=threads, validation=validation, overwrite=overwrite,
    )  # fmt: skip


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of compare or train.", metavar="RUN")],
    model: Annotated[
        str | None, typer.Option(help="One of the run's models.", show_default="the best")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="ONNX file.", show_default="RUN.onnx")] = None,
    max_error: Annotated[
        float, typer.Option(help="Share of errors among its answers that it promises.")
    ] = 0.01,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
) -> None:
    """Write a network as one ONNX file: pixels in, calibrated probabilities out."""
    from inkfast.commands import readers

    readers.export(run, model, to, max_error, overwrite=overwrite)


@app.command()
def predict(
    data: Annotated[str, typer.Argument(help="A .csv, .npz or .npy file, or a folder.")],
    model: Annotated[
        Path, typer.Option(help="Run folder, whose best on validation answers, or .onnx.")
    ],
    to: Annotated[Path | None, typer.Option(help="CSV file; default: the terminal.")] = None,
) -> None:
    """Read digits with a trained model, in the format of Kaggle's digit-recognizer."""
    from inkfast.commands import readers

    readers.predict(data, model, to)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address; one that others reach needs a token in INKFAST_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8000,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="An .onnx file of your own, beside what is shipped; repeatable."),
    ] = None,
) -> None:
    """Serve the readers over HTTP, and the Noise Lab page."""
    from inkfast.commands.serving import serve as start

    start(host, port, model or [])


@app.command()
def read(
    photos: Annotated[list[Path], typer.Argument(help="Pictures of handwritten numbers.")],
    model: Annotated[
        str, typer.Option(help="A shipped network's name, or an .onnx file.")
    ] = "reader",
    max_error: Annotated[
        float | None,
        typer.Option(help="Answer so that errors stay below this share.", show_default="its own"),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, json (lines) or csv.")] = "table",
    to: Annotated[Path | None, typer.Option(help="File; default: the terminal.")] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Folder for the pictures with boxes and answers.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="Folder for the unsure digits and what the network saw.")
    ] = None,
) -> int:
    """Read the numbers on photographs, line by line; a ? stands for an unsure digit."""
    from inkfast.commands import reading

    return reading.read(photos, model, max_error, form, to, overlay, review)


@app.command()
def explore(
    data: Annotated[
        str, typer.Argument(help="auto, mnist, embedded, a .csv, .npz or .npy file, or a folder.")
    ] = "auto",
    noise: Annotated[
        str, typer.Option(help="Shown beside the clean digits: a preset, a chain or none.")
    ] = "noisy-mnist",
    labels: Annotated[
        bool, typer.Option("--labels", help="Also seek wrong labels; trains small networks.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of samples, noise and folds.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the page.", show_default="runs/explore-DATA")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make the folder's exploration anew.")
    ] = False,
) -> None:
    """Look at digits before training: classes, pixels, duplicates, overlap, suspicious labels."""
    from inkfast.commands import listings

    listings.explore(data, noise, out, labels=labels, seed=seed, overwrite=overwrite)


@data_app.command("list")
def data_list() -> None:
    """List the data sources, and whether MNIST is on this machine."""
    from inkfast.commands import listings

    listings.data_list()


@data_app.command("fetch")
def data_fetch() -> None:
    """Download MNIST (11 MB) into your cache, checked by SHA-256."""
    from inkfast.commands import listings

    listings.data_fetch()


@data_app.command("verify")
def data_verify(
    folder: Annotated[Path | None, typer.Argument(help="Default: where MNIST was found.")] = None,
) -> None:
    """Check MNIST's four files against their SHA-256."""
    from inkfast.commands import listings

    listings.data_verify(folder)


@noise_app.command("list")
def noise_list() -> None:
    """List corruptions with their parameters, and presets."""
    from inkfast.commands import listings

    listings.noise_list()


@noise_app.command("show")
def noise_show(
    noise: Annotated[str, typer.Argument(help="A corruption, a chain or a preset.")],
    data: Data = None,
    out: Annotated[Path | None, typer.Option(help="PNG file.", show_default="NOISE.png")] = None,
) -> None:
    """Draw digits under a corruption at several strengths."""
    from inkfast.commands import listings

    listings.noise_show(noise, data or "auto", out)


@models_app.command("list")
def models_list() -> None:
    """List architectures with parameters and FLOPs at their defaults."""
    from inkfast.commands import listings

    listings.models_list()


@models_app.command("show")
def models_show(
    model: Annotated[str, typer.Argument(help="e.g. cnn or 'mlp(hidden=[256, 128])'")],
) -> None:
    """Show an architecture layer by layer."""
    from inkfast.commands import listings

    listings.models_show(model)


def _version(wanted: bool) -> None:
    if wanted:
        from inkfast import __version__

        sys.stdout.write(f"inkfast {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


def _given(
    settings: dict[str, Any], training: dict[str, Any], assignments: list[str] | None
) -> dict[str, Any]:
    """Return the flags that were given, recipe keys under ``recipe``."""
    import ast

    recipe = {key: value for key, value in training.items() if value is not None}
    for assignment in assignments or []:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise InkfastError(
                f"--set expects KEY=VALUE, e.g. learning_rate=0.01, got {assignment!r}."
            )
        try:
            recipe[key.strip()] = ast.literal_eval(text.strip())
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            recipe[key.strip()] = text.strip()  # a word such as adam needs no quotes
    flags = {key: value for key, value in settings.items() if value is not None}
    return flags | ({"recipe": recipe} if recipe else {})


def main() -> None:
    """Run the command line; the one place where errors become exit codes."""
    code: object
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("inkfast: interrupted\n")
        code = 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "inkfast":
            raise
        sys.stderr.write(
            f"inkfast: this needs {error.name}, which is not installed. Install what trains and "
            "measures too: pip install 'inkfast[train]'\n"
        )
        code = 2
    except Exception as error:
        # typer's own errors of usage share no public base, but they all can format themselves
        usage = getattr(error, "format_message", None)
        if usage is None and not isinstance(error, InkfastError | OSError | MemoryError):
            raise
        message = " ".join((usage() if usage else str(error)).split())
        if message:  # none when the help has been shown instead
            sys.stderr.write(f"inkfast: {message}\n")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
