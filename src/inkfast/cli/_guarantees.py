"""The guarantee of an exported file as a sentence."""

from __future__ import annotations

from inkfast.inference.onnx_classifier import GUARANTEES, ModelMetadata


def describe_guarantee(about: ModelMetadata, max_error: float, noun: str = "digit") -> str:
    """Return the threshold of a file as a sentence, or the guarantees that it could have.

    Args:
        about: Metadata of the file.
        max_error: Bound on the share of errors that was asked for.
        noun: What the file was calibrated on: digit or strip.
    """
    threshold, rows = about.number("threshold"), about.number(f"calibration_{noun}s")
    if threshold <= 1:
        return (
            f"answers from a confidence of {threshold:.3f}, for at most {max_error:.2%} of answers "
            f"wrong on {noun}s like the {rows:,.0f} that it was calibrated on"
        )
    guarantees = about.pairs(GUARANTEES)
    valid = [error for error, threshold in guarantees if threshold <= 1]
    advice = (
        f"{valid[0]:g} can be guaranteed: --max-error {valid[0]:g}"
        if valid
        else f"Nothing up to {guarantees[-1][0]:g} can be guaranteed: give a larger --max-error"
    )
    return (
        f"it marks every {noun} unsure: {rows:,.0f} {noun}s to calibrate on are too few, or errors "
        f"too many, to guarantee {max_error:.2%}. {advice}"
    )
