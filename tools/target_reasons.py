"""Why a target is missed, where the reason itself cites measured figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inkfast import models
from inkfast.experiments.config import from_settings, read_toml
from tools.markdown import format_percent
from tools.results import ROOT, find_fit, load_result

KERAS_RATIO = 40  # times as fast as Keras' example


def seed_spread(recipe: str, model: str, more: str) -> Callable[[], str]:
    """Return a reason that gives the spread over seeds and their average, then ``more``."""

    def reason() -> str:
        row = find_fit(recipe, model)
        mean, n = row["accuracy"]["mean"], row["accuracy"]["n"]
        return (
            f"{format_percent(mean)} is the mean of {n} seeds, with a standard error of "
            f"{100 * row['std'] / n**0.5:.2f} points; their averaged probabilities reach "
            f"{format_percent(row['averaged'])}. {more}"
        )

    return reason


def matrix_rate(by: str, more: Callable[[], str]) -> Callable[[], str]:
    """Return a reason that gives the fraction of the processor's matrix rate, then ``more``."""

    def reason() -> str:
        found = load_result("reader")
        row = next(one for one in found["inference"]["rows"] if one["by"] == by)
        limit = found["inference"]["matrix_gflops"]["median"]
        lacks = ""
        if "8 bits" in by and "VNNI" not in found["machine"]["instructions"]:
            lacks = ", which has no instructions for 8 bits (VNNI)"
        return (
            f"It reaches {row['fraction']['median']:.2f} of the rate of a matrix product in fp32 "
            f"({limit:.0f} GFLOP/s on one thread) of the processor{lacks}. {more()}"
        )

    return reason


def keras_training() -> str:
    """Compare the arithmetic of the recipe with the time that the target leaves for it."""
    found = load_result("time_to_99")
    (model_spec,) = from_settings(read_toml(ROOT / found["recipe"])).models
    summary = models.summarise(model_spec.architecture)
    images = 60_000 * (1 - model_spec.recipe.validation) * model_spec.recipe.epochs
    flops = 3 * summary.flops * images
    limit = load_result("reader")["inference"]["matrix_gflops"]["median"]
    wanted = found["keras"]["training_seconds"]["median"] / KERAS_RATIO
    return (
        f"To be {KERAS_RATIO} times as fast, training may take {wanted:.1f} s. The "
        f"{model_spec.recipe.epochs} epochs of its recipe are {flops / 1e12:.2f} TFLOP, which in "
        f"that time is {flops / wanted / 1e9:.0f} GFLOP/s; a bare matrix product in fp32 reaches "
        f"{limit:.0f} on one thread. Layers as small as these are also limited by memory: in a "
        "profile, convolutions took half of a step. On a processor with bf16 an earlier recipe, "
        f"which did more work, was {_bf16_ratio('training_seconds')} times as fast."
    )


def keras_cold_start() -> str:
    """Compare what each program does beside training."""
    found = load_result("time_to_99")
    own, other = (
        one["process_seconds"]["median"] - one["training_seconds"]["median"]
        for one in (found, found["keras"])
    )
    return (
        f"As above. Start-up, loading the digits and one pass over the test digits take "
        f"{own:.1f} s beside training, and {other:.1f} s with Keras. With bf16 the earlier recipe "
        f"was {_bf16_ratio('process_seconds')} times as fast."
    )


def _bf16_ratio(key: str) -> str:
    found = load_result("elsewhere/time_to_99")
    n, other = found[key]["n"], found["keras"][key]["n"]
    return f"{found['ratio'][key]:.1f} (n = {n} and {other})"


def float_rate_elsewhere() -> str:
    """Cite the float reader on a newer processor."""
    return f"On a newer one, with AVX-512, the same file reached {_rate_elsewhere('float')}."


def int8_rate_elsewhere() -> str:
    """Cite the 8-bit reader on a newer processor."""
    return (
        "On one that has them, a file whose weights used all 8 bits, not 7, reached "
        f"{_rate_elsewhere('int8')}."
    )


def _rate_elsewhere(kind: str) -> str:
    rate = load_result("elsewhere/reader")[kind]["images_per_second"]
    return f"{rate['median']:,.0f} (n = {rate['n']})"


def serving_rate() -> str:
    """Say where a server's time goes, and cite a newer processor."""
    return (
        "In a profile, three quarters of a worker's time went into decoding images and bringing "
        "them to 28x28, 7 % into the network. A newer processor reached "
        f"{_serving_elsewhere('usual', 'per_second')}, with a p99 of "
        f"{_serving_elsewhere('usual', 'milliseconds', 'p99')} ms, before the check for blur was "
        "added, which is about a fifth of that work."
    )


def health() -> str:
    """Give the distribution of which the slowest answer is the maximum."""
    found = load_result("serve_load")["overload"]["health_milliseconds"]
    return (
        f"The slowest of {found['n']} answers; half of them took less than {found['p50']:.0f} ms. "
        "160 clients and the server share two cores. On a newer processor it was "
        f"{_serving_elsewhere('overload', 'health_milliseconds', 'max')} ms."
    )


def _serving_elsewhere(*keys: str) -> str:
    found: Any = load_result("elsewhere/serve_load")
    for key in keys:
        found = found[key]
    return f"{found:.0f}"
