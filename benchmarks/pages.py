"""The tables of docs/benchmarks.md and of the README, from the benchmarks' JSON."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import card
from aims import aims
from tables import earlier, origin, percent, ranged, result, suite_of, table, threads

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
SETS = {
    "phone": "photographs",
    "bhmsds": "bhmsds normalised to MNIST's frame",
    "bhmsds, as it is": "bhmsds unchanged",
}
_NOISY = "noisy-mnist (rotation, shift, zoom, brightness)"
HEADLINES = {  # recipe and model: what they are called; best published figure, and whose
    "kaggle-tuned inkfast cnn": (
        "clean MNIST, CNN",
        "99.64 % (Deotte), 99.83 % (Byerly, selected on test digits); ensembles 99.745 % (Deotte, "
        "of 15), 99.91 % (An, selected on test digits)",
    ),
    "dense-best dense": ("clean MNIST, dense layers only", PUBLISHED["dense-best"]),
    "noisy-best inkfast cnn": (f"{_NOISY}, CNN", "96.73 % (the noisy-mnist project)"),
    "noisy-best-dense inkfast dense": (
        f"{_NOISY}, dense layers only",
        "86.5 % (the noisy-mnist project)",
    ),
}


def filled(page: str) -> str:
    """Return a page with the tables between its marks made anew."""

    def table_of(match: re.Match[str]) -> str:
        lines = TABLES[match[2]]() or ["Not measured yet."]
        return match[1] + "\n" + "\n".join(lines) + "\n\n" + match[3]

    return PLACE.sub(table_of, page)


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
        seconds = f"{row['seconds']['median']:,.0f} s, {threads(row['threads'])}"
        rows.append([
            link, what, figure, str(row["accuracy"]["n"]), f"{row['parameters']:,}", seconds,
            PUBLISHED.get(name, ""),
        ])  # fmt: skip
    head = ["recipe", "measured on", "accuracy", "seeds", "parameters", "a fit", "published"]
    lines = [*table(head, rows), ""]
    if found["not_measured"]:
        lines += [f"Not measured yet: {', '.join(found['not_measured'])}.", ""]
    return [*lines, origin(found)]


def _time(name: str, goal: str) -> list[str]:
    """Return how long inkfast and Keras take to a share of test digits, in percent."""
    found = result(name)
    if "keras" not in found:
        return []
    peer = found["keras"]
    rows = [
        [who, *(ranged(one[key], "{:.1f} s") for key in ("training_seconds", "process_seconds")),
         f"{one[f'seeds_at_{goal}']} of {one['accuracy']['n']}", percent(one["accuracy"]["mean"])]
        for who, one in (("inkfast", found), (f"Keras {peer['version']}, mnist_convnet", peer))
    ]  # fmt: skip
    ratio = found["ratio"]
    there = peer[f"seeds_at_{goal}"] == peer["accuracy"]["n"]
    sentence = (
        f"inkfast is {ratio['training_seconds']:.1f} times as fast in training, "
        f"{ratio['process_seconds']:.1f} times from a cold start."
    )
    if not there:  # when it would have is not known
        sentence = (
            f"Not every seed of Keras' example gets there in its {peer['epochs']['max']:.0f} "
            f"epochs: their best epochs read {percent(peer['best']['min'])} to "
            f"{percent(peer['best']['max'])}."
        )
    head = ["", "training", "whole process", f"seeds at {goal} %", "mean accuracy"]
    return [*table(head, rows), "", sentence, "", origin(found)]


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
    return [*table(head, rows), "", origin(found)]


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
    return [*table(head, rows), "", f"{found['threads']} threads. {origin(found)}"]


def _reading() -> list[str]:
    found = result("reader")
    if not found:
        return []
    small, under = found["int8"], found["corruptions"]
    lost = small["points_lost"]
    rows = [
        ["shipped reader, images/s on one thread", ranged(found["float"]["images_per_second"])],
        ["one image", ranged(found["float"]["one_image_ms"], "{:.2f} ms")],
        ["from the start of a process to the answer", ranged(found["process_seconds"], "{:.2f} s")],
        ["in 8 bits, images/s on one thread", ranged(small["images_per_second"])],
        ["points lost in 8 bits: clean; training noise",
         f"{100 * lost['clean']:.2f}; {100 * lost['training noise']:.2f} "
         f"({small['digits']:,} digits each)"],
        [f"`inkfast robustness` with it, start to end: {under['images']:,} digits corrupted "
         f"and judged, and the clean ones, on {found['machine']['cores']} cores",
         ranged(under["seconds"], "{:.0f} s")],
    ]  # fmt: skip
    return [*table(["what", "measured"], rows), "", origin(found)]


def _inference() -> list[str]:
    """Return ONNX Runtime beside torch, and both beside the rate of a matrix product."""
    reader = result("reader")
    if not reader:
        return []
    found = reader["inference"]
    rows = [
        [row["by"], ranged(row["images_per_second"]), ranged(row["gflops"]),
         ranged(row["fraction"], "{:.2f}")]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["by", "images/s", "GFLOP/s", "of the matrix product's"]
    limit = ranged(found["matrix_gflops"])
    return [
        *table(head, rows), "",
        f"{threads(found['threads'])}; {found['flops_per_image'] / 1e6:.1f} MFLOP an image; a "
        f"matrix product in fp32 makes {limit} GFLOP/s. {origin(reader)}",
    ]  # fmt: skip


def _predict() -> list[str]:
    """Return how many pictures `inkfast predict` reads in a second, and in how much memory."""
    rows, origins = [], []
    for name, of in (("png_28_20000", "PNG files of 28x28"), ("npz_28_1000000", "rows of an .npz")):
        if found := result(f"predict_throughput_{name}"):
            memory = found["peak_mb_together"]["max"]
            rows.append([f"{found['rows']:,} {of}", ranged(found["rows_per_second"]),
                         f"{memory:.0f} MB"])  # fmt: skip
            origins += ["", origin(found)]
    return [*table(["read", "a second", "memory of all processes"], rows), *origins] if rows else []


def _composed() -> list[str]:
    found = result("composed_numbers")
    if not found:
        return []
    rows = [
        [f"`--max-error {one['max_error']:g}`" if one["max_error"] else "as shipped",
         *(percent(one[key], 1) for key in ("right", "unsure", "wrong"))]
        for one in found["promises"]
    ]  # fmt: skip
    head = ["", "entirely right", "unsure", "wrong"]
    return [*table(head, rows), "", f"{found['numbers']} numbers. {origin(found)}"]


def _serving() -> list[str]:
    found = result("serve_load")
    if not found:
        return []
    usual, health = found["usual"], found["overload"]["health_milliseconds"]
    pen = found["page"]
    rows = [
        [f"requests a second, {usual['clients']} clients", f"{usual['per_second']:.0f}"],
        ["p50; p99", "{p50:.0f} ms; {p99:.0f} ms".format(**usual["milliseconds"])],
        ["requests; answered", f"{usual['requests']:,}; {usual['statuses']['200']:,}"],
        ["drift of memory", f"{found['resident_mb']['drift']:+.1%}"],
        [f"health, {found['overload']['clients']} clients", f"within {health['max']:.0f} ms"],
        [
            "Noise Lab, one answer of its three networks as the pen moves, p50; p99",
            "{p50:.0f} ms; {p99:.0f} ms".format(**pen["milliseconds"]) + f", n = {pen['n']:,}",
        ],
    ]
    return [
        *table(["what", "measured"], rows), "",
        f"One run of {found['seconds']:.0f} s, clients on the same cores. {origin(found)}",
    ]  # fmt: skip


def _damaged() -> list[str]:
    """Return what damaged files and unfinished requests do."""
    found = result("abuse")
    if not found:
        return []
    line, server, sockets = found["command_line"], found["mutated"], found["half_open"]
    ends = f"{line['rows']:,} rows in {line['seconds']:.0f} s, exit code {line['exit_code']}"
    parts = (
        ("the library", found["library"], f"{found['library']['read']:,} read, the rest refused"),
        ("one call of `inkfast predict`", line, f"{ends}, {line['resident_mb']:.0f} MB in all"),
        ("the server", server, f"{server['statuses'].get('500', 0)} answered with 500"),
    )
    rows = [
        [f"{one['files']:,} damaged picture files through {where}",
         _slowest(one),
         f"{one['resident_growth_mb']:+.0f} MB" if "resident_growth_mb" in one else "", more]
        for where, one, more in parts
    ]  # fmt: skip
    rows.append([
        f"{sockets['sockets']:,} connections that never finish a request", "", "",
        f"all closed after {sockets['all_closed_after_seconds']:.0f} s, health within "
        f"{sockets['health_slowest_milliseconds']:.0f} ms meanwhile",
    ])  # fmt: skip
    head = ["what", "slowest file", "growth of memory", "outcome"]
    return [*table(head, rows), "", origin(found)]


def _slowest(one: dict[str, Any]) -> str:
    """Return how long the slowest file took, or the longest wait for a chunk of them."""
    if "slowest_seconds" in one:
        return f"{one['slowest_seconds']:.2f} s"
    if "longest_wait_seconds" in one:
        return f"{one['longest_wait_seconds']:.2f} s for a chunk of up to 256"
    return ""


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
    return [*table(head, rows), "", f"n = 1 for each size. {origin(found)}"]


def _headline() -> list[str]:
    """Return the main results beside the best published ones."""
    rows = [*_networks(), *_under_mnist_c(), *_handwriting()]
    head = ["task", "network", "accuracy", "evaluated on", "published"]
    return table(head, rows) if rows else []


def _brief() -> list[str]:
    """Return the rows of the main results that matter to a newcomer, for the README."""
    rows = [
        [what, figure.partition(";")[0], on, best.partition(";")[0]]
        for what, _, figure, on, best in (*_networks(), *_under_mnist_c(), *_handwriting()[:1])
        if "dense" not in what
    ]
    return table(["task", "accuracy", "evaluated on", "published"], rows) if rows else []


def _networks() -> list[list[str]]:
    """Return a row for each recipe of `HEADLINES` that was run."""
    rows = []
    for found in [*result("sources").get("recipes", []), *result("recipes").get("recipes", [])]:
        for row in found["rows"]:
            key = f"{found['recipe']} {row['model']}"
            if key not in HEADLINES:
                continue
            what, best = HEADLINES[key]
            seeds = row["accuracy"]["n"]
            figure = percent(row["accuracy"]["mean"])
            if row.get("averaged"):
                figure += f"; ensemble of {seeds} {percent(row['averaged'])}"
            on = f"{seeds} seeds, {found['n_test']:,} test digits each"
            rows.append([what, _network_of(found["recipe"]), figure, on, best])
    return rows


def _under_mnist_c() -> list[list[str]]:
    """Return a row for each recipe that was evaluated under MNIST-C's corruptions."""
    rows = []
    for run, met in ((SHIPPED, "trained under them"), ("generic", "generic augmentation only")):
        if under := suite_of(run, "mnist-c"):
            one, first = under["models"][0], under["rows"][0]
            rows.append([
                f"MNIST-C, mean of its 15 corruptions, {met}", _network_of(run),
                f"{percent(one['mean'])}, clean {percent(one['clean'])}",
                f"{first['seeds']} seeds, {first['n']:,} test digits each", PUBLISHED.get(run, ""),
            ])  # fmt: skip
    return rows


