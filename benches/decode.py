"""The local model: what evidence costs, our loop beside the binding's own, prefix reuse, and how fast Stop is.

    python -m benches.decode [--threads N] [--rounds N] [--gguf PATH]

Bars: evidence <= 10 % per token on 135M, our loop >= 0.95x the binding's, idle <= 200 ms after Stop.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from tierwise.models import ChatRequest, Delta, LlamaModel, Reading, locate
from tierwise.models.llama import usable_cores
from tierwise.models.llama_engine import Engine, Generation, Outcome
from tierwise.types import Message

TOKENS = 48
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. "


def ours(engine: Engine, prompt: list[int], *, evidence: bool) -> float:
    """Seconds a token of our loop, the prompt read beforehand."""
    how = Generation(max_tokens=TOKENS, temperature=0.0, seed=None, stop=(), evidence=evidence)
    outcome = Outcome()
    started = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal started
        started = time.perf_counter()  # the last report: the prompt is read

    for _ in engine.answer(prompt, how, progress, outcome):
        pass
    return (time.perf_counter() - started) / outcome.completion_tokens


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

    engine = Engine(str(path), n_ctx=1024, n_threads=threads)
    choosing = Engine(str(path), n_ctx=1024, n_threads=usable_cores(), adapt=True)
    safe = Engine(str(path), n_ctx=1024, n_threads=threads, safe_mode=True)
    llama = Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)
    prompt = engine.tokenize(TEXT * 5, special=False)
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
    asyncio.run(answering(path, args.threads, args.rounds))


if __name__ == "__main__":
    main()
