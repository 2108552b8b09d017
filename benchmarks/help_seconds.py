"""Time of `inkfast --help` as a whole process.

Run: .venv/bin/python benchmarks/help_seconds.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from measured import record, spread

TURNS = 20


def main() -> None:
    """Time the installed command repeatedly, after one call that warms the disk cache."""
    program = Path(sys.executable).with_name("inkfast")
    seconds = []
    for _ in range(TURNS + 1):
        start = time.perf_counter()
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    record("help_seconds", "inkfast --help", {"seconds": spread(seconds[1:])})


if __name__ == "__main__":
    main()
