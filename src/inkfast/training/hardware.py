"""What the machine is good at: precision, number of threads, memory that is kept, its name."""

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
# what tells apart the speed of processors of one name: the kernel's flag, and what people call it
_INSTRUCTIONS = {
    "avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "bf16",
    "amx_bf16": "AMX bf16",
}  # fmt: skip


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back to the kernel at once.

    Each training step frees and takes the same large blocks; by default glibc maps and unmaps them
    every time and the kernel zeroes every page. Does nothing where there is no glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(parameter, 1 << 30)


def choose_device() -> torch.device:
    """Return where training runs: a CUDA device when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(asked: str, where: torch.device) -> str:
    """Return ``bf16`` or ``fp32``: what was asked for, or for ``auto`` what is fast here.

    Where fp32 is asked for on CUDA, cuDNN is told for the whole process not to round to TF32.
    """
    if where.type == "cuda" and asked == "fp32":
        torch.backends.cudnn.allow_tf32 = False  # the default is True, for convolutions alone
    if asked != "auto":
        return asked
    if where.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    flags = _cpu_info("flags").split()
    return "bf16" if {"amx_bf16", "avx512_bf16"} & set(flags) else "fp32"


def autocast(where: torch.device, chosen: str) -> torch.autocast:
    """Return the context in which a network runs at the chosen precision."""
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=chosen == "bf16")


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run a block with `count` torch threads and put the former number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def library_threads(count: int) -> AbstractContextManager[object]:
    """Return a context in which NumPy, SciPy and scikit-learn compute with `count` threads."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(count)
    return limits


def choose_threads(step: Callable[[], object], repeats: int = 3) -> int:
    """Time one step with one thread and with all of them, and return the faster number.

    All threads wait for the slowest one many times in each step, so a busy neighbour can make two
    threads far slower than one. The two are timed in turn, so that both meet the same neighbour.

    Args:
        step: Does the work of one training step and changes nothing that matters.
        repeats: How often each is timed; the medians are compared.
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
    """Return the hardware and versions that a measurement belongs to."""
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
    """Return one line of the kernel's description of the first processor, "" elsewhere."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return ""
