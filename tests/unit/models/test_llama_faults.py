"""Processes die, files are bad, people press Stop: the program lives and says one clear sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import gone

from tierwise.errors import ModelCrashed, ModelError, ModelFileError, ModelNotInstalled
from tierwise.models import ChatRequest, Completed, Delta, LlamaModel, Reading, locate, memory
from tierwise.models.local.child import Child
from tierwise.types import Message

HELLO, THERE, END = 15043, 727, 32007
Says = Callable[..., Path]
Open = Callable[..., LlamaModel]
Ask = Callable[..., Any]
VOCABULARY = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"


@pytest.fixture
def endless(says: Says) -> Path:
    return says(HELLO, THERE, HELLO, context=8192)


def request(text: str = "hi", max_tokens: int = 8000) -> ChatRequest:
    return ChatRequest((Message("user", text),), max_tokens=max_tokens)


def child_of(model: LlamaModel) -> Child:
    assert model._share is not None
    child = model._share.supervisor._child
    assert child is not None
    return child


async def kill_while_it_answers(model: LlamaModel) -> None:
    killed = False
    async with aclosing(model.stream(request())) as stream:
        async for chunk in stream:
            if isinstance(chunk, Delta) and not killed:  # once: what is still on its way comes from a process long gone
                assert model.pid
                os.kill(model.pid, signal.SIGKILL)
                killed = True


async def test_a_killed_process_is_one_clear_error_and_the_next_request_works(
    endless: Path, llama: Open, ask: Ask
) -> None:
    model = llama(endless)
    with pytest.raises(ModelCrashed, match="was killed while it worked"):
        await kill_while_it_answers(model)
    assert (await ask(model, "hi")).text.startswith("Hello there")


async def test_a_model_that_keeps_dying_is_left_down_and_says_so(endless: Path, llama: Open, ask: Ask) -> None:
    model = llama(endless)
    for _ in range(3):
        with pytest.raises(ModelCrashed):
            await kill_while_it_answers(model)
    with pytest.raises(ModelCrashed, match="died 3 times"):
        await ask(model, "hi")
    assert model.pid is None


async def test_a_cpu_fault_before_the_first_token_is_retried_once_in_safe_mode(
    llama: Open, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    model = llama(locate("smollm2-135m"), context_window=1024)
    await model.count_tokens(["hi"])
    pid, child = model.pid, child_of(model)
    assert pid
    os.kill(pid, signal.SIGSTOP)  # so that no token is written before the fault, however long we take
    answer = asyncio.create_task(ask(model, "word " * 350, max_tokens=4))
    while not child.calls:
        await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGSEGV)
    os.kill(pid, signal.SIGCONT)
    assert isinstance((await answer).done, Completed)
    assert model.pid != pid
    assert "without CPU-specific kernels" in caplog.text


async def test_cancelling_while_a_long_prompt_is_read_frees_the_model(llama: Open, ask: Ask) -> None:
    model = llama(locate("smollm2-135m"), context_window=8192)
    async with aclosing(model.stream(request("word " * 7000, max_tokens=4))) as stream:
        async for chunk in stream:
            assert isinstance(chunk, Reading)
            if chunk.done > 0:
                assert chunk.done < chunk.total / 2
                break
    answer = await asyncio.wait_for(ask(model, "hi", max_tokens=2), 30)
    assert answer.done.usage.prompt_tokens < 100


async def test_a_request_cancelled_in_the_queue_is_never_worked_on(endless: Path, llama: Open, ask: Ask) -> None:
    model = llama(endless)
    async with aclosing(model.stream(request())) as running:
        async for chunk in running:
            if isinstance(chunk, Delta):
                break
        waiting = asyncio.create_task(ask(model, "hi", max_tokens=4000))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert (await asyncio.wait_for(ask(model, "hi"), 30)).text.startswith("Hello there")


async def test_closing_while_it_answers_ends_the_answer_and_the_process(endless: Path, llama: Open) -> None:
    model = llama(endless)
    stream = model.stream(request())
    async for chunk in stream:
        if isinstance(chunk, Delta):
            break
    pid = model.pid
    assert pid
    await model.aclose()
    with pytest.raises(ModelCrashed, match="was closed"):
        async for _ in stream:
            pass
    assert await gone(pid)


PARENT = """
import asyncio, sys
from tierwise.models import ChatRequest, Delta, LlamaModel
from tierwise.types import Message

