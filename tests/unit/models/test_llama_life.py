"""One model used from everywhere: threads, forks, finalizers, senseless requests. Nobody takes it from the others."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from waiting import gone

from tierwise.errors import ModelCrashed, ModelError
from tierwise.models import ChatRequest, Delta, LlamaModel
from tierwise.models.local import frames, pool
from tierwise.models.local.process import LoadPlan, Supervisor
from tierwise.types import Message

HELLO, THERE = 15043, 727
Says = Callable[..., Path]
Open = Callable[..., LlamaModel]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def endless(says: Says) -> Path:
    return says(HELLO, THERE, HELLO, context=4096)


def request(text: str = "hi", max_tokens: int = 4000, **options: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), max_tokens=max_tokens, **options)


# -- requests that make no sense ---------------------------------------------------------------------------------------


async def test_a_request_that_makes_no_sense_fails_alone(
    endless: Path, llama: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = llama(endless)
    monkeypatch.setattr(frames, "MAX_FRAME", 1_000_000)
    async with aclosing(model.stream(request())) as other:
        async for chunk in other:
            if isinstance(chunk, Delta):
                break
        pid = model.pid
        for options, why in (
            ({"seed": 1.5, "temperature": 1.0}, "seed must be a whole number"),
            ({"temperature": float("nan")}, "temperature must be a number"),
            ({"temperature": "0.5"}, "temperature must be a number"),
            ({"max_tokens": 0}, "max_tokens must be at least 1"),
            ({"max_tokens": 2.5}, "max_tokens must be a whole number"),
            ({"stop": (b"bytes",)}, "cannot be handed to"),
        ):
            with pytest.raises(ModelError, match=why):
                await ask(model, "hi", **options)
        with pytest.raises(ModelError, match=r"cannot be handed to .*1,000,000 can be sent"):
            await ask(model, "x" * 2_000_000)
        assert (await ask(model, "hi", seed=-1, temperature=1.0, max_tokens=np.int64(2))).text == "Hello there"
        assert any([isinstance(chunk, Delta) async for chunk in other])
    assert model.pid == pid


async def test_a_template_that_changes_what_is_said_is_an_error_and_the_model_lives(
    says: Says, llama: Open, ask: Ask
) -> None:
    shortens = "{% for m in messages %}<|user|>{{ m.content[:16] }}<|end|>{% endfor %}<|assistant|>"
    model = llama(says(HELLO, THERE, HELLO, context=4096, template=shortens))
    await ask(model, "hi")
    pid = model.pid
    with pytest.raises(ModelError, match="chat template fails on this conversation: it changes what the messages say"):
        await ask(model, "123456789012345<|end|>")
    assert (await ask(model, "hi", max_tokens=2)).text == "Hello there"
    assert model.pid == pid


async def test_a_window_of_one_token_is_refused_in_words(endless: Path, llama: Open, ask: Ask) -> None:
    with pytest.raises(ModelError, match=r"the model's window holds 1 with the answer"):
        await ask(llama(endless, context_window=1), "hi")


async def test_without_a_place_for_temporary_files_it_says_so(
    endless: Path, tmp_path: Path, llama: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(ModelError, match=r"cannot be started: .*No such file or directory"):
        await asyncio.wait_for(ask(llama(endless), "hi"), 20)


# -- many at a time ----------------------------------------------------------------------------------------------------


async def test_after_a_storm_of_cancelled_requests_nothing_is_left_and_it_answers(
    endless: Path, llama: Open, ask: Ask
) -> None:
    model = llama(endless, context_window=1024)
    await ask(model, "hi")
    process = psutil.Process(model.pid)
    before, dice = process.memory_info().rss, random.Random(5)

    async def visit(number: int) -> None:
        await asyncio.sleep(dice.random() * 0.5)
        text = "word " * dice.choice((1, 40, 400))
        await asyncio.wait_for(ask(model, text, max_tokens=200, thread=str(number % 7)), dice.random() * 0.3)

    async with aclosing(model.stream(request(max_tokens=400))) as patient:
        visits = asyncio.gather(*(visit(number) for number in range(200)), return_exceptions=True)
        assert any([isinstance(chunk, Delta) async for chunk in patient])
        assert {type(end) for end in await visits} <= {TimeoutError, type(None)}
    assert (await asyncio.wait_for(ask(model, "hi", max_tokens=2), 30)).text == "Hello there"
    assert model._share is not None
    child = model._share.supervisor._child
    assert child is not None and not child.calls
    assert child.pid == process.pid
    assert process.memory_info().rss - before < 64 << 20


def test_loops_of_several_threads_share_one_process_that_one_close_ends(endless: Path, ask: Ask) -> None:
    model = LlamaModel(endless)
    texts: list[str] = []

    def visit() -> None:
        texts.append(asyncio.run(ask(model, "hi", max_tokens=2)).text)

    threads = [threading.Thread(target=visit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pid = model.pid
    assert texts == ["Hello there"] * 6
    asyncio.run(model.aclose())
    assert pid and asyncio.run(gone(pid))


# -- who ends the process, and when ------------------------------------------------------------------------------------


async def test_what_was_closed_is_not_started_again_behind_its_owners_back(endless: Path) -> None:
    supervisor = Supervisor("it", LoadPlan(str(endless), 256, 1))
    supervisor.open({"op": "count", "texts": []})
    supervisor.close()
    with pytest.raises(ModelCrashed, match="it was closed"):
        supervisor.open({"op": "count", "texts": []})
    assert not supervisor.running


async def test_a_model_may_be_dropped_in_the_middle_of_anything(endless: Path, ask: Ask) -> None:
    model: LlamaModel | None = LlamaModel(endless)
    await ask(model, "hi", max_tokens=2)
    assert model is not None and model._share is not None
    pid, supervisor = model.pid, model._share.supervisor
    model.itself = model  # type: ignore[attr-defined]  # only the garbage collector can free it now
    model = None

    def collect() -> None:
        with pool._lock, supervisor._lock:
            gc.collect()

    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    await asyncio.to_thread(collector.join, 60)
    assert not collector.is_alive()
    assert pid and await gone(pid)


async def test_a_file_that_was_replaced_is_loaded_when_the_process_starts_again(
    says: Says, tmp_path: Path, llama: Open, ask: Ask
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(says(HELLO, THERE, HELLO, context=4096).read_bytes())
    model = llama(path)
    assert (await ask(model, "hi", max_tokens=2)).text == "Hello there"
    path.unlink()
    path.write_bytes(says(THERE, HELLO, THERE, context=2048).read_bytes())
    assert model.pid
    psutil.Process(model.pid).kill()
    while model.pid is not None:
        await asyncio.sleep(0.01)
    assert (await ask(model, "hi", max_tokens=2)).text == "there Hello"
    assert model.capabilities.context_window == 2048


FORKS = """
import asyncio, os, sys
from tierwise.models import ChatRequest, Completed, LlamaModel
from tierwise.types import Message

