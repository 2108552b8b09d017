"""Commands that show: explore, and what there is of data, noise and models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli.options import Data
from inkfast.cli.root import app, data_app, models_app, noise_app


@app.command()
def explore(
    data: Annotated[
        str,
        typer.Argument(
            help="auto, mnist, embedded, synthetic, a .csv, .npz or .npy file, or a folder."
        ),
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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a picture that is there.")
    ] = False,
) -> None:
    """Draw digits under a corruption at several strengths."""
    from inkfast.commands import listings

    listings.noise_show(noise, data or "auto", out, overwrite=overwrite)


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
