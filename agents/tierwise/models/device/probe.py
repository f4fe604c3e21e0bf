"""What this machine is and can do, asked of the machine itself."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tierwise.errors import ConfigError

log = logging.getLogger("tierwise.models")

_BLOCK = 64 << 20  # bytes a thread copies at once: its source and target together are beyond most caches
_MEASURE_S = 0.15
_ASK_S = 20.0
_CPU_LIBRARIES = ("base", "cpu", "blas", "rpc")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor that llama.cpp was built for and found.

    Attributes:
        name: as its driver says.
        memory: bytes in all.
        free: bytes nobody uses.
        shared: its memory is the machine's own, so what lies there is missing elsewhere.
    """

    name: str
    memory: int
    free: int
    shared: bool


def fixed_threads() -> int | None:
    """The thread count of ``TIERWISE_THREADS``, if that is set.

    Raises:
        ConfigError: if it is not a whole number from 1.
    """
    word = os.environ.get("TIERWISE_THREADS")
    if not word:
        return None
    if not word.isdigit() or int(word) < 1:
        raise ConfigError(f"TIERWISE_THREADS is {word!r}.", fix="Set it to a whole number from 1.")
    return int(word)


def usable_cores() -> int:
    """Physical cores this process may use; more threads only wait for each other."""
    import psutil

    allowed = logical_cores()
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def logical_cores() -> int:
    """Logical cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """The processor as it calls itself; the kind of machine if it has no name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def memory_bandwidth(threads: int) -> float:
    """Bytes a second that ``threads`` threads read and write together while they copy: the median of about 0.15 s."""
    import numpy as np

    sources = [np.ones(_BLOCK // 8) for _ in range(threads)]
    targets = [np.empty_like(source) for source in sources]

    def copy(n: int) -> None:
        np.copyto(targets[n], sources[n])

    rates: list[float] = []
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, range(threads)))  # the first touch of a page is not what is measured
        begun = time.perf_counter()
        while not rates or time.perf_counter() - begun < _MEASURE_S:
            started = time.perf_counter()
            list(pool.map(copy, range(threads)))
            rates.append(2 * _BLOCK * threads / (time.perf_counter() - started))
    return sorted(rates)[len(rates) // 2]


def binding_version() -> str | None:
    """Version of llama-cpp-python; ``None`` if it is not installed."""
    if importlib.util.find_spec("llama_cpp") is None:
        return None
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return "unknown"


def binding_libraries() -> Path | None:
    """The folder of the binding's libraries, found without importing it."""
    spec = importlib.util.find_spec("llama_cpp")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (libraries := Path(folder) / "lib").is_dir():
            return libraries
    return None


def gpus(libraries: Path | None) -> tuple[Gpu, ...]:
    """The graphics processors llama.cpp can use.

    Each kind of processor is a library of its own. Only where there is one beyond the CPU's is llama.cpp asked, in a
    process of its own, since a driver may take the process down.

    Args:
        libraries: folder of the binding's libraries; ``None`` if there is none.
    """
    if libraries is None or not any(_beyond_cpu(file.name) for file in libraries.iterdir()):
        return ()
    command = [sys.executable, "-P", str(Path(__file__).with_name("gpu_list.py")), str(libraries)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_ASK_S, check=True, stdin=subprocess.DEVNULL)
        found = json.loads(answer.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        log.warning("llama.cpp does not say which graphics processors it can use: %s", error)
        return ()
    return tuple(Gpu(**entry) for entry in found)


def _beyond_cpu(file: str) -> bool:
    kind = file.removeprefix("lib").removeprefix("ggml-").partition(".")[0]
    return "ggml-" in file and not kind.startswith(_CPU_LIBRARIES)