async def main():
    model = LlamaModel(sys.argv[1])
    async for chunk in model.stream(ChatRequest((Message("user", "hi"),), max_tokens=4000)):
        if isinstance(chunk, Delta):
            print(model.pid, flush=True)
    await asyncio.Event().wait()  # until it is killed

asyncio.run(main())
"""


async def test_a_killed_parent_leaves_no_orphan_and_scripts_need_no_main_guard(endless: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(endless)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    parent.stdout.close()
    parent.wait()
    assert await gone(child)


async def test_dropping_the_model_ends_its_process(endless: Path, ask: Ask) -> None:
    model = LlamaModel(endless)
    await ask(model, "hi", max_tokens=2)
    pid = model.pid
    del model
    assert pid and await gone(pid)


async def test_a_short_lived_thread_may_start_it(endless: Path, llama: Open, ask: Ask) -> None:
    model = llama(endless)
    first = await asyncio.to_thread(lambda: asyncio.run(ask(model, "hi", max_tokens=3)).text)
    await asyncio.sleep(0.2)
    pid = model.pid
    assert pid and psutil.pid_exists(pid)
    assert (await ask(model, "hi", max_tokens=3)).text == first
    assert model.pid == pid


async def test_counting_does_not_wait_for_an_answer(endless: Path, llama: Open) -> None:
    model = llama(endless)
    async with aclosing(model.stream(request())) as stream:
        async for chunk in stream:
            if isinstance(chunk, Delta):
                break
        assert await asyncio.wait_for(model.count_tokens(["Hello there", "<|end|>", ""]), 60) == [2, 5, 0]
        assert child_of(model).calls, "the answer is not yet at its end"


async def test_a_cut_file(endless: Path, tmp_path: Path, llama: Open, ask: Ask) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(endless.read_bytes()[:-1000])
    with pytest.raises(ModelFileError, match=r"is cut: 1,000 bytes are missing"):
        await ask(llama(cut), "hi")
    with pytest.raises(ModelFileError, match="is cut"):
        _ = llama(cut).capabilities


async def test_random_bytes_behind_the_magic(tmp_path: Path, llama: Open, ask: Ask) -> None:
    noise = tmp_path / "noise.gguf"
    noise.write_bytes(b"GGUF" + bytes(range(256)) * 40)
    with pytest.raises(ModelFileError, match=r"noise\.gguf"):
        await ask(llama(noise), "hi")


async def test_too_large_for_memory(endless: Path, llama: Open, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 64 << 20)
    model = llama(endless)
    with pytest.raises(ModelFileError, match=r"does not fit into memory: it needs about .* are free"):
        await ask(model, "hi")
    assert model.pid is None


async def test_a_file_of_an_unknown_architecture(endless: Path, tmp_path: Path, llama: Open, ask: Ask) -> None:
    data = endless.read_bytes()
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(data.replace(b"phi3", b"phi9"))
    with pytest.raises(ModelFileError, match="unknown model architecture"):
        await ask(llama(odd), "hi")


async def test_a_file_that_is_not_there(tmp_path: Path, llama: Open, ask: Ask) -> None:
    with pytest.raises(ModelNotInstalled, match="cannot be opened"):
        await ask(llama(tmp_path / "absent.gguf"), "hi")


async def test_a_file_that_is_not_the_one_it_should_be(endless: Path, llama: Open, ask: Ask) -> None:
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        await ask(llama(endless, sha256="0" * 64), "hi")


async def test_only_a_vocabulary(llama: Open, ask: Ask) -> None:
    with pytest.raises(ModelFileError, match="no weights"):
        await ask(llama(VOCABULARY), "hi")


async def test_flipped_header_bytes_never_take_the_program_down(
    endless: Path, tmp_path: Path, llama: Open, ask: Ask
) -> None:
    import random

    data, dice = endless.read_bytes(), random.Random(7)
    loaded = 0
    for number in range(12):
        flipped = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            flipped[dice.randrange(4096)] ^= 1 << dice.randrange(8)
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(flipped)
        model = llama(path)
        try:
            await asyncio.wait_for(ask(model, "hi", max_tokens=2), 60)
            loaded += 1
        except ModelError as error:
            assert str(error)
        await model.aclose()
    assert loaded < 12
