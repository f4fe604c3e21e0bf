"""What the machine is, what a model would cost on it, and how it is loaded."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tierwise.errors import ConfigError, ModelFileError
from tierwise.models import DeviceProfile, LlamaModel, card, estimate, locate, memory, plan, profile
from tierwise.models.device import probe
from tierwise.models.device import profile as device_profile
from tierwise.models.device.probe import Gpu, gpus
from tierwise.models.device.profile import Plan
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.memory import memory_need

GB = 10**9


@pytest.fixture(scope="module")
def header() -> GgufHeader:
    return read_header(locate("smollm2-135m"))


def machine(available: int = 16 * GB, **figures: object) -> DeviceProfile:
    known = DeviceProfile("A processor", 8, 16, 8, 32 * GB, available, 20e9, "0.3.36")
    return replace(known, **figures)  # type: ignore[arg-type]


# -- the profile -------------------------------------------------------------------------------------------------------


def test_the_profile_says_what_is_true(tmp_path: Path) -> None:
    found = profile(tmp_path)
    assert found.cpu
    assert 1 <= found.cores <= found.logical
    assert 0 < found.available <= found.memory
    assert found.bandwidth and found.bandwidth > 1e6  # bytes, not gigabytes; a machine may be very busy
    assert found.binding


def test_the_bandwidth_is_measured_once_and_again_when_the_machine_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    def measure(threads: int) -> float:
        measured.append(threads)
        return 7e9

    monkeypatch.setattr(probe, "memory_bandwidth", measure)
    monkeypatch.setenv("TIERWISE_THREADS", "1")
    assert profile(tmp_path, measure=False).bandwidth is None
    assert [profile(tmp_path).bandwidth for _ in range(3)] == [7e9] * 3
    assert profile(tmp_path, measure=False).bandwidth == 7e9
    assert measured == [1]
    assert (tmp_path / "device.json").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("TIERWISE_THREADS", "2")
    profile(tmp_path)
    monkeypatch.setattr(probe, "cpu_name", lambda: "Another processor")
    profile(tmp_path)
    profile(tmp_path, fresh=True)
    assert measured == [1, 2, 2, 2]


@pytest.mark.parametrize("content", ["", "no JSON", "[]", '{"machine": 1}', '{"machine": "x", "bandwidth": -1}'])
def test_a_damaged_note_is_measured_again(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "memory_bandwidth", lambda threads: 5e9)
    (tmp_path / "device.json").write_text(content, encoding="utf-8")
    assert profile(tmp_path).bandwidth == 5e9
    assert json.loads((tmp_path / "device.json").read_text(encoding="utf-8"))["bandwidth"] == 5e9


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "memory_bandwidth", lambda threads: 5e9)
    assert profile(tmp_path / "absent").bandwidth == 5e9


def test_a_wrong_thread_count_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_THREADS", "many")
    with pytest.raises(ConfigError, match="TIERWISE_THREADS is 'many'"):
        profile(tmp_path)


def test_the_copilots_own_process_never_loads_the_binding(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from tierwise.models import estimate, locate, plan, profile\n"
        "found = profile(pathlib.Path(sys.argv[1]))\n"
        "path = locate('smollm2-135m')\n"
        "print(plan(path, found).context, estimate(path, found).fits, 'llama_cpp' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["8192", "True", "False"]


# -- graphics processors -----------------------------------------------------------------------------------------------

# Stands in for a driver, which no test machine has: the functions of ggml that are asked, with fixed answers.
FAKE_GGML = """
#include <stddef.h>
#include <stdbool.h>
size_t ggml_backend_dev_count(void) { return 3; }
void *ggml_backend_dev_get(size_t n) { return (void *)(n + 1); }
const char *ggml_backend_dev_description(void *d) { return (size_t)d == 2 ? "Big card" : "Small chip"; }
int ggml_backend_dev_type(void *d) { return (int)(size_t)d - 1; }
void ggml_backend_dev_memory(void *d, size_t *free, size_t *total) { *free = 6000000000; *total = 8000000000; }
void ggml_backend_load_all(void) { CRASH }
bool llama_supports_gpu_offload(void) { return true; }
"""


def libraries(folder: Path, crash: str = "") -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler to make a stand-in for a driver with")
    source = folder / "fake.c"
    source.write_text(FAKE_GGML.replace("CRASH", crash), encoding="utf-8")
    (folder / "lib").mkdir()
    for name in ("ggml", "ggml-base", "ggml-cpu", "ggml-vulkan", "llama"):
        built = folder / "lib" / f"lib{name}.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(built), str(source)], check=True)
    return folder / "lib"


def test_graphics_processors_are_asked_for_in_a_process_of_their_own(tmp_path: Path) -> None:
    found = gpus(libraries(tmp_path))
    assert found == (Gpu("Big card", 8 * GB, 6 * GB, False), Gpu("Small chip", 8 * GB, 6 * GB, True))


def test_a_driver_that_crashes_leaves_us_without_its_processor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert gpus(libraries(tmp_path, "*(volatile int *)0 = 0;")) == ()
    assert "does not say which graphics processors" in caplog.text


def test_a_build_for_the_cpu_is_not_even_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("libggml.so", "libggml-base.so", "libggml-cpu.so", "libggml-cpu-haswell.so", "libllama.so"):
        (tmp_path / name).touch()
    monkeypatch.setattr(subprocess, "run", None)
    assert gpus(tmp_path) == ()
    assert gpus(None) == ()


# -- the plan ----------------------------------------------------------------------------------------------------------


def test_with_room_the_window_is_the_usual_one_and_nothing_is_said(header: GgufHeader) -> None:
    assert plan(header, machine()) == Plan(8192)


def test_where_memory_is_tight_the_window_shrinks_and_says_so(header: GgufHeader) -> None:
    tight = memory_need(header, 8192).total + memory.MARGIN - 50_000_000
    made = plan(header, machine(tight))
    assert 1024 <= made.context < 8192
    assert memory_need(header, made.context).total + memory.MARGIN <= tight
    assert made.why == (f"a window of {made.context:,} tokens instead of 8,192: more does not fit into memory now",)


def test_a_window_that_was_asked_for_is_not_touched(header: GgufHeader) -> None:
    assert plan(header, machine(300_000_000), 4096).context == 4096
    assert plan(header, machine(), 100_000).context == header.context_length


def test_a_window_is_never_made_uselessly_short(header: GgufHeader) -> None:
    assert plan(header, machine(1)).context == device_profile.SHORTEST_CONTEXT
    assert not estimate(header, machine(1)).fits


def test_a_graphics_processor_takes_the_layers_that_fit(header: GgufHeader) -> None:
    big = machine(gpus=(Gpu("Big card", 8 * GB, 8 * GB, False),))
    everything = plan(header, big)
    assert (everything.gpu_layers, everything.elsewhere) == (31, 1.0)
    assert everything.why == ("31 of 31 layers on Big card",)
    small = plan(header, machine(gpus=(Gpu("Small card", 1 * GB, 900_000_000, False),)))
    assert 0 < small.gpu_layers < 31
    full = plan(header, machine(gpus=(Gpu("Full card", 8 * GB, 100_000_000, False),)))
    assert full == Plan(8192)


def test_memory_that_is_shared_with_the_graphics_processor_is_counted_once(header: GgufHeader) -> None:
    shared = plan(header, machine(gpus=(Gpu("Chip", 8 * GB, 8 * GB, True),)))
    assert (shared.gpu_layers, shared.elsewhere) == (31, 0.0)


async def test_a_model_is_loaded_as_planned(llama: Callable[..., LlamaModel], monkeypatch: pytest.MonkeyPatch) -> None:
    path = locate("smollm2-135m")
    tight = memory_need(read_header(path), 8192).total + memory.MARGIN - 50_000_000
    monkeypatch.setattr(memory, "available_memory", lambda: tight)
    monkeypatch.setattr(device_profile, "available_memory", lambda: tight)
    model = llama(path, threads=1)
    window = model.capabilities.context_window
    assert 1024 <= window < 8192
    assert await asyncio.wait_for(model.count_tokens(["one two"]), 60) == [2]


# -- the estimate ------------------------------------------------------------------------------------------------------


def test_an_estimate_says_memory_and_speed(header: GgufHeader) -> None:
    found = estimate(header, machine())
    assert found.fits
    assert found.memory == memory_need(header, 8192).total
    assert found.tokens_per_s
    assert found.text.startswith("It needs about 0.4 GB with a window of 8,192 tokens, and writes about ")


def test_half_the_bandwidth_is_half_the_speed_and_a_long_window_is_slower(header: GgufHeader) -> None:
    fast, slow = estimate(header, machine()), estimate(header, machine(bandwidth=10e9))
    assert fast.tokens_per_s == pytest.approx(2 * (slow.tokens_per_s or 0))
    assert (estimate(header, machine(), context=512).tokens_per_s or 0) > (fast.tokens_per_s or 0)


def test_what_is_not_known_is_not_estimated(header: GgufHeader) -> None:
    assert estimate(header, machine(bandwidth=None)).tokens_per_s is None
    assert estimate(header, machine(gpus=(Gpu("Card", 8 * GB, 8 * GB, False),))).tokens_per_s is None


def test_a_model_that_is_not_there_yet_is_estimated_from_its_card() -> None:
    found = estimate(card("phi-3-mini-4k"), machine())
    assert found.fits
    assert 3 * GB < found.memory < 5 * GB
    too_small = estimate(card("phi-3-mini-4k"), machine(2 * GB))
    assert not too_small.fits
    assert "GB can be given to it" in too_small.text


def test_an_embedding_apart_from_the_output_is_not_read_for_every_token(tmp_path: Path) -> None:
    from tierwise.testing.tiny_gguf import write_tiny_phi3

    vocabulary = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
    apart = read_header(write_tiny_phi3(tmp_path / "tiny.gguf", vocabulary, follows={}))
    assert apart.lookup_bytes == 2 * 64 * apart.lengths["tokenizer.ggml.tokens"]
    assert read_header(locate("smollm2-135m")).lookup_bytes == 0


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>", encoding="utf-8")
    with pytest.raises(ModelFileError, match="web page"):
        estimate(tmp_path / "page.gguf", machine())


def test_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not say")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert profile(measure=False).cores == 1
