"""Images per second and memory of `inkfast predict`.

Generates a set, classifies it several times with the whole command in a new process, and records
rows per second and the peak memory of the largest process and of all processes together (sampled).

    python benchmarks/predict_throughput.py                              # 20,000 PNG of 28x28
    python benchmarks/predict_throughput.py --side 64                    # dark on white, 64x64
    python benchmarks/predict_throughput.py --kind npz --rows 1000000 --turns 1
    python benchmarks/predict_throughput.py --kind parquet --rows 1000000 --turns 1
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import PIL
from measured import record, spread
from PIL import Image

from inkfast import data

BLOCK = 10_000  # rows that are generated at a time


def image_files(side: int) -> Iterator[bytes]:
    """Yield digits repeatedly as PNG files: 28x28 unchanged, larger ones dark on white."""
    images = data.load("auto").train.images
    while True:
        for image in images:
            drawn = Image.fromarray(image if side == 28 else 255 - image)
            file = BytesIO()
            drawn.resize((side, side), Image.Resampling.BICUBIC).save(file, "PNG")
            yield file.getvalue()


def make(kind: str, rows: int, side: int, folder: Path) -> Path:
    """Generate a set block by block, and return its path."""
    files = image_files(side)
    if kind == "png":
        for row in range(rows):
            part = folder / "set" / f"{row // 1000:04d}"
            part.mkdir(parents=True, exist_ok=True)
            (part / f"{row:07d}.png").write_bytes(next(files))
        return folder / "set"
    if kind == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        path = folder / "set.parquet"
        with parquet.ParquetWriter(path, pa.schema([("image", pa.binary())])) as writer:
            for start in range(0, rows, BLOCK):
                images = [next(files) for _ in range(min(BLOCK, rows - start))]
                writer.write_table(pa.table({"image": images}))
        return path
    images = data.load("auto").train.images
    whole = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (rows, 28, 28))
    for start in range(0, rows, len(images)):
        whole[start : start + len(images)] = images[: rows - start]
    np.savez_compressed(folder / "set.npz", images=whole)
    return folder / "set.npz"


def memory(pids: list[int]) -> int:
    """Return the resident bytes of processes together; ended ones count as zero."""
    total = 0
    for pid in pids:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in family(int(child)))]


def timed(words: list[str]) -> tuple[float, float, float]:
    """Run a command; return its seconds, and the peak MB of its largest process and of all."""
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    largest, together, ended = [0], [0], threading.Event()

    def sample() -> None:
        while not ended.wait(0.05):
            pids = family(process.pid)
            largest.append(max(memory([pid]) for pid in pids))
            together.append(memory(pids))

    thread = threading.Thread(target=sample)
    thread.start()
    code = process.wait()
    seconds = time.perf_counter() - begun
    ended.set()
    thread.join()
    if code:
        sys.exit(f"{' '.join(words)} ended with {code}")
    return seconds, max(largest) / 1e6, max(together) / 1e6


def main() -> None:
    """Generate a set, classify it several times, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=("png", "npz", "parquet"), default="png")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--executor", default="local:2")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = make(args.kind, args.rows, args.side, Path(folder))
        out = Path(folder, "rows.jsonl")
        words = [sys.executable, "-c", "from inkfast.cli import main; main()", "predict",
                 str(made), "--executor", args.executor, "--to", str(out),
                 "--overwrite"]  # fmt: skip
        turns = [timed(words) for _ in range(args.turns)]
        with out.open(encoding="utf-8") as file:
            read = sum(1 for _ in file)
    if read != args.rows:
        sys.exit(f"expected {args.rows:,} rows, got {read:,}")
    record(
        f"predict_throughput_{args.kind}_{args.side}_{args.rows}",
        " ".join(["python", *sys.argv]),
        {
            "rows": args.rows,
            "side": args.side,
            "executor": args.executor,
            "onnxruntime": onnxruntime.__version__,
            "pillow": PIL.__version__,
            "numpy": np.__version__,
            "system": platform.platform(),
            "rows_per_second": spread([args.rows / seconds for seconds, _, _ in turns]),
            "peak_mb_of_the_largest_process": spread([largest for _, largest, _ in turns]),
            "peak_mb_together": spread([together for _, _, together in turns]),
        },
    )


if __name__ == "__main__":
    main()
