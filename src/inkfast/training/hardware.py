"""The hardware: device, precision, number of threads, memory and a description."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from inkfast.execution import available_cores

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# instruction sets that matter for speed: flag of the kernel, usual name
_INSTRUCTIONS = {
    "avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "bf16",
    "amx_bf16": "AMX bf16",
}  # fmt: skip


def keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the kernel at once.

    Each training step frees and allocates the same large blocks; by default glibc unmaps and maps
    them every time, and the kernel zeroes every page. Without glibc nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(parameter, 1 << 30)


def choose_device() -> torch.device:
    """Return the device to train on: CUDA if available, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(asked: str, where: torch.device) -> str:
    """Return ``bf16`` or ``fp32``: the one asked for, or the faster one for ``auto``.

    If fp32 is asked for on CUDA, rounding to TF32 in cuDNN is disabled for the whole process.
    """
    if where.type == "cuda" and asked == "fp32":
        torch.backends.cudnn.allow_tf32 = False  # the default is True, for convolutions only
    if asked != "auto":
        return asked
    if where.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    flags = _cpu_info("flags").split()
    return "bf16" if {"amx_bf16", "avx512_bf16"} & set(flags) else "fp32"


def autocast(where: torch.device, chosen: str) -> torch.autocast:
    """Return the context manager that runs a network at a precision."""
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=chosen == "bf16")


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run a block with `count` torch threads, then restore the former number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def library_threads(count: int) -> AbstractContextManager[object]:
    """Return the context manager that gives NumPy, SciPy and scikit-learn `count` threads."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(count)
    return limits


def choose_threads(step: Callable[[], object], repeats: int = 3) -> int:
    """Time a step with one thread and with one per core, and return the faster number.

    Threads wait for the slowest one many times in each step, so another busy process can make two
    threads far slower than one. The two are timed alternately, under the same load.

    Args:
        step: Function that does the work of one training step and changes no state.
        repeats: Number of timings of each; the medians are compared.
    """
    most = available_cores()
    if most == 1:
        return 1
    seconds: dict[int, list[float]] = {1: [], most: []}
    for turn in range(repeats + 1):
        for count, times in seconds.items():
            with torch_threads(count):
                start = time.perf_counter()
                step()
                if turn:  # the first turn warms up
                    times.append(time.perf_counter() - start)
    return min(seconds, key=lambda count: statistics.median(seconds[count]))


def describe_machine() -> dict[str, str | int]:
    """Return the hardware and the versions under which a measurement was made."""
    from importlib.metadata import version

    where = choose_device()
    flags = _cpu_info("flags").split()
    return {
        "processor": _cpu_info("model name") or platform.processor() or platform.machine(),
        "instructions": ", ".join(word for flag, word in _INSTRUCTIONS.items() if flag in flags),
        "cores": os.cpu_count() or 1,
        "accelerator": torch.cuda.get_device_name() if where.type == "cuda" else "none",
        "fast_precision": choose_precision("auto", where),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "inkfast": version("inkfast"),
    }


def _cpu_info(key: str) -> str:
    """Return an entry of /proc/cpuinfo for the first processor, "" if there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return ""