def _handwriting() -> list[list[str]]:
    """Return a row for each set of other people's handwriting that was read."""
    when = ", an earlier call" if earlier() else ""
    return [
        [f"other people's handwriting, {SETS[row['set']]} (used in model selection)",
         "the shipped reader", percent(row["accuracy"]), f"{row['n']:,} digits{when}", ""]
        for row in result("reader").get("handwriting", [])
    ]  # fmt: skip


def _network_of(recipe: str) -> str:
    """Return a link to a recipe from a page of docs."""
    link = f"[{recipe}](../recipes/{recipe}.toml)"
    return f"recipe of the shipped reader, {link}" if recipe == SHIPPED else f"recipe {link}"


def _defaults() -> list[str]:
    """Return what networks reach with default settings, and how long the command line takes."""
    noisy, help_ = result("noisy_mnist"), result("help_seconds")
    if not noisy or not help_:
        return []
    on = f"{noisy['n_test']:,} " if "n_test" in noisy else ""  # an older result does not say
    rows = [
        [f"accuracy of `{one['model']}`", f"{_accuracy(one['accuracy'])} of {on}noisy test digits",
         f"{one['published']}"]
        for one in noisy["models"]
    ]  # fmt: skip
    together = ranged(noisy["training_seconds_together"], "{:.0f} s")
    rows += [
        ["training both, one after the other", together, ""],
        ["start of the command line, `inkfast --help`", ranged(help_["seconds"], "{:.2f} s"), ""],
    ]
    return [
        *table(["what", "measured", "published"], rows), "",
        "Training time is that of the epochs with their validation; loading data, choosing the "
        f"number of threads and writing checkpoints come on top. {origin(noisy)} {origin(help_)}",
    ]  # fmt: skip


def _accuracy(values: dict[str, float]) -> str:
    """Return a mean accuracy with its range and n."""
    low, mean, high = (percent(values[key]) for key in ("min", "mean", "max"))
    return f"{mean} ({low} to {high}, n = {values['n']} seeds)"


TABLES = {
    "brief": _brief,
    "headline": _headline,
    "defaults": _defaults,
    "aims": aims,
    "recipes": _recipes,
    "time": partial(_time, "time_to_99", "99"),
    "longer": partial(_time, "time_to_99.5", "99.5"),
    "noise": _noise,
    "training": _training,
    "reading": _reading,
    "inference": _inference,
    "predict": _predict,
    "composed": _composed,
    "serving": _serving,
    "damaged": _damaged,
    "growth": _growth,
    "facts": card.facts,
    "shipped": card.shipped,
    "corruptions": card.recipe,
    "handwriting": card.handwriting,
    "others": card.non_digits,
}
