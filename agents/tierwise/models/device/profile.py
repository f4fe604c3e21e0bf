"""The machine as models see it, what a model would cost on it, and how it is best loaded."""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise.home import default_home
from tierwise.models.device import probe
from tierwise.models.device.probe import Gpu, fixed_threads, usable_cores
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.memory import BATCH, MARGIN, USUAL_WINDOW, MemoryNeed, available_memory, fitting, memory_need
from tierwise.models.store.card import Card

log = logging.getLogger("tierwise.models")

SHORTEST_CONTEXT = 1024  # a window that was not asked for is not made shorter than this
EFFICIENCY = 0.44  # of the bandwidth, while decoding; fitted by benches/speed.py, which says how well it predicts
GPU_BATCH = 512
_GPU_MARGIN = 512 << 20
_CACHE = "device.json"


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """What matters of a machine to a model.

    Attributes:
        cpu: name of the processor.
        cores: physical cores this process may use.
        logical: logical cores it may use.
        threads: threads a model begins with here (``TIERWISE_THREADS`` or ``cores``).
        memory: bytes in all.
        available: bytes that can be given out now.
        bandwidth: bytes a second that ``threads`` threads read and write while they copy; ``None`` if not measured.
        binding: version of llama-cpp-python; ``None`` if it is not installed.
        gpus: graphics processors that llama.cpp was built for and found.
    """

    cpu: str
    cores: int
    logical: int
    threads: int
    memory: int
    available: int
    bandwidth: float | None = None
    binding: str | None = None
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a model would cost on a machine.

    Attributes:
        fits: there is memory for it.
        memory: bytes it needs, about.
        tokens_per_s: speed of writing, half of the window filled; ``None`` where nothing is known to go by.
        text: one sentence for people.
    """

    fits: bool
    memory: int
    tokens_per_s: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is loaded.

    Attributes:
        context: tokens of the window.
        batch: tokens read in one step.
        use_mmap: map the file into memory instead of copying it.
        gpu_layers: layers that a graphics processor computes.
        elsewhere: the part of the model, in [0, 1], that takes none of the machine's own memory.
        why: what differs from the usual, and why.
    """

    context: int
    batch: int = BATCH
    use_mmap: bool = True
    gpu_layers: int = 0
    elsewhere: float = 0.0
    why: tuple[str, ...] = ()


def profile(home: Path | None = None, *, measure: bool = True, fresh: bool = False) -> DeviceProfile:
    """Look at the machine.

    Args:
        home: folder that keeps the measured bandwidth; by default the home folder.
        measure: measure the bandwidth if it is not known, which takes 0.3 s and 128 MB a thread.
        fresh: measure it again.
    """
    import psutil

    memory = psutil.virtual_memory()
    threads = fixed_threads() or usable_cores()
    cpu = probe.cpu_name()
    identity = f"{cpu}, {platform.machine()}, {os.cpu_count()} cores, {memory.total} bytes, {threads} threads"
    cache = (home or default_home()) / _CACHE
    known = _remembered(cache, identity)
    bandwidth = None if fresh else known
    if bandwidth is None and measure:
        bandwidth = max(probe.memory_bandwidth(threads), known or 0.0)  # a busy moment only lowers it
        _remember(cache, identity, bandwidth)
    return DeviceProfile(
        cpu=cpu,
        cores=usable_cores(),
        logical=probe.logical_cores(),
        threads=threads,
        memory=int(memory.total),
        available=available_memory(),
        bandwidth=bandwidth,
        binding=probe.binding_version(),
        gpus=probe.gpus(probe.binding_libraries()),
    )


