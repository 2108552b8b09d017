"""The tables of docs/benchmarks.md and docs/model-card.md, from the benchmarks' JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from measured import RESULTS

from inkfast.reading.reader import LEAST

PLACE = re.compile(r"(<!-- measured (\w+) -->\n).*?(<!-- end of measured -->)", re.DOTALL)
SHIPPED = "flagship"  # the recipe of the shipped reader
PUBLISHED = {  # best known, and whose
    "generic": "89.76 % (protocol ii, arXiv 2408.11309)",
    "n-mnist-awgn": "98.43 % (PCGAN-CHAR 2019)",
    "n-mnist-motion-blur": "99.20 % (PCGAN-CHAR 2019)",
    "n-mnist-contrast-awgn": "97.25 % (PCGAN-CHAR 2019)",
    "tiny": "over 99.4 % with 7,070 parameters, selected on test digits",
    "dense-best": "99.65 % with 12 million weights and 800 epochs (Ciresan 2010)",
}
_NOISY = "noisy-mnist (turned, shifted, shrunk, brightened)"
HEADLINES = {  # recipe and model: what the README calls it; best known, and whose
    "kaggle-tuned inkfast cnn": ("clean MNIST, cnn", "99.64 %; 15 averaged 99.745 % (Deotte)"),
    "dense-best dense": ("clean MNIST, dense layers only", PUBLISHED["dense-best"]),
    "noisy-best inkfast cnn": (f"{_NOISY}, cnn", "96.73 % (the noisy-mnist project)"),
    "noisy-best-dense inkfast dense": (f"{_NOISY}, dense", "86.6 % (the noisy-mnist project)"),
}


def result(name: str) -> dict[str, Any]:
    """Return what a benchmark recorded, {} if it has not been run."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def filled(page: str) -> str:
    """Return a page with the tables between its marks made anew."""

    def table_of(match: re.Match[str]) -> str:
        lines = TABLES[match[2]]() or ["Not measured yet."]
        return match[1] + "\n" + "\n".join(lines) + "\n\n" + match[3]

    return PLACE.sub(table_of, page)


