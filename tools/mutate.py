"""Mutation testing: change one place of a package, run its tests, and see whether one fails.

Run: python -m tools.mutate core noise --sample 25    (or `make mutants`)
     python -m tools.mutate --again                   (only those that survived the last time)

Every mutant is tested by tests/ROOM in a copy of the tree, in a forked process that has the heavy
libraries loaded already. A mutant survives if all tests pass; one that exceeds the time limit is
killed. The sample is drawn per package from a seed. Results go to benchmarks/results/mutants.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.mutations import Mutation, find_mutations
from tools.results import RESULTS, ROOT, load_result

PRELOADED = ("numpy", "scipy.stats", "torch", "onnxruntime", "PIL.Image", "pytest", "hypothesis")
_BASELINE_RATIO = 4  # time limit of a mutant, in times of the unchanged tests


def sample_mutants(room: str, n: int, seed: int) -> tuple[list[tuple[str, Mutation]], int]:
    """Return a package's sampled mutants with their files, and how many there are in all.

    Args:
        room: Name of the package, a folder in src/inkfast.
        n: Number of mutants to draw; all if there are fewer.
        seed: Seed of the draw.
    """
    folder = ROOT / "src" / "inkfast" / room
    found = [
        (str(path.relative_to(ROOT)), mutation)
        for path in sorted(folder.rglob("*.py"))
        for mutation in find_mutations(path.read_text(encoding="utf-8"))
    ]
    rng = random.Random(f"{seed} {room}")  # noqa: S311 - not for secrets
    return rng.sample(found, min(n, len(found))), len(found)


def copy_tree(to: Path) -> None:
    """Copy what git tracks, and nothing else."""
    words = ["git", "ls-files", "-z"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def select_tests(tree: Path, path: str) -> list[str]:
    """Return the test files of a source file's package, those named after the file first."""
    _, _, room, *_ = Path(path).parts
    files = sorted(
        str(file.relative_to(tree)) for file in (tree / "tests" / room).glob("test_*.py")
    )
    return sorted(files, key=lambda name: Path(path).stem not in name)


def run_tests(tree: Path, files: list[str], limit: float) -> str:
    """Run test files in a forked process; return "passed", "failed" or "timeout"."""
    child = os.fork()
    if child == 0:
        _run_in_child(tree, files)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "passed" if status == 0 else "failed"
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _run_in_child(tree: Path, files: list[str]) -> None:
    """Run pytest on the tree and end this process with its exit code."""
    code = 70
    try:
        os.setsid()
        os.chdir(tree)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os.environ["PYTHONPATH"] = f"{tree / 'src'}{os.pathsep}{tree}"
        for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
            del sys.modules[name]
        sys.path[:] = [str(tree), str(tree / "src"), *sys.path]
        import pytest

        code = int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *files]))
    finally:
        os._exit(code)


def check_mutant(tree: Path, path: str, mutation: Mutation, limit: float) -> str:
    """Apply a mutation in the tree, run the tests, and restore the file."""
    source = (ROOT / path).read_text(encoding="utf-8")
    try:
        (tree / path).write_text(mutation.apply(source), encoding="utf-8")
        return run_tests(tree, select_tests(tree, path), limit)
    finally:
        (tree / path).write_text(source, encoding="utf-8")


def row_of(path: str, mutation: Mutation, outcome: str) -> dict[str, Any]:
    """Return a mutant as a row of the result."""
    cells = {key: value for key, value in asdict(mutation).items() if key not in ("start", "end")}
    return {"file": path, **cells, "outcome": outcome}


def mutate_room(tree: Path, room: str, n: int, seed: int) -> dict[str, Any]:
    """Test a package's sampled mutants, and return their rows."""
    start = time.monotonic()
    if run_tests(tree, select_tests(tree, f"src/inkfast/{room}/x.py"), 1800) != "passed":
        sys.exit(f"tests/{room} fail without any mutation")
    limit = 30 + _BASELINE_RATIO * (time.monotonic() - start)
    drawn, total = sample_mutants(room, n, seed)
    rows = []
    for path, mutation in drawn:
        rows.append(row_of(path, mutation, check_mutant(tree, path, mutation, limit)))
        print(json.dumps(rows[-1]), flush=True)
    return {"room": room, "mutants": total, "sampled": rows}


def recheck_survivors(tree: Path, found: dict[str, Any]) -> None:
    """Test again, in place, the mutants of a result that survived and still exist."""
    for row in (row for room in found["rooms"] for row in room["sampled"]):
        if row["outcome"] != "passed":
            continue
        source = (ROOT / row["file"]).read_text(encoding="utf-8")
        same = [
            one for one in find_mutations(source)
            if (one.operator, one.before, one.after)
            == (row["operator"], row["before"], row["after"])
        ]  # fmt: skip
        if same:
            mutation = min(same, key=lambda one: abs(one.line - row["line"]))
            row["line"] = mutation.line
            if check_mutant(tree, row["file"], mutation, 600) != "passed":
                row["outcome"] = "failed later"
            print(json.dumps(row), flush=True)


def main() -> None:
    """Test mutants of the named packages, or the last survivors again, and record the outcomes."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("rooms", nargs="*", help="folders in src/inkfast")
    words.add_argument("--sample", type=int, default=25, help="mutants of each package")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--again", action="store_true", help="test the last survivors again")
    asked = words.parse_args()
    sys.dont_write_bytecode = True  # a mutant may have the size and the second of another
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    for name in PRELOADED:
        __import__(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        if asked.again:
            found = load_result("mutants")
            recheck_survivors(tree, found)
        else:
            rooms = [mutate_room(tree, room, asked.sample, asked.seed) for room in asked.rooms]
            command = "python -m tools.mutate " + " ".join(asked.rooms)
            found = {
                "command": f"{command} --sample {asked.sample} --seed {asked.seed}",
                "seed": asked.seed, "rooms": rooms,
            }  # fmt: skip
    text = json.dumps(found, indent=2, ensure_ascii=False)
    (RESULTS / "mutants.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
