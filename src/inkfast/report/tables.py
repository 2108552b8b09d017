"""Results as tables for the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from inkfast import noise as noises
from inkfast.experiments.cross_validation import CrossValidation
from inkfast.experiments.leaderboard import Leaderboard
from inkfast.experiments.tuning.trials import SearchResult


def leaderboard_table(board: Leaderboard) -> Table:
    """Return the leaderboard as a table for the terminal."""
    dataset = board.outcome.dataset
    noise = dataset.noise.in_words()
    title = f"{dataset.source}, {noise}, {len(dataset.test):,} test digits"
    if dataset.notice:
        title += " (not MNIST)"
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    table.add_column("model", overflow="fold")
    published = any(row.published is not None for row in board.rows)
    several = any(row.averaged is not None for row in board.rows)
    columns = ["accuracy", *(["averaged"] if several else []),
               *(["published"] if published else []), "95 % interval", "loss", "ECE", "parameters",
               "seconds"]  # fmt: skip
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in board.rows:
        spread = row.std("accuracy")
        accuracy = f"{row.mean('accuracy'):.2%}" + (
            f" ± {100 * spread:.2f}" if spread is not None else ""
        )
        averaged = "" if row.averaged is None else f"{row.averaged:.2%}"
        theirs = "" if row.published is None else f"{row.published:.2%}"
        low, high = row.interval
        table.add_row(
            Text(row.name), accuracy, *([averaged] if several else []),
            *([theirs] if published else []),
            f"{100 * low:.2f} to {100 * high:.2f}", f"{row.mean('loss'):.4f}",
            f"{row.mean('ece'):.2%}", f"{row.n_parameters:,}", f"{row.seconds:.1f}",
        )  # fmt: skip
    return table


def folds_table(result: CrossValidation) -> Table:
    """Return a cross-validation as a table for the terminal."""
    noise = noises.build_noise(result.experiment.noise).in_words()
    title = f"{result.source.name}, {noise}, {len(result.source.train):,} training digits"
    title += " (not MNIST)" if result.source.notice else ""
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    table.add_column("model", overflow="fold")
    for column in ("folds", "accuracy", "loss", "ECE", "seconds a fit"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in result.to_json()["rows"]:
        spread = row["accuracy_std"]
        accuracy = f"{row['accuracy']:.2%}" + (f" ± {100 * spread:.2f}" if spread else "")
        table.add_row(
            Text(row["model"]), str(row["n_folds"]), accuracy, f"{row['loss']:.4f}",
            f"{row['ece']:.2%}", f"{row['train_seconds']:.1f}",
        )  # fmt: skip
    return table


def trials_table(tuned: SearchResult, most: int = 5) -> Table:
    """Return the best trials of a search as a table for the terminal."""
    keys = list(tuned.finished[0].values)
    table = Table(
        "trial", "validation accuracy", *keys, "seconds",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    for row in tuned.finished[:most]:
        cells = [row.number, f"{row.accuracy:.2%}", *(row.values[key] for key in keys)]
        shown = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
        table.add_row(*map(Text, shown), f"{row.seconds:.0f}")
    return table