model = LlamaModel(sys.argv[1])

async def ask():
    request = ChatRequest((Message("user", "hi"),), max_tokens=2)
    return isinstance([c async for c in model.stream(request)][-1], Completed)

assert asyncio.run(ask())
mine = model.pid
if (fork := os.fork()) == 0:
    assert asyncio.run(asyncio.wait_for(ask(), 120)) and model.pid != mine
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 7
assert asyncio.run(ask()) and model.pid == mine
"""
LEAVES = """
import atexit, time
atexit.register(time.sleep, 1)  # the first is the last to run: a program takes its time to end
import asyncio, sys, threading
from tierwise.models import ChatRequest, Delta, LlamaModel
from tierwise.types import Message

begun = threading.Event()

async def main():
    model = LlamaModel(sys.argv[1])
    async for chunk in model.stream(ChatRequest((Message("user", "hi"),), max_tokens=4000)):
        if isinstance(chunk, Delta) and not begun.is_set():
            print(model.pid, flush=True)
            begun.set()

threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
begun.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_starts_its_own_process_and_leaves_its_parents_alone(endless: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        FORKS,
        str(endless),
    ]  # newer Pythons advise against
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")


async def test_a_program_may_end_while_its_model_answers(endless: Path) -> None:
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", LEAVES, str(endless)], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert await gone(int(ended.stdout))
