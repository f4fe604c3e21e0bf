"""The process of a model hangs, is slow, runs out of memory or gets a hostile file: the copilot's own never suffers."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import struct
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from waiting import gone

from tierwise.errors import ModelCrashed, ModelError
from tierwise.models import ChatRequest, Delta, LlamaModel, Reading, locate
from tierwise.models.local import watchdog
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise.types import Message

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops processes and limits their memory as Linux does")
VOCABULARY = Path(__file__).parents[1] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
ASSISTANT, HELLO, THERE = 32001, 15043, 727
FOLLOWS = {ASSISTANT: HELLO, HELLO: THERE, THERE: HELLO}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_THREADS", "1")


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phi3(tmp_path_factory.mktemp("gguf") / "endless.gguf", VOCABULARY, follows=FOLLOWS, context=4096)


@pytest.fixture
async def open_model() -> AsyncIterator[Callable[..., LlamaModel]]:
    opened: list[LlamaModel] = []

    def open_(path: Path, **options: Any) -> LlamaModel:
        opened.append(LlamaModel(path, **options))
        return opened[-1]

    yield open_
    for model in opened:
        await model.aclose()


async def say(model: LlamaModel, text: str = "hi", max_tokens: int = 4) -> str:
    request = ChatRequest((Message("user", text),), max_tokens=max_tokens)
    return "".join([chunk.text async for chunk in model.stream(request) if isinstance(chunk, Delta)])


def request(text: str = "hi", max_tokens: int = 4000) -> ChatRequest:
    return ChatRequest((Message("user", text),), max_tokens=max_tokens)


# -- hangs -------------------------------------------------------------------------------------------------------------


async def test_a_process_that_hangs_is_ended_and_the_next_request_works(
    endless: Path, open_model: Callable[..., LlamaModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "BEAT", 0.1)
    monkeypatch.setattr(watchdog, "HANG", 5.0)
    model = open_model(endless)
    stopped = None
    with pytest.raises(ModelCrashed, match="hung: it gave no sign of life"):
        async with aclosing(model.stream(request())) as stream:
            async for chunk in stream:
                if isinstance(chunk, Delta) and stopped is None and model.pid:
                    stopped = model.pid
                    os.kill(stopped, signal.SIGSTOP)
    assert stopped and await gone(stopped)
    assert (await say(model)).startswith("Hello there")
    assert model.pid != stopped


async def test_a_process_that_hangs_again_and_again_is_left_down(
    endless: Path, open_model: Callable[..., LlamaModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "BEAT", 0.05)
    monkeypatch.setattr(watchdog, "HANG", 0.3)
    model = open_model(endless)
    for _ in range(3):
        with pytest.raises(ModelCrashed, match="hung"):
            async for chunk in model.stream(request()):
                if isinstance(chunk, Delta) and model.pid:
                    with suppress(ProcessLookupError):  # it has been ended, and what it said before is still read
                        os.kill(model.pid, signal.SIGSTOP)
    with pytest.raises(ModelCrashed, match=r"died 3 times within five minutes, so it stays down for another \d+ s"):
        await say(model)


async def test_a_machine_that_is_merely_slow_is_given_its_time(
    open_model: Callable[..., LlamaModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "BEAT", 0.1)  # of this process; its child goes on to give a sign every second
    monkeypatch.setattr(watchdog, "HANG", 5.0)
    model = open_model(locate("smollm2-135m"), context_window=2048)
    slowest, factor = max(await steps(model, "warm " * 600)), 1.0
    assert model.pid
    for n in count():
        if slowest > watchdog.HANG:
            break  # else the steps were not slow enough to prove anything: the machine had been busier before
        factor *= 1.5 * watchdog.HANG / slowest
        with slowed_down(model.pid, factor):
            slowest = max(await steps(model, f"{n} " * 600))


async def steps(model: LlamaModel, text: str) -> list[float]:
    """Seconds between the signs of progress while two batches of a prompt are read."""
    times = []
    async with aclosing(model.stream(request(text, max_tokens=1))) as stream:
        async for chunk in stream:
            times.append(asyncio.get_running_loop().time())
            if isinstance(chunk, Reading) and len(times) == 3:
                break
    return [after - before for before, after in pairwise(times)]


@contextmanager
def slowed_down(pid: int, factor: float) -> Iterator[None]:
    """Let a process run for one part of the time in ``factor``."""
    over = threading.Event()

    def stutter() -> None:
        while not over.wait(0.1):
            os.kill(pid, signal.SIGSTOP)
            over.wait(0.1 * (factor - 1))
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# -- memory ------------------------------------------------------------------------------------------------------------


async def test_running_out_of_memory_is_one_clear_error_and_the_next_request_works(
    endless: Path, open_model: Callable[..., LlamaModel]
) -> None:
    model = open_model(endless)
    await say(model)
    pid = model.pid
    assert pid
    used = psutil.Process(pid).memory_info().vms
    resource.prlimit(pid, resource.RLIMIT_AS, (used, used))
    with pytest.raises(ModelCrashed, match="ran out of memory"):
        await model.count_tokens(["word " * 4_000_000])
    assert await gone(pid)
    assert (await say(model)).startswith("Hello there")


# -- hostile files -----------------------------------------------------------------------------------------------------


def scalar(key: str, value: float) -> Callable[[Path], None]:
    """Write another value over a number in the header."""

    def edit(path: Path) -> None:
        from gguf import GGUFReader

        field: Any = GGUFReader(str(path), "r+").fields[key]
        part = field.parts[field.data[0]]
        part[0] = np.asarray(value).astype(part.dtype)

    return edit


def tensor(name: str, *, shape: tuple[int, ...] | None = None, offset: int | None = None) -> Callable[[Path], None]:
    """Write another shape or place over those of a tensor."""

    def edit(path: Path) -> None:
        from gguf import GGUFReader

        reader: Any = GGUFReader(str(path), "r+")
        field = next(t.field for t in reader.tensors if t.name == name)
        _, _, _, dimensions, _, place = field.parts
        if shape is not None:
            dimensions[:] = shape
        if offset is not None:
            place[0] = offset

    return edit


def weights(name: str, value: float) -> Callable[[Path], None]:
    """Fill a tensor."""

    def edit(path: Path) -> None:
        from gguf import GGUFReader

        reader: Any = GGUFReader(str(path), "r+")
        next(t.data for t in reader.tensors if t.name == name)[...] = value

    return edit


def patched(place: int, data: bytes) -> Callable[[Path], None]:
    """Write bytes over those of the file."""

    def edit(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(place)
            file.write(data)

    return edit


HOSTILE = {
    "a million layers": scalar("phi3.block_count", 1_000_000),
    "no layers": scalar("phi3.block_count", 0),
    "no heads": scalar("phi3.attention.head_count", 0),
    "more key heads than heads": scalar("phi3.attention.head_count_kv", 7),
    "a width that is not that of its weights": scalar("phi3.embedding_length", 1 << 20),
    "no width": scalar("phi3.embedding_length", 0),
    "an odd rotation": scalar("phi3.rope.dimension_count", 3),
    "a window of sixteen million tokens": scalar("phi3.context_length", 1 << 24),
    "an epsilon that is no number": scalar("phi3.attention.layer_norm_rms_epsilon", float("nan")),
    "an end token beyond the vocabulary": scalar("tokenizer.ggml.eos_token_id", 4_000_000_000),
    "a start token beyond the vocabulary": scalar("tokenizer.ggml.bos_token_id", 4_000_000_000),
    "a tensor behind the end": tensor("output.weight", offset=1 << 40),
    "a tensor before the start": tensor("output.weight", offset=(1 << 64) - 32),
    "two tensors in one place": tensor("output.weight", offset=0),
    "a shape whose size runs over": tensor("output.weight", shape=(1 << 30, 1 << 34)),
    "a shape for another layer": tensor("blk.0.ffn_up.weight", shape=(128, 64)),
    "a negative shape": tensor("output.weight", shape=((1 << 64) - 1, 64)),
    "weights that are no numbers": weights("output.weight", float("nan")),
    "weights without end": weights("output_norm.weight", float("inf")),
    "more tensors than bytes": patched(8, struct.pack("<Q", 1 << 60)),
    "more keys than bytes": patched(16, struct.pack("<Q", 1 << 60)),
    "a key of forty gigabytes": patched(24, struct.pack("<Q", 40 << 30)),
}
TEMPLATES = {
    "a template without end": "{% for a in range(99999999) %}{% for b in range(99999999) %}x{% endfor %}{% endfor %}",
    "a template that leaves the sandbox": "{{ cycler.__init__.__globals__.os.popen('touch CANARY').read() }}",
    "a template that looks for classes": "{% for c in ''.__class__.__mro__[1].__subclasses__() %}{{ c }}{% endfor %}",
    "a template that refuses": "{{ raise_exception('no') }}",
    "a template of ten thousand brackets": "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    "a template that multiplies": "{{ 'x' * 9999999999 }}",
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_file_is_an_error_or_a_model_but_never_the_end(
    case: str, endless: Path, tmp_path: Path, open_model: Callable[..., LlamaModel]
) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(endless.read_bytes())
    HOSTILE[case](path)
    await tried(open_model(path))


@pytest.mark.parametrize("case", TEMPLATES)
async def test_a_hostile_template_neither_runs_nor_lasts(
    case: str, tmp_path: Path, open_model: Callable[..., LlamaModel]
) -> None:
    canary = tmp_path / "canary"
    template = TEMPLATES[case].replace("CANARY", str(canary))
    path = write_tiny_phi3(tmp_path / "hostile.gguf", VOCABULARY, follows=FOLLOWS, template=template, layers=1)
    await tried(open_model(path))
    assert not canary.exists()


async def tried(model: LlamaModel) -> None:
    """Ask the model; it answers or says in one line why not, and leaves no process behind that is not its own."""
    try:
        await asyncio.wait_for(say(model), 120)
    except ModelError as error:
        assert error.what.endswith(".")
        assert "\n" not in str(error)
        assert "Traceback" not in str(error)
