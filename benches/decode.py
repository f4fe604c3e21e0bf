"""The local model: what evidence costs, our loop beside the binding's own, prefix reuse, and how fast Stop is.

    python -m benches.decode [--threads N] [--rounds N] [--gguf PATH]

Bars: evidence <= 10 % per token on 135M and 5 % from 0.5B, our loop >= 0.95x the binding's, beside a busy program
>= 0.9x the best fixed number of threads, idle <= 200 ms after Stop.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

from benches.local import Local
from tierwise.models import ChatRequest, Delta, LlamaModel, Reading, locate
from tierwise.models.device.probe import usable_cores
from tierwise.models.local.answer import Generation
from tierwise.types import Message

TOKENS = 48
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. "


def ours(model: Local, prompt: list[int], *, evidence: bool) -> float:
    """Seconds a token of our loop, the prompt read beforehand."""
    return model.ask(prompt, Generation(max_tokens=TOKENS, evidence=evidence, lookup=False)).seconds_a_token


def bindings(llama: object, prompt: list[int]) -> float:
    """Seconds a token of the binding's own generator with its greedy sampler."""
    started = 0.0
    for count, _ in enumerate(llama.generate(prompt, temp=0.0, repeat_penalty=1.0)):  # type: ignore[attr-defined]
        started = started or time.perf_counter()
        if count == TOKENS:
            break
    return (time.perf_counter() - started) / TOKENS


def alternate(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """Median of each side, run in turns so that a busy machine slows all."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, taken in zip(sides, times, strict=True):
            taken.append(side())
    return [statistics.median(taken) for taken in times]


def decoding(path: Path, threads: int, rounds: int) -> None:
    """Our loop with and without evidence, in safe mode, and the binding's."""
    from llama_cpp import Llama

    engine = Local(path, threads=threads)
    choosing = Local(path, threads=usable_cores(), adapt=True)
    safe = Local(path, threads=threads, safe_mode=True)
    llama = Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)
    prompt = engine.tokens(TEXT * 5)
    with_evidence, without, plain, theirs, chosen = alternate(
        rounds,
        lambda: ours(engine, prompt, evidence=True),
        lambda: ours(engine, prompt, evidence=False),
        lambda: ours(safe, prompt, evidence=True),
        lambda: bindings(llama, prompt),
        lambda: ours(choosing, prompt, evidence=True),
    )
    print(f"Decoding, {threads} thread(s), median of {rounds} rounds of {TOKENS} tokens")
    print(
        f"  with evidence     {with_evidence * 1e3:7.2f} ms a token   {with_evidence / without - 1:+.1%} (bar: +10 %)"
    )
    print(f"  without           {without * 1e3:7.2f} ms a token")
    print(f"  the binding's     {theirs * 1e3:7.2f} ms a token   ours is {theirs / with_evidence:.2f}x (bar: 0.95x)")
    print(f"  safe mode         {plain * 1e3:7.2f} ms a token   {plain / with_evidence - 1:+.1%}")
    print(f"  choosing threads  {chosen * 1e3:7.2f} ms a token   {with_evidence / chosen:.2f}x of {threads} fixed")
    llama.close()


def beside_busy(path: Path, rounds: int) -> None:
    """Writing and reading while another program keeps one core busy, beside the best fixed number of threads."""
    chosen, fixed = Local(path, threads=usable_cores(), adapt=True), {n: Local(path, threads=n) for n in (1, 2)}
    prompt = chosen.tokens(TEXT * 5)
    chapters = [chosen.tokens(f"Chapter {n}. " + TEXT * 30) for n in range(rounds + 2)]
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        for n in range(2):  # it finds out what is best now
            ours(chosen, prompt, evidence=True)
            reading(chosen, chapters[rounds + n])
        writing = alternate(
            rounds,
            lambda: ours(chosen, prompt, evidence=True),
            *(partial(ours, model, prompt, evidence=True) for model in fixed.values()),
        )
        taken = [[reading(model, chapter) for model in (chosen, *fixed.values())] for chapter in chapters[:rounds]]
    finally:
        busy.kill()
    print(f"Beside one busy program, median of {rounds} rounds")
    for what, (adaptive, *counts) in (
        ("writing", writing),
        ("reading", [statistics.median(side) for side in zip(*taken, strict=True)]),
    ):
        figures = ", ".join(f"{n} thread(s) {1 / t:.0f}/s" for n, t in zip(fixed, counts, strict=True))
        print(
            f"  {what}: choosing threads {1 / adaptive:.0f} tokens/s; {figures}   "
            f"{min(counts) / adaptive:.2f}x of the best fixed (bar: 0.9x)"
        )


def reading(model: Local, prompt: list[int]) -> float:
    """Seconds a token of a prompt that is read whole."""
    heard = model.ask(prompt, Generation(max_tokens=1))
    assert heard.outcome is not None
    return heard.seconds_read / (heard.outcome.prompt_tokens - heard.outcome.cached_tokens)


async def first_text(model: LlamaModel, *messages: Message) -> tuple[float, str]:
    """Seconds until the first text, and the text."""
    started, first, text = time.perf_counter(), 0.0, ""
    async for chunk in model.stream(ChatRequest(messages, max_tokens=16)):
        if isinstance(chunk, Delta):
            first = first or time.perf_counter() - started
            text += chunk.text
    return first, text


async def idle_after(model: LlamaModel, text: str, *, writing: bool) -> float:
    """Seconds from closing a stream until the model has begun another request."""
    request = ChatRequest((Message("user", text),), max_tokens=400)
    async with aclosing(model.stream(request)) as stream:
        async for chunk in stream:
            if isinstance(chunk, Delta) if writing else isinstance(chunk, Reading) and chunk.done > 0:
                break
        await asyncio.sleep(0.05)  # in the middle of a step
        closing = time.perf_counter()
    async with aclosing(model.stream(ChatRequest((Message("user", "hi"),), max_tokens=1))) as stream:
        async for _ in stream:
            return time.perf_counter() - closing
    raise AssertionError("the model did not begin")


async def answering(path: Path, threads: int, rounds: int) -> None:
    """Prefix reuse and Stop, through the process, as a copilot has them."""
    model = LlamaModel(path, context_window=4096, threads=threads)
    cold, warm, reading, writing = [], [], [], []
    for n in range(rounds):
        history = [Message("user", f"Round {n}. " + TEXT * 30)]
        seconds, text = await first_text(model, *history)
        cold.append(seconds)
        history += [Message("assistant", text), Message("user", "And then?")]
        warm.append((await first_text(model, *history))[0])
        reading.append(await idle_after(model, f"Stop {n}. " + TEXT * 150, writing=False))
        writing.append(await idle_after(model, f"Go {n}. " + TEXT, writing=True))
    await model.aclose()
    first, follow_up = statistics.median(cold), statistics.median(warm)
    print(f"First text, median of {rounds}: {first:.2f} s; of a follow-up {follow_up:.2f} s")
    print(
        f"Idle after Stop (bar: 200 ms): {max(reading) * 1e3:.0f} ms at worst while reading, "
        f"{max(writing) * 1e3:.0f} ms while writing, of {rounds} each"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("TIERWISE_THREADS") or usable_cores()))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gguf", type=Path, help="default: the embedded SmolLM2")
    args = parser.parse_args()
    path = args.gguf or locate("smollm2-135m")
    decoding(path, args.threads, args.rounds)
    beside_busy(path, args.rounds)
    asyncio.run(answering(path, args.threads, args.rounds))


if __name__ == "__main__":
    main()
