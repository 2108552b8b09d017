"""The guarantee of an exported file as a sentence."""

from __future__ import annotations

from inkfast.inference.onnx_classifier import ModelMetadata


def describe_guarantee(about: ModelMetadata, max_error: float, noun: str = "digit") -> str:
    """Return the guarantee of a file as a sentence, and why it is not the one asked for.

    Args:
        about: Metadata of the file.
        max_error: Bound on the share of errors that was asked for.
        noun: What the file was calibrated on: digit or strip.
    """
    threshold, rows = about.number("threshold"), about.number(f"calibration_{noun}s")
    given = about.number("max_error")
    reason = f"{rows:,.0f} {noun}s to calibrate on are too few, or errors too many, to guarantee"
    if threshold > 1:
        return f"it marks every {noun} unsure: {reason} any share of errors"
    sentence = (
        f"answers from a confidence of {threshold:.3f}, for at most {given:.2%} of answers "
        f"wrong on {noun}s like the {rows:,.0f} that it was calibrated on"
    )
    if given == max_error:
        return sentence
    return f"{sentence}. This is the smallest share it can guarantee: {reason} {max_error:.2%}"
