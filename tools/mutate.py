"""Mutation testing: change one place of a package, run its tests, and see whether one fails.

Run: python -m tools.mutate core noise --sample 25    (or `make mutants`)
     python -m tools.mutate --again                   (only those that survived the last time)

Every mutant is tested by tests/ROOM in a copy of the tree. It survives if all tests pass; one that
exceeds the time limit is killed. The sample is drawn per package from a seed. Results are added to
benchmarks/results/mutants.json, one entry per package.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.mutant_runner import PRELOADED, RoomTests
from tools.mutations import Mutation, find_mutations
from tools.results import RESULTS, ROOT, load_result

_LIMIT_RATIO = 4  # time limit of a mutant, in times of the unchanged tests


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
    parser = ["git", "ls-files", "-z"]
    listed = subprocess.run(parser, cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def check_mutant(tests: RoomTests, path: str, mutation: Mutation, limit: float) -> str:
    """Apply a mutation in the copy of the tree, run the tests, and restore the file."""
    source, mutated = (ROOT / path).read_text(encoding="utf-8"), tests.tree / path
    lines = range(mutation.line, mutation.line + mutation.before.count("\n") + 1)
    try:
        mutated.write_text(mutation.apply(source), encoding="utf-8")
        return tests.run(mutated, lines, limit)
    finally:
        mutated.write_text(source, encoding="utf-8")


def traced_tests(tree: Path, room: str) -> tuple[RoomTests, float]:
    """Return a package's tests, which must pass, and the time limit of a mutant in seconds."""
    tests, start = RoomTests(tree, room), time.monotonic()
    if not tests.trace():
        sys.exit(f"tests/{room} fail without any mutation")
    return tests, 30 + _LIMIT_RATIO * (time.monotonic() - start)


def mutate_room(tree: Path, room: str, n: int, seed: int) -> dict[str, Any]:
    """Test a package's sampled mutants, and return their rows."""
    tests, limit = traced_tests(tree, room)
    drawn, total = sample_mutants(room, n, seed)
    rows = []
    for path, mutation in drawn:
        code = (ROOT / path).read_text(encoding="utf-8").splitlines()[mutation.line - 1].strip()
        cells = {key: cell for key, cell in asdict(mutation).items() if key not in ("start", "end")}
        outcome = check_mutant(tests, path, mutation, limit)
        rows.append({"file": path, "code": code, **cells, "outcome": outcome})
        print(json.dumps(rows[-1]), flush=True)
    return {"room": room, "seed": seed, "mutants": total, "sampled": rows}


def recheck_room(tree: Path, found: dict[str, Any]) -> None:
    """Test again, in place, the survivors of a package that still exist."""
    survivors = [row for row in found["sampled"] if row["outcome"] == "passed"]
    if not survivors:
        return
    tests, limit = traced_tests(tree, found["room"])
    for row in survivors:
        same = [
            one for one in find_mutations((ROOT / row["file"]).read_text(encoding="utf-8"))
            if (one.operator, one.before, one.after)
            == (row["operator"], row["before"], row["after"])
        ]  # fmt: skip
        if same:
            mutation = min(same, key=lambda one: abs(one.line - row["line"]))
            row["line"] = mutation.line
            if check_mutant(tests, row["file"], mutation, limit) != "passed":
                row["outcome"] = "failed later"
            print(json.dumps(row), flush=True)


def main() -> None:
    """Test mutants of the named packages, or the last survivors again, and record the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", help="folders in src/inkfast")
    parser.add_argument("--sample", type=int, default=25, help="mutants of each package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="test the last survivors again")
    args = parser.parse_args()
    sys.dont_write_bytecode = True  # a mutant may have the size and the second of another
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    for name in PRELOADED:
        __import__(name)
    rooms = {one["room"]: one for one in load_result("mutants").get("rooms", [])}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy_tree(Path(folder))
        for room in args.rooms or rooms:
            if args.again:
                recheck_room(Path(folder), rooms[room])
            else:
                rooms[room] = mutate_room(Path(folder), room, args.sample, args.seed)
            found = {"command": "make mutants", "rooms": list(rooms.values())}
            text = json.dumps(found, indent=2, ensure_ascii=False)
            (RESULTS / "mutants.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
