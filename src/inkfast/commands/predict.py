"""What `predict` does once its words have been read: pictures in, one row each out."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from inkfast.core import processes
from inkfast.core.digits import Digits, Images
from inkfast.core.errors import InkfastError
from inkfast.core.io import check_folder, check_free, check_resume, write_bytes
from inkfast.core.processes import ExecutorSpec
from inkfast.inference import batch, inputs, output_files
from inkfast.inference.classifier import About
from inkfast.inference.output_formats import OUTPUT_FORMATS, choose_format
from inkfast.inference.reader import Reader, shipped_names
from inkfast.inference.results import InputResult, one_line

_EXPECTED = "PNG, JPEG, WebP, BMP, GIF or TIFF files, folders or zip archives of them, or tables"
_TOLD = 1000  # rows between two looks at how far it is
_LONGEST = 1 << 16  # characters of a path


def predict(
    paths: Sequence[str], files_from: str | None, model: str, max_error: float | None,
    form: str | None, to: Path | None, review: Path | None, executor: str, *, resume: bool,
    overwrite: bool,
) -> int:  # fmt: skip
    """Read every picture and write its row; return the exit code, 1 if one could not be read."""
    place = processes.parse_executor(executor)
    wanted = inputs.checked(paths)
    if not wanted and not files_from:
        raise InkfastError("expected at least one PATH, or --files-from FILE, got none.")
    reader = _reader(model, max_error)
    _check_place(to, resume=resume, overwrite=overwrite)
    if resume and to and to.is_file() and not output_files.part_of(to).exists():
        _say(
            f"{to} is whole, made by an earlier job; it was not compared with the pictures given "
            "now. There is nothing to go on with: --overwrite reads them anew."
        )
        return 0
    check_folder(review)
    rows = _form(form, to, wanted)
    output = _output(rows, to, reader, resume=resume, overwrite=overwrite)
    job = _Job(output, review, tells=to is not None and sys.stdout.isatty())
    given = inputs.iter_inputs(chain(wanted, _listed(files_from)))
    try:
        if output.done:
            given = output_files.same_sources(given, job.kept())
        team = _crew(place, reader, review=review is not None)
        with _engine(place), closing(batch.predict_inputs(given, team, output.done)) as found:
            for row in found:
                job.keep(row)
        if not output.written:
            raise InkfastError(f"expected pictures, got none: {_EXPECTED}.")
        output.finish()
    except KeyboardInterrupt:
        output.leave()
        if output.part and output.part.exists():
            _warn(f"{output.written:,} rows are kept in {output.part}: go on with --resume")
        raise
    except BrokenPipeError:  # whoever read our lines has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept until the end
    except BaseException:
        output.leave()
        raise
    if to:
        kaggle = " in Kaggle's form (--format csv for confidences)" if rows == "kaggle" else ""
        who = _who(reader, model)
        # Kaggle's form does not keep which rows were unsure before an interruption
        rest = "" if kaggle and output.done else job.rest()
        _say(f"{output.written:,} digits read by {who}: {to}{kaggle}{rest}")
    elif review and not job.counts["unsure"]:
        _warn(f"0 unsure: there is nothing to review in {review}")
    return 1 if job.counts["error"] else 0


def _say(sentence: str) -> None:
    from inkfast.commands.console import Printer, open_console  # rich takes a while to import

    Printer(open_console()).say(sentence)


def _check_place(to: Path | None, *, resume: bool, overwrite: bool) -> None:
    check_resume(resume=resume, overwrite=overwrite)
    if resume and to is None:
        raise InkfastError("--resume goes on with a file: it needs --to FILE.")
    if to:
        check_free(to, overwrite=overwrite or resume)


class _Job:
    """What becomes of rows: they are counted, told of, shown for review and written.

    Args:
        output: Where they go.
        review: Folder of the unsure ones, if they are to be looked at.
        tells: Whether it tells how far it is.
    """

    def __init__(
        self, output: output_files.ResultWriter, review: Path | None, *, tells: bool
    ) -> None:
        self.output, self.review, self.tells = output, review, tells
        self.counts: Counter[str] = Counter()

    def kept(self) -> Iterator[str]:
        """Yield the sources of the rows that an interrupted job left."""
        for source, state in self.output.kept():
            self.counts[state] += 1
            yield source

    def keep(self, row: InputResult) -> None:
        """Write a row, and its review before it, so that none is missing after a crash."""
        number = self.output.written + 1
        self.counts[row.state] += 1
        if self.review and row.review:
            name = re.sub(r"[^\w.-]+", "_", row.source, flags=re.ASCII)[-80:]
            write_bytes(self.review / f"{number:07d}-{name}.png", row.review)
        self.output.write(row)
        if row.error:  # after the row, which may be refused for the same reason
            _warn(row.error)
        if self.tells and number % _TOLD == 0:
            sys.stdout.write(f"{number:,} read\r")
            sys.stdout.flush()

    def rest(self) -> str:
        """Return how many rows are no digits, as the end of a sentence; a review tells of none."""
        told = {word: self.counts[word] for word in ("unsure", "error")}
        return "".join(
            f", {n:,} {word}" for word, n in told.items() if n or (self.review and word == "unsure")
        )


def _warn(sentence: str) -> None:
    with suppress(BrokenPipeError):  # nobody listens: no reason to end
        sys.stderr.write(f"inkfast: {one_line(sentence)}\n")


def _listed(files_from: str | None) -> Iterator[str]:
    """Yield the paths in a file, or on standard input, a line each."""
    if files_from is None:
        return
    try:
        with _opened(files_from) as file:
            while line := file.readline(_LONGEST):
                if "\0" in line or len(line) == _LONGEST:
                    raise InkfastError(f"{files_from}: expected a path a line, got no text.")
                if path := line.rstrip("\r\n"):
                    yield path
    except OSError as error:
        raise InkfastError(f"cannot read {files_from}: {error.strerror}.") from None


def _opened(files_from: str) -> AbstractContextManager[TextIO]:
    if files_from != "-":
        return open(files_from, encoding="utf-8", errors="surrogateescape")
    if sys.stdin is None:
        raise InkfastError("-: expected standard input, which is closed.")
    return nullcontext(sys.stdin)


def _form(asked: str | None, to: Path | None, paths: Sequence[str]) -> str:
    """Return the form of rows: what was asked for, or what the place they go to is made for."""
    suffix = Path(paths[0]).suffix.lower() if len(paths) == 1 else ""
    pixels = suffix in (".csv", ".npy", ".npz")
    otherwise = "table" if sys.stdout.isatty() else "kaggle" if pixels else "jsonl"
    form = choose_format(asked, to, (*OUTPUT_FORMATS, "parquet"), otherwise)
    submission = asked is None and to and to.suffix.lower() == ".csv" == suffix
    return "kaggle" if submission else form


def _output(
    form: str, to: Path | None, reader: Reader, *, resume: bool, overwrite: bool
) -> output_files.ResultWriter:
    if to is None:
        return output_files.Lines(sys.stdout, OUTPUT_FORMATS[form])
    if form == "parquet":
        if resume:
            raise InkfastError(
                "a Parquet file cannot be gone on with: use --format jsonl or csv with --resume."
            )
        return output_files.ParquetFile(to)
    job = {
        "format": form, "model": reader.classifier.fingerprint, "threshold": reader.threshold,
    }  # fmt: skip
    return output_files.TextFile(to, OUTPUT_FORMATS[form], job, resume=resume, overwrite=overwrite)


def _engine(place: ExecutorSpec) -> Any:
    """Return what holds the executor's machines."""
    if place.kind != "ray":
        return nullcontext()
    from inkfast.execution import ray_cluster

    return ray_cluster.connected(place.address)


