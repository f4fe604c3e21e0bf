"""The whole job on a real Phi-3 file: how good its answers and their evidence are, and how fast it is.

    python -m benches.phi3 --gguf Phi-3-mini-4k-instruct-q4.gguf

A few documents are ingested into a fresh home; each question, whose answer is known, goes through the whole turn
(retrieve, draft, verify, cite) on the given model alone. Without a file it says so and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benches.decode import answering
from tierwise import Copilot, Settings, Tier
from tierwise.models import ChatRequest, Completed, LlamaModel, Reading
from tierwise.models.device.probe import usable_cores
from tierwise.turns import Answer
from tierwise.types import Message

DOCUMENTS = {
    "warranty.md": (
        "# Warranty\n\nThe kettle has a warranty of three years. Claims are reported within 14 days of the fault. "
        "Damage by limescale is not covered.\n"
    ),
    "opening.md": (
        "# Opening hours\n\nThe reading room opens at 9:30 on weekdays and at 11:00 on Saturdays. It is closed on "
        "Sundays. Dogs may come in on a lead.\n"
    ),
    "router.md": (
        "# Router\n\nHold the reset button for twelve seconds to restore the factory settings. The default address is "
        "192.168.77.1 and the light turns amber during an update.\n"
    ),
}
# Question, words of which one must stand in the answer; none means that the documents do not say it.
QUESTIONS = (
    ("How long is the warranty of the kettle?", ("three years", "3 years")),
    ("Within how many days is a claim reported?", ("14",)),
    ("Is damage by limescale covered?", ("not covered", "no,", "isn't")),
    ("When does the reading room open on Saturdays?", ("11",)),
    ("May I bring my dog into the reading room?", ("lead", "yes")),
    ("How long do I hold the reset button?", ("twelve", "12")),
    ("What colour is the light during an update?", ("amber",)),
    ("What is the default address of the router?", ("192.168.77.1",)),
    ("Who designed the kettle?", ()),
    ("What does the reading room cost?", ()),
)
UNKNOWN = ("not ", "n't", "no information", "unknown", "unclear")


def is_right(answer: Answer, wanted: tuple[str, ...]) -> bool:
    """Whether one of the wanted words stands in the answer, or that it says it does not know."""
    text = answer.text.lower()
    return any(word in text for word in wanted or UNKNOWN)


def whole_job(path: Path, threads: int) -> None:
    """Ask every question through the whole turn and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        for name, text in DOCUMENTS.items():
            (documents / name).write_text(text, encoding="utf-8")
        tier = Tier("quick", LlamaModel(path, threads=threads), max_tokens=160)
        with Copilot([tier], settings=Settings(home=Path(folder) / "home")) as copilot:
            copilot.knowledge.ingest([documents])
            right, sure, unsure, seconds, cited = 0, [], [], [], 0
            for question, wanted in QUESTIONS:
                started = time.perf_counter()
                answer = copilot.ask(question)
                seconds.append(time.perf_counter() - started)
                good = answer.status == "done" and is_right(answer, wanted)
                right += good
                cited += bool(answer.citations)
                p_good = answer.attempts[-1].p_good if answer.attempts else None
                if p_good is not None:
                    (sure if good else unsure).append(p_good)
                shown = "  - " if p_good is None else f"{p_good:.2f}"
                print(f"  {'right' if good else 'WRONG'}  p_good {shown}  {seconds[-1]:6.1f} s  {question}")
                print(f"         {' '.join((answer.text or answer.error or '').split())[:110]}")
    print(
        f"Right {right} of {len(QUESTIONS)}; with citations {cited}; median {statistics.median(seconds):.1f} s a turn"
    )
    for name, values in (("right", sure), ("wrong", unsure)):
        if values:
            print(f"  p_good of {name} answers: median {statistics.median(values):.2f} of {len(values)}")


async def speed(path: Path, threads: int) -> None:
    """Print how fast it reads and writes, and what its probabilities look like."""
    model = LlamaModel(path, threads=threads, context_window=2048)
    prompt = "Explain in three sentences why the sky is blue. " + "Be precise. " * 120
    started = time.perf_counter()
    read_at, total = started, 0
    async for chunk in model.stream(ChatRequest((Message("user", prompt),), max_tokens=64)):
        if isinstance(chunk, Reading):
            started = started if chunk.done else time.perf_counter()
            read_at, total = time.perf_counter(), chunk.total
        elif isinstance(chunk, Completed):
            written, evidence = chunk.usage.completion_tokens, chunk.evidence
    ended = time.perf_counter()
    await model.aclose()
    print(f"Reading {total / (read_at - started):.1f} tokens/s, writing {written / (ended - read_at):.1f} tokens/s")
    if evidence:
        mean = statistics.mean(evidence.logprobs)
        print(f"Mean log-probability {mean:.2f}, mean entropy {statistics.mean(evidence.entropies):.2f} nats")


def main() -> None:
    """Run everything on the given file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, help="a Phi-3 GGUF")
    parser.add_argument("--threads", type=int, default=usable_cores())
    args = parser.parse_args()
    if args.gguf is None:
        print("No Phi-3 file was given, so nothing was measured. Run: make bench-phi3 GGUF=/path/to/Phi-3-mini.gguf")
        return
    header = LlamaModel(args.gguf).capabilities
    print(f"{args.gguf.name}: window {header.context_window:,} tokens, {args.threads} thread(s)")
    asyncio.run(speed(args.gguf, args.threads))
    asyncio.run(answering(args.gguf, args.threads, rounds=2))
    whole_job(args.gguf, args.threads)


if __name__ == "__main__":
    main()
