"""`inkfast review`: a page to check what was read, the most doubtful first."""

from __future__ import annotations

import getpass
import secrets
from pathlib import Path
from typing import Annotated

import typer

from inkfast.cli._console import Printer, open_console
from inkfast.cli._prediction_job import warn
from inkfast.cli._status import count_of
from inkfast.core.errors import InkfastError, check_choice, check_number, install_hint
from inkfast.core.io import check_free, write_text
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.inference.results import one_line
from inkfast.serving.review_items import ORDERS, Review
from inkfast.serving.review_page import static_review

_STATIC_LIMIT = 500  # answers in a file; an image takes about 40 KB, a limit on its size, chosen
_LONGEST_NAME = 100  # characters; a limit against pasted texts, chosen


def review(
    answers: Annotated[
        Path,
        typer.Argument(
            help="Answers of `read --to` or `predict --to`: a .csv, .jsonl or .parquet file.",
            metavar="ANSWERS",
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            help="Your name, stored with each correction.",
            show_default="the user's; with --static the page asks",
        ),
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            help="Order: least-sure, or random to measure the error rate of sure answers."
        ),
    ] = "least-sure",
    limit: Annotated[
        int | None,
        typer.Option(
            help="Largest number of answers that are shown.",
            show_default=f"all, with --static {_STATIC_LIMIT}",
        ),
    ] = None,
    merge: Annotated[
        list[Path] | None,
        typer.Option(help="File of corrections to take over first; repeatable."),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Write the page as one HTML file that needs no server, and stop."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file of --static.")
    ] = False,
) -> None:
    """Check what was read on a local page; every correction is saved at once.

    Corrections are the columns corrected (the right text, or none), corrected_by and corrected_at
    of a CSV file; those of X.jsonl and X.parquet are in X.corrections.csv.
    """
    check_choice("order", order, ORDERS)
    check_number("port", port, low=0, high=65535, whole=True)
    if limit is not None:
        check_number("limit", limit, low=1, whole=True)
    if static is not None:
        check_free(static, overwrite=overwrite)
        limit = limit or _STATIC_LIMIT
    with CorrectionsFile(answers) as file:
        for path in merge or []:
            warn(f"{path}: {count_of(file.merge(path), 'correction')} taken over")
        reviewed = Review(file, order, limit, _name(by) if static is None or by else "")
        if static is None:
            _serve(reviewed, port)
            warn(f"{reviewed.totals().sentence()}: {file.path}")
        else:
            write_text(static, static_review(reviewed))
            if reviewed.faults:
                missing = count_of(len(reviewed.faults), "image")
                warn(f"{missing} cannot be shown on the page, the first: {reviewed.faults[0]}")
            warn(f"{count_of(len(reviewed.rows), 'answer')} on the page: {static}")


def _name(given: str | None) -> str:
    """Return who reviews: the name given, or that of the user of this machine."""
    if given is None:
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""
    name = one_line(given.strip())
    if not name or len(name) > _LONGEST_NAME:
        raise InkfastError(
            f"`by` must be a name of 1 to {_LONGEST_NAME} characters, got {given!r}."
        )
    return name


def _serve(reviewed: Review, port: int) -> None:
    """Serve the page on this machine until Ctrl-C."""
    try:
        from inkfast.serving.limits import Limits
        from inkfast.serving.review_app import build_review_app
        from inkfast.serving.server import run_server
    except ModuleNotFoundError as error:
        raise InkfastError(
            f"the page needs {error.name}, which is not installed; {install_hint('serve')}. "
            "--static FILE.html needs no server."
        ) from None
    token, limits = secrets.token_urlsafe(24), Limits()
    printer = Printer(open_console())

    def ready(url: str) -> None:
        printer.say(f"review: {url}#token={token}", style="bold")
        printer.say("open it in a browser of this machine; Ctrl-C ends the review")

    run_server(build_review_app(reviewed, token, limits), "127.0.0.1", port, limits, ready)