def _crew(place: ExecutorSpec, reader: Reader, *, review: bool) -> batch.Workers:
    if place.kind == "local":
        return batch.process_workers(reader, place.processes, review=review)
    return (batch.ray_workers if place.kind == "ray" else batch.serial_workers)(
        reader, review=review
    )


def _reader(model: str, max_error: float | None) -> Reader:
    """Open a shipped network, an ONNX file or a run's best model."""
    if model in shipped_names() or not Path(model).is_dir():
        return Reader.open(model, max_error, threads=1)  # so that every executor has the same bits
    if max_error is not None:
        raise InkfastError(
            f"{model} is a run folder, which promises nothing. Export it: inkfast export {model} "
            f"--to reader.onnx --max-error {max_error:g}"
        )
    return Reader(RunClassifier(Path(model)), threshold=0)


def _who(reader: Reader, model: str) -> str:
    return f"the shipped {model}" if model in shipped_names() else reader.classifier.name


class RunClassifier:
    """A run's best model on validation, as a classifier.

    Args:
        run: The run folder; read anew in each process.
    """

    def __init__(self, run: Path) -> None:
        from inkfast.experiments import run_folder

        self._run = run
        _, trained = run_folder.load_models(run)
        entry, self._model = max(trained, key=lambda pair: pair[1].best.validation_accuracy)
        accuracy = f"validation accuracy {self._model.best.validation_accuracy:.2%}"
        self.name = f"{entry.name}, seed {self._model.seed} ({accuracy})"
        self.fingerprint = f"{run.resolve()}: {self.name}"
        self.about = About({"model": str(entry.architecture)}, self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return RunClassifier, (self._run,)

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, ink bright on dark."""
        from inkfast.training import hardware

        # as shipped networks have it: executors give the same bits, and do not crowd the cores
        with hardware.threads(1), hardware.library_threads(1):
            return self._model.probabilities(Digits(images, None, "given"))