def _machine(found: dict[str, Any]) -> str:
    machine = found["machine"]
    return (
        f"`{found['command']}`, on {machine['cores']} cores of an {machine['processor']}, "
        f"torch {machine['torch']}."
    )


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table in Markdown."""
    return [
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]  # fmt: skip


def percent(value: float, places: int = 2) -> str:
    """Return a share as text."""
    return f"{100 * value:.{places}f} %"


def ranged(values: dict[str, float], pattern: str = "{:,.0f}") -> str:
    """Return a median with its range and n."""
    low, middle, high = (pattern.format(values[key]) for key in ("min", "median", "max"))
    return f"{middle} ({low} to {high}, n = {values['n']})"


def suite_of(run: str, suite: str) -> dict[str, Any]:
    """Return what a run scored under a suite, {} if it was not judged."""
    found = result("recipes").get("suites", [])
    return next((one for one in found if (one["run"], one["suite"]) == (run, suite)), {})


def _recipes() -> list[str]:
    found = result("recipes")
    if not found:
        return []
    rows = []
    for one in found["recipes"]:
        name, row = one["recipe"], one["rows"][0]
        noise = "clean" if one["noise"] == "none" else one["noise"]
        under = suite_of(name, "mnist-c")
        if under:
            summary = under["models"][0]
            what = f"MNIST-C, mean of 15 (protocol {summary['protocol']}); clean"
            figure = f"{percent(summary['mean'])}; {percent(summary['clean'])}"
        else:
            what = f"{noise} test digits"
            figure = f"{percent(row['accuracy']['mean'])} ± {100 * row['std']:.2f}"
            if row.get("averaged"):
                figure += f"; averaged {percent(row['averaged'])}"
        link = f"[{name}](../recipes/{name}.toml)"
        seconds = f"{row['seconds']['median']:,.0f} s"
        rows.append([
            link, what, figure, str(row["accuracy"]["n"]), f"{row['parameters']:,}", seconds,
            PUBLISHED.get(name, ""),
        ])  # fmt: skip
    head = ["recipe", "measured on", "accuracy", "seeds", "parameters", "a fit, one thread",
            "best published"]  # fmt: skip
    lines = [*table(head, rows), ""]
    if found["not_measured"]:
        lines += [f"Not measured yet: {', '.join(found['not_measured'])}.", ""]
    return [*lines, _machine(found)]


def _time() -> list[str]:
    found = result("time_to_99")
    if "keras" not in found:
        return []
    peer = found["keras"]
    rows = [
        [name, *(ranged(one[key], "{:.1f} s") for key in ("training_seconds", "process_seconds")),
         f"{one['seeds_at_99']} of {one['accuracy']['n']}", percent(one["accuracy"]["mean"])]
        for name, one in (("inkfast", found), (f"Keras {peer['version']}, mnist_convnet", peer))
    ]  # fmt: skip
    ratio = found["ratio"]
    return [
        *table(["", "training", "whole process", "seeds at 99 %", "mean accuracy"], rows), "",
        f"inkfast is {ratio['training_seconds']:.1f} times as fast in training, "
        f"{ratio['process_seconds']:.1f} times from a cold start.", "", _machine(found),
    ]  # fmt: skip


def _noise() -> list[str]:
    found = result("noise_throughput")
    if "rows" not in found:
        return []
    rows = [
        [row["peer"], ranged(row["ratio"], "{:.1f}"),
         *(f"{row[f'{who}_images_per_second']['median']:,.0f}" for who in ("inkfast", "peer"))]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["against", "times as fast", "inkfast, images/s", "the other"]
    return [*table(head, rows), "", _machine(found)]


def _training() -> list[str]:
    found = result("training_rate")
    if not found:
        return []
    rows = [
        [f"`{row['model']}`", ranged(row["training_gflops"]), ranged(row["matrix_gflops"]),
         ranged(row["fraction"], "{:.2f}")]
        for row in found["rows"]
    ]  # fmt: skip
    precision = found["machine"].get("fast_precision", "bf16")  # older results say nothing else
    head = ["network", "training, GFLOP/s", f"{precision} matrix product, GFLOP/s", "fraction"]
    return [*table(head, rows), "", f"{found['threads']} threads. {_machine(found)}"]


def _reading() -> list[str]:
    found = result("reader")
    if not found:
        return []
    rows = [
        ["shipped reader, images/s on one thread", ranged(found["float"]["images_per_second"])],
        ["one image", ranged(found["float"]["one_image_ms"], "{:.2f} ms")],
        ["from the start of a process to the answer", ranged(found["process_seconds"], "{:.2f} s")],
    ]
    if "int8" in found:
        small = found["int8"]
        lost = small["points_lost"]
        rows += [
            ["in 8 bits, images/s on one thread", ranged(small["images_per_second"])],
            ["points lost in 8 bits: clean; training noise",
             f"{100 * lost['clean']:.2f}; {100 * lost['training noise']:.2f} (10,000 digits each)"],
        ]  # fmt: skip
    if composed := result("composed_numbers"):
        rows += [
            [
                "the same with `--max-error {max_error:g}`".format(**one)
                if one["max_error"]
                else f"six-digit numbers composed of test digits on paper, {composed['numbers']} "
                f"of them (`{composed['command']}`)",
                "{right:.1%} entirely right, {unsure:.1%} unsure, {wrong:.1%} wrong".format(**one),
            ]
            for one in composed["promises"]
        ]
    if files := result("predict_throughput_png_28_20000"):
        rows.append([
            f"`inkfast predict`, {files['rows']:,} PNG files of 28x28, images/s on two cores",
            f"{ranged(files['rows_per_second'])}; {files['peak_mb_together']['max']:.0f} MB in all",
        ])  # fmt: skip
    if load := result("serve_load"):
        usual, health = load["usual"], load["overload"]["health_milliseconds"]
        rows.append([
            f"`inkfast serve`, {usual['clients']} clients on the same cores, PNG of 280x280",
            f"{usual['per_second']:.0f} requests/s, p99 {usual['milliseconds']['p99']:.0f} ms; "
            f"{load['resident_mb']['drift']:+.1%} of memory; health at ten times the clients "
            f"within {health['max']:.0f} ms (one run of {load['seconds']:.0f} s)",
        ])  # fmt: skip
    if abuse := result("abuse"):
        rows += _damaged(abuse)
    return [*table(["what", "measured"], rows), "", _machine(found)]


def _damaged(found: dict[str, Any]) -> list[list[str]]:
    """Return the rows about damaged files and unfinished requests."""
    files, sockets = found["mutated"], found["half_open"]
    rows = [
        [f"{one['files']:,} damaged picture files through {where}",
         f"slowest {one['slowest_seconds']:.2f} s, {one['resident_growth_mb']:+.0f} MB"]
        for where, one in (("the library", found["library"]), ("the server", files))
    ]  # fmt: skip
    line, failed = found["command_line"], files["statuses"].get("500", 0)
    rows[1][1] += f"; {failed} answered with 500"
    rows.append([
        f"{line['files']:,} of them in one call of `inkfast predict`",
        f"{line['rows']:,} rows in {line['seconds']:.0f} s, exit code {line['exit_code']}, "
        f"{line['resident_mb']:.0f} MB",
    ])  # fmt: skip
    rows.append([
        f"{sockets['sockets']:,} connections that never finish a request",
        f"all closed after {sockets['all_closed_after_seconds']:.0f} s, health within "
        f"{sockets['health_slowest_milliseconds']:.0f} ms meanwhile",
    ])  # fmt: skip
    return rows


def _growth() -> list[str]:
    found = result("growth")
    if not found:
        return []
    rows = [
        [f"{row['images']:,}", f"{row['train_seconds']:.1f} s", f"{row['read_seconds']:.1f} s",
         f"{row['mib_most'] - row['mib_before']:,.0f} MiB",
         f"{row['images'] * 784 / 2**20:,.0f} MiB"]
        for row in found["rows"]
    ]  # fmt: skip
    head = [
        "images",
        "one epoch under noise",
        "reading all",
        "memory on top",
        "the images themselves",
    ]
    return [*table(head, rows), "", f"n = 1 for each size. {_machine(found)}"]


def _card_facts() -> list[str]:
    found = result("reader")
    if not found:
        return []
    about = found["about"]
    promises = [
        f"{error:g} from {max(LEAST, level):.3f}"
        for error, level in about["promises"]
        if level <= 1
    ]
    return table(["", ""], [
        ["file", f"`reader.onnx`, {found['bytes'] / 1e6:.2f} MB"],
        ["SHA-256", f"`{found['sha256']}`"],
        ["network", f"`{about['model']}`, seed {about['seed']}"],
        ["temperature", f"{about['temperature']:.3f}"],
        ["calibration digits", f"{about['calibration_digits']:,}, which neither trained nor chose"],
        ["answers from a confidence of", f"{about['threshold']:.3f}"],
        ["promises at most, of its answers wrong", percent(about["max_error"])],
        ["other promises, `--max-error`", "; ".join(promises)],
    ])  # fmt: skip


def _card_noise() -> list[str]:
    under = suite_of("flagship", "mnist-c")
    if not under:
        return []
    rows = [
        [row["noise"].removeprefix("mnist-c-"),
         f"{percent(row['accuracy'])} ± {100 * (row['accuracy_std'] or 0):.2f}",
         percent(row["ece"]), percent(row["coverage"]), percent(row["error"])]
        for row in under["rows"]
    ]  # fmt: skip
    one, first = under["models"][0], under["rows"][0]
    head = ["noise", "accuracy", "ECE", "answered", "wrong of those"]
    return [
        *table(head, rows), "",
        f"Mean of 15: {percent(one['mean'])}, on {first['n']:,} test digits each, {first['seeds']} "
        f"seeds; at most {percent(under['max_error'])} of answers to be wrong.",
    ]  # fmt: skip


def _card_handwriting() -> list[str]:
    rows = [
        [row["set"], f"{row['n']:,}", percent(row["accuracy"]),
         f"{100 * row['accuracy_ci95'][0]:.1f} to {100 * row['accuracy_ci95'][1]:.1f}",
         percent(row["answered"]), percent(row["wrong_of_those"])]
        for row in result("reader").get("handwriting", [])
    ]  # fmt: skip
    head = ["set", "digits", "accuracy of all", "95 % interval", "answered", "wrong of those"]
    return table(head, rows) if rows else []


def _card_non_digits() -> list[str]:
    rows = [
        [row["kind"], f"{row['auroc']:.4f}", percent(row["refused"], 1)]
        for row in result("reader").get("non_digits", [])
    ]
    return table(["kind", "AUROC", "refused"], rows)


def _headline() -> list[str]:
    """Return the README's first table: what was reached, beside the best published."""
    measured = [*result("sources").get("recipes", []), *result("recipes").get("recipes", [])]
    rows = []
    for found in measured:
        for row in found["rows"]:
            key = f"{found['recipe']} {row['model']}"
            if key not in HEADLINES:
                continue
            what, best = HEADLINES[key]
            figure = percent(row["accuracy"]["mean"])
            if row.get("averaged"):
                figure += f"; its seeds averaged {percent(row['averaged'])}"
            on = f"{row['accuracy']['n']} seeds, {found['n_test']:,} test digits each"
            rows.append([what, _network_of(found["recipe"]), figure, on, best])
    for run, met in ((SHIPPED, "trained on them"), ("generic", "never met")):
        for one in suite_of(run, "mnist-c").get("models", []):
            best = PUBLISHED.get(run, "")
            rows.append([
                f"MNIST-C, mean of 15 corruptions, {met}", _network_of(run),
                f"{percent(one['mean'])}, clean {percent(one['clean'])}",
                "3 seeds, 10,000 test digits each", best,
            ])  # fmt: skip
    for row in result("reader").get("handwriting", [])[:2]:
        rows.append([
            f"other people's handwriting, {row['set']}", "the shipped reader",
            percent(row["accuracy"]), f"{row['n']:,} digits", "",
        ])  # fmt: skip
    if found := result("reader"):
        speed = found["float"]["images_per_second"]
        rows.append([
            "images a second on one core", "the shipped reader", f"{speed['median']:,.0f}",
            f"n = {speed['n']}", "",
        ])  # fmt: skip
    return table(["what", "network", "measured", "on", "best published"], rows) if rows else []


def _network_of(recipe: str) -> str:
    """Return which network a recipe's figures are of, as the README says it."""
    link = f"[{recipe}](recipes/{recipe}.toml)"
    return f"the shipped reader's recipe, {link}" if recipe == SHIPPED else f"recipe {link}"


TABLES = {
    "headline": _headline,
    "recipes": _recipes,
    "time": _time,
    "noise": _noise,
    "training": _training,
    "reading": _reading,
    "growth": _growth,
    "facts": _card_facts,
    "corruptions": _card_noise,
    "handwriting": _card_handwriting,
    "others": _card_non_digits,
}