def plan(model: GgufHeader | Card | Path, machine: DeviceProfile, wanted: int | None = None) -> Plan:
    """How to load a model. A window that was asked for is kept, whether it fits or not.

    Args:
        model: the header of a file, the file, or the card of a model that is not there yet.
        machine: where.
        wanted: tokens of the window, if the user said.

    Raises:
        ModelFileError: if the file is no usable GGUF.
    """
    header = _header(model)
    context, why = min(header.context_length, wanted or USUAL_WINDOW), []
    layers, elsewhere = _gpu_layers(header, memory_need(header, context), machine.gpus)
    if layers:
        names = " and ".join(gpu.name for gpu in machine.gpus)
        why.append(f"{layers} of {_layers(header)} layers on {names}")
    need = memory_need(header, context)
    free = _room(machine, elsewhere)
    if wanted is None and need.total > free:
        shorter = min(context, max(SHORTEST_CONTEXT, fitting(need, free + MARGIN, context)))
        if shorter < context:
            why.append(f"a window of {shorter:,} tokens instead of {context:,}: more does not fit into memory now")
            context = shorter
    return Plan(context, GPU_BATCH if layers else BATCH, True, layers, elsewhere, tuple(why))


def estimate(model: GgufHeader | Card | Path, machine: DeviceProfile, *, context: int | None = None) -> Estimate:
    """What a model would cost on a machine.

    Writing a token reads every weight and all keys and values once, so its speed is the bandwidth of the memory
    divided by their bytes, times an efficiency fitted on real models.

    Args:
        model: the header of a file, the file, or the card of a model that is not there yet.
        machine: where.
        context: tokens of the window; by default as planned.

    Raises:
        ModelFileError: if the file is no usable GGUF.
    """
    header = _header(model)
    planned = plan(header, machine, context)
    need = memory_need(header, planned.context)
    speed = None
    if machine.bandwidth is not None and not planned.gpu_layers and not header.number("expert_count"):
        # Of experts, a step reads a few; of a graphics processor's memory, the speed is not known.
        read = need.weights - header.lookup_bytes + need.context // 2
        speed = EFFICIENCY * machine.bandwidth / read
    room = machine.available - MARGIN + sum(gpu.free for gpu in machine.gpus if not gpu.shared)
    return Estimate(need.total <= room, need.total, speed, _sentence(need.total, room, speed, planned.context))


# -- the parts ---------------------------------------------------------------------------------------------------------


def _header(model: GgufHeader | Card | Path) -> GgufHeader:
    if isinstance(model, GgufHeader):
        return model
    return model.header() if isinstance(model, Card) else read_header(model)


def _room(machine: DeviceProfile, elsewhere: float) -> int:
    """Bytes for a whole model, of which the part ``elsewhere`` takes none of the machine's."""
    return int((machine.available - MARGIN) / max(1 - elsewhere, 0.01))


def _layers(header: GgufHeader) -> int:
    return header.number("block_count") + 1  # the output counts as one


def _gpu_layers(header: GgufHeader, need: MemoryNeed, gpus: Sequence[Gpu]) -> tuple[int, float]:
    """Layers that fit beside each other into the GPUs' memory, and the part of the model that thereby lies there."""
    layers = _layers(header)
    room = sum(max(0, gpu.free - _GPU_MARGIN - need.buffers) for gpu in gpus)
    count = min(layers, int(room // max(1, (need.weights + need.context) / layers)))
    own = any(not gpu.shared for gpu in gpus)
    return count, count / layers if own else 0.0


def _sentence(need: int, room: int, speed: float | None, context: int) -> str:
    window = f" with a window of {context:,} tokens"
    if need > room:
        return f"It needs about {need / 1e9:.1f} GB{window}, and {max(0, room) / 1e9:.1f} GB can be given to it."
    pace = f", and writes about {_rounded(speed)} tokens/s with half of it filled" if speed else ""
    return f"It needs about {need / 1e9:.1f} GB{window}{pace}."


def _rounded(speed: float) -> str:
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"


def _remembered(cache: Path, identity: str) -> float | None:
    try:
        data: Any = json.loads(cache.read_text(encoding="utf-8"))
        value = data["bandwidth"] if data["machine"] == identity else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _remember(cache: Path, identity: str, bandwidth: float) -> None:
    draft = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps({"machine": identity, "bandwidth": bandwidth}) + "\n", encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(cache)
    except OSError as error:
        log.debug("the bandwidth is not remembered: %s", error)
