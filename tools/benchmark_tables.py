"""The tables of docs/benchmarks.md, each from the result of one benchmark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tools.markdown import format_percent, format_range, format_table, format_threads
from tools.mutants_table import mutants_table
from tools.results import PUBLISHED, describe_origin, find_suite, load_result
from tools.target_list import TARGETS
from tools.targets import target_table


def _recipes_table(found: dict[str, Any]) -> list[str]:
    head = ["recipe", "measured on", "accuracy", "seeds", "parameters", "a fit", "published"]
    lines = [*format_table(head, [_recipe_row(one) for one in found["recipes"]]), ""]
    if found["not_measured"]:
        lines += [f"Not measured yet: {', '.join(found['not_measured'])}.", ""]
    return [*lines, describe_origin(found)]


def _recipe_row(found: dict[str, Any]) -> list[str]:
    name, row = found["recipe"], found["rows"][0]
    if suite := find_suite(name, "mnist-c"):
        summary = suite["models"][0]
        what = f"MNIST-C, mean of 15 (protocol {summary['protocol']}); clean"
        figure = f"{format_percent(summary['mean'])}; {format_percent(summary['clean'])}"
    else:
        what = f"{'clean' if found['noise'] == 'none' else found['noise']} test digits"
        figure = f"{format_percent(row['accuracy']['mean'])} ± {100 * row['std']:.2f}"
        if row.get("averaged"):
            figure += f"; averaged {format_percent(row['averaged'])}"
    return [
        f"[{name}](../recipes/{name}.toml)", what, figure, str(row["accuracy"]["n"]),
        f"{row['parameters']:,}",
        f"{row['seconds']['median']:,.0f} s, {format_threads(row['threads'])}",
        PUBLISHED.get(name, ""),
    ]  # fmt: skip


def _time_table(name: str, goal: str) -> list[str]:
    """Compare how long inkfast and Keras take to reach an accuracy.

    Args:
        name: Name of the result.
        goal: Accuracy in percent, as in the result's keys.
    """
    found = load_result(name)
    if "keras" not in found:
        return []
    peer = found["keras"]
    programs = (("inkfast", found), (f"Keras {peer['version']}, mnist_convnet", peer))
    rows = [
        [who, format_range(one["training_seconds"], "{:.1f} s"),
         format_range(one["process_seconds"], "{:.1f} s"),
         f"{one[f'seeds_at_{goal}']} of {one['accuracy']['n']}",
         format_percent(one["accuracy"]["mean"])]
        for who, one in programs
    ]  # fmt: skip
    head = ["", "training", "whole process", f"seeds at {goal} %", "mean accuracy"]
    reached = peer[f"seeds_at_{goal}"] == peer["accuracy"]["n"]
    sentence = _time_ratio(found) if reached else _best_epochs(peer)
    return [*format_table(head, rows), "", sentence, "", describe_origin(found)]


def _time_ratio(found: dict[str, Any]) -> str:
    ratio = found["ratio"]
    return (
        f"inkfast is {ratio['training_seconds']:.1f} times as fast in training, "
        f"{ratio['process_seconds']:.1f} times from a cold start."
    )


def _best_epochs(peer: dict[str, Any]) -> str:
    return (
        f"Not every seed of Keras' example reaches it in its {peer['epochs']['max']:.0f} epochs: "
        f"their best epochs reach {format_percent(peer['best']['min'])} to "
        f"{format_percent(peer['best']['max'])}."
    )


def _noise_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [row["peer"], format_range(row["ratio"], "{:.1f}"),
         *(f"{row[f'{who}_images_per_second']['median']:,.0f}" for who in ("inkfast", "peer"))]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["library", "inkfast times as fast", "inkfast, images/s", "library, images/s"]
    return [*format_table(head, rows), "", describe_origin(found)]


def _training_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [f"`{row['model']}`", format_range(row["training_gflops"]),
         format_range(row["matrix_gflops"]), format_range(row["fraction"], "{:.2f}")]
        for row in found["rows"]
    ]  # fmt: skip
    precision = found["machine"].get("fast_precision", "bf16")  # older results do not say
    head = ["network", "training, GFLOP/s", f"{precision} matrix product, GFLOP/s", "fraction"]
    return [*format_table(head, rows), "", f"{found['threads']} threads. {describe_origin(found)}"]


def _reading_table(found: dict[str, Any]) -> list[str]:
    int8, suite = found["int8"], found["corruptions"]
    lost = int8["points_lost"]
    rows = [
        ["shipped reader, images/s on one thread",
         format_range(found["float"]["images_per_second"])],
        ["one image", format_range(found["float"]["one_image_ms"], "{:.2f} ms")],
        ["from the start of a process to the prediction",
         format_range(found["process_seconds"], "{:.2f} s")],
        ["in 8 bits, images/s on one thread", format_range(int8["images_per_second"])],
        ["points lost in 8 bits: clean; training noise",
         f"{100 * lost['clean']:.2f}; {100 * lost['training noise']:.2f} "
         f"({int8['digits']:,} digits each)"],
        [f"`inkfast robustness` of the reader, the whole command: {suite['images']:,} corrupted "
         f"digits and the clean ones, on {found['machine']['cores']} cores",
         format_range(suite["seconds"], "{:.0f} s")],
    ]  # fmt: skip
    return [*format_table(["what", "measured"], rows), "", describe_origin(found)]


def _inference_table(reader: dict[str, Any]) -> list[str]:
    """Compare ONNX Runtime and torch with the rate of a matrix product."""
    found = reader["inference"]
    rows = [
        [row["by"], format_range(row["images_per_second"]), format_range(row["gflops"]),
         format_range(row["fraction"], "{:.2f}")]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["runtime", "images/s", "GFLOP/s", "of the matrix product's"]
    limit = format_range(found["matrix_gflops"])
    return [
        *format_table(head, rows), "",
        f"{format_threads(found['threads'])}; {found['flops_per_image'] / 1e6:.1f} MFLOP per "
        f"image; a matrix product in fp32 reaches {limit} GFLOP/s. {describe_origin(reader)}",
    ]  # fmt: skip


def _predict_table() -> list[str]:
    """Return how many images `inkfast predict` reads per second, and its memory."""
    rows, origins = [], []
    for name, of in (("png_28_20000", "PNG files of 28x28"), ("npz_28_1000000", "rows of an .npz")):
        if found := load_result(f"predict_throughput_{name}"):
            memory = found["peak_mb_together"]["max"]
            rows.append([f"{found['rows']:,} {of}", format_range(found["rows_per_second"]),
                         f"{memory:.0f} MB"])  # fmt: skip
            origins += ["", describe_origin(found)]
    head = ["input", "per second", "memory of all processes"]
    return [*format_table(head, rows), *origins] if rows else []


def _pages_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [row["layout"], f"{row['numbers']:,}", f"{row['found']:,}", f"{row['false']:,}",
         f"{row['kept']} of {row['pages']}", f"{row['turned']} of {row['pages']}"]
        for row in found["layouts"]
    ]  # fmt: skip
    head = ["layout", "numbers", "found", "read where there is none", "upright pages left upright",
            "turned pages turned back"]  # fmt: skip
    times = "; ".join(
        f"{one['what']}, {one['numbers']} numbers: {format_range(one['seconds'], '{:.2f} s')}"
        for one in found["seconds"]
    )
    return [*format_table(head, rows), "", f"Time on one core: {times}. {describe_origin(found)}"]


def _serving_table(found: dict[str, Any]) -> list[str]:
    usual, overload, page = found["usual"], found["overload"], found["page"]
    latency = "{p50:.0f} ms; {p99:.0f} ms".format
    rows = [
        [f"requests per second, {usual['clients']} clients", f"{usual['per_second']:.0f}"],
        ["p50; p99", latency(**usual["milliseconds"])],
        ["requests; answered with 200", f"{usual['requests']:,}; {usual['statuses']['200']:,}"],
        ["drift of memory", f"{found['resident_mb']['drift']:+.1%}"],
        [f"`/healthz` with {overload['clients']} clients, slowest",
         f"{overload['health_milliseconds']['max']:.0f} ms"],
        ["Noise Lab, one response of its three networks while drawing, p50; p99",
         latency(**page["milliseconds"]) + f", n = {page['n']:,}"],
    ]  # fmt: skip
    return [
        *format_table(["what", "measured"], rows), "",
        f"One run of {found['seconds']:.0f} s, clients on the same cores. {describe_origin(found)}",
    ]  # fmt: skip


def _damaged_table(found: dict[str, Any]) -> list[str]:
    """Return time and memory that damaged files and unfinished requests cost."""
    line, server, sockets = found["command_line"], found["mutated"], found["half_open"]
    ends = f"{line['rows']:,} rows in {line['seconds']:.0f} s, exit code {line['exit_code']}"
    programs = (
        ("the library", found["library"], f"{found['library']['read']:,} read, the rest rejected"),
        ("one call of `inkfast predict`", line, f"{ends}, {line['resident_mb']:.0f} MB in total"),
        ("the server", server, f"{server['statuses'].get('500', 0)} answered with 500"),
    )
    rows = [
        [f"{one['files']:,} damaged image files through {where}",
         _slowest(one),
         f"{one['resident_growth_mb']:+.0f} MB" if "resident_growth_mb" in one else "", more]
        for where, one, more in programs
    ]  # fmt: skip
    rows.append([
        f"{sockets['sockets']:,} connections that never finish a request", "", "",
        f"all closed after {sockets['all_closed_after_seconds']:.0f} s; meanwhile `/healthz` took "
        f"at most {sockets['health_slowest_milliseconds']:.0f} ms",
    ])  # fmt: skip
    head = ["what", "slowest file", "growth of memory", "outcome"]
    return [*format_table(head, rows), "", describe_origin(found)]


def _slowest(one: dict[str, Any]) -> str:
    """Return how long the slowest file took, or the longest wait for a chunk of them."""
    if "slowest_seconds" in one:
        return f"{one['slowest_seconds']:.2f} s"
    if "longest_wait_seconds" in one:
        return f"{one['longest_wait_seconds']:.2f} s for a chunk of up to 256"
    return ""


def _growth_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [f"{row['images']:,}", f"{row['train_seconds']:.1f} s", f"{row['read_seconds']:.1f} s",
         f"{row['mib_most'] - row['mib_before']:,.0f} MiB",
         f"{row['images'] * 784 / 2**20:,.0f} MiB"]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["images", "one epoch under noise", "reading all", "added memory", "the images alone"]
    return [*format_table(head, rows), "", f"n = 1 for each size. {describe_origin(found)}"]


def _of(name: str, table: Callable[[dict[str, Any]], list[str]]) -> Callable[[], list[str]]:
    """Return a function that makes the table of a result, empty if it was not measured."""
    return lambda: table(found) if (found := load_result(name)) else []


BENCHMARK_TABLES: dict[str, Callable[[], list[str]]] = {
    "targets": partial(target_table, TARGETS),
    "recipes": _of("recipes", _recipes_table),
    "time-to-99": partial(_time_table, "time_to_99", "99"),
    "time-to-99.5": partial(_time_table, "time_to_99.5", "99.5"),
    "noise": _of("noise_throughput", _noise_table),
    "training": _of("training_rate", _training_table),
    "reading": _of("reader", _reading_table),
    "inference": _of("reader", _inference_table),
    "predict": _predict_table,
    "pages": _of("pages", _pages_table),
    "serving": _of("serve_load", _serving_table),
    "damaged": _of("abuse", _damaged_table),
    "growth": _of("growth", _growth_table),
    "mutants": _of("mutants", mutants_table),
}
