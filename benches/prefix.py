"""The first token of a follow-up turn, beside the bare binding that continues the same tokens.

    python -m benches.prefix [--threads N] [--rounds N] [--tokens N] [--gguf PATH]

Two threads: each goes on at once, then both take turns. Ours is the whole way (process, template, frames, evidence).
The binding gets ready tokens and a model for each thread, so that it always continues the prefix it holds.

Bar: ours <= 1.3x the binding's, also when two threads take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import Any

import psutil

from benches.decode import TEXT
from tierwise.models import ChatRequest, Completed, Delta, LlamaModel, locate
from tierwise.models.device.probe import usable_cores
from tierwise.models.gguf import read_header
from tierwise.models.local.engine import Engine
from tierwise.models.local.prefixes import common
from tierwise.models.local.templates import PromptFormat, prompt_tokens, shaped
from tierwise.models.memory import memory_need, prefix_budget
from tierwise.types import Message, Usage

ANSWER = 16
CONTEXT = 4096


class Prompts:
    """Makes the tokens that our prompts have."""

    def __init__(self, path: Path) -> None:
        self._engine = engine = Engine(str(path), n_ctx=64, n_threads=1)
        self._form = PromptFormat(engine.template, engine.control_texts, bos=engine.bos[1], eos=engine.eos[1])

    def plain(self, text: str) -> list[int]:
        """Tokens of a text."""
        return self._engine.tokenize(text, special=False)

    def of(self, history: list[Message]) -> list[int]:
        """Tokens of the prompt of a conversation."""
        return prompt_tokens(
            shaped([{"role": message.role, "content": message.content} for message in history]),
            self._form,
            self._engine.control_texts,
            lambda text, special: self._engine.tokenize(text, special=special),
        )


def bindings_first(llama: Any, prompt: list[int]) -> float:
    """Seconds until the first of ``ANSWER`` tokens of the binding's own generator."""
    started, seconds = time.perf_counter(), 0.0
    for count, _ in enumerate(llama.generate(prompt, temp=0.0, repeat_penalty=1.0), start=1):
        seconds = seconds or time.perf_counter() - started
        if count == ANSWER:
            break
    return seconds


async def first(model: LlamaModel, history: list[Message]) -> tuple[float, str, Usage]:
    """Seconds until our first text, the text, and what was read for it."""
    started, seconds, text = time.perf_counter(), 0.0, ""
    async for chunk in model.stream(ChatRequest(tuple(history), max_tokens=ANSWER)):
        if isinstance(chunk, Delta):
            seconds = seconds or time.perf_counter() - started
            text += chunk.text
        elif isinstance(chunk, Completed):
            usage = chunk.usage
    return seconds, text, usage


async def measure(path: Path, threads: int, rounds: int, tokens: int) -> None:
    """Both sides one after the other at every step, so that a busy machine slows both."""
    from llama_cpp import Llama

    model, prompts = LlamaModel(path, context_window=CONTEXT, threads=threads), Prompts(path)
    bare = [
        Llama(str(path), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False) for _ in range(2)
    ]
    question = TEXT * (tokens // len(prompts.plain(TEXT)))
    going_on: list[tuple[float, float]] = []
    in_turns: list[tuple[float, float]] = []
    unread, theirs_unread = 0, 0

    async def follow_up(llama: Any, history: list[Message], answer: str, times: list[tuple[float, float]]) -> str:
        nonlocal unread, theirs_unread
        history += [Message("assistant", answer), Message("user", "And what then?")]
        prompt = prompts.of(history)
        theirs_unread = max(theirs_unread, len(prompt) - common(llama.input_ids[: llama.n_tokens].tolist(), prompt))
        theirs = bindings_first(llama, prompt)
        seconds, answer, usage = await first(model, history)
        times.append((seconds, theirs))
        unread = max(unread, usage.prompt_tokens - usage.cached_tokens)
        return answer

    for n in range(rounds):
        conversations = [[Message("user", f"{who}, round {n}. " + question)] for who in ("Anna", "Bert")]
        answers = []
        for llama, history in zip(bare, conversations, strict=True):
            bindings_first(llama, prompts.of(history))
            _, answer, _ = await first(model, history)
            answers.append(await follow_up(llama, history, answer, going_on))
        for _ in range(2):
            for index, (llama, history) in enumerate(zip(bare, conversations, strict=True)):
                answers[index] = await follow_up(llama, history, answers[index], in_turns)
    used = psutil.Process(model.pid).memory_info()
    own = used.rss - used.shared  # the mapped file can be given back at any time
    header = read_header(path)
    need, stored = memory_need(header, CONTEXT), prefix_budget(header, CONTEXT)
    await model.aclose()
    for llama in bare:
        llama.close()
    print(
        f"First token of a follow-up, {threads} thread(s), at least {tokens} tokens kept, at most {unread} read "
        f"(the binding: {theirs_unread})"
    )
    _print("one thread going on", going_on)
    _print("two threads in turns", in_turns)
    print(
        f"  memory after {2 * rounds} conversations: {own / 1e6:.0f} MB of its own beside the mapped file; planned "
        f"{need.total / 1e6:.0f} MB with the file, and at most {stored / 1e6:.0f} MB for stored prefixes"
    )


def _print(what: str, times: list[tuple[float, float]]) -> None:
    ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
    print(
        f"  {what:22}{ours * 1e3:6.0f} ms, the binding {theirs * 1e3:4.0f} ms   {ours / theirs:.2f}x (bar: 1.3x), "
        f"median of {len(times)}"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("TIERWISE_THREADS") or usable_cores()))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=700, help="of the first question")
    parser.add_argument("--gguf", type=Path, help="default: the embedded SmolLM2")
    args = parser.parse_args()
    path = args.gguf or locate("smollm2-135m")
    asyncio.run(measure(path, args.threads, args.rounds, args.tokens))


if __name__ == "__main__":
    main()
