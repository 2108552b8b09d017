"""The report of a cross-validation."""

from __future__ import annotations

from pathlib import Path

from inkfast import noise
from inkfast.evaluation import all_tests
from inkfast.experiments.cross_validation import CrossValidation
from inkfast.report import figures
from inkfast.report.comparison import render


def write_validation_report(result: CrossValidation, out: Path) -> Path:
    """Write ``report.html`` into the run folder and return its path."""
    names = result.names()
    histories = {
        name: [
            [epoch.validation_accuracy for epoch in fit.trained.history]
            for fit in result.fits_of(name)
        ]
        for name in names
    }
    content = {
        **result.to_json(),
        "interrupted": result.interrupted,
        "comparisons": result.comparisons(),
        "all_tests": all_tests,
        "noise_in_words": noise.build_noise(result.experiment.noise).in_words(),
        "experiment": result.experiment,
        "entries": result.experiment.models,
        "fingerprint": result.source.train.fingerprint,
        "threads": result.fits[0].trained.threads,
        "dots": figures.draw_fold_accuracy(
            {name: result.values(name, "accuracy") for name in names}
        ),
        "curves": figures.draw_fold_curves(histories),
    }
    return render("validation.html.j2", content, out)
