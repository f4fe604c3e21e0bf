"""The demo: documents in, questions out, one of them asked of a second tier, and the reasons."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.config import Limits, Price, Settings, Tier
from tierwise.turns import Answer
from tierwise_app.cli.ingest import print_problems
from tierwise_app.console import err, out
from tierwise_app.live import TurnView, run_turn
from tierwise_app.progress import ingest_bar
from tierwise_app.samples import COLLECTION, QUESTIONS, TRY_QUESTION, documents

if TYPE_CHECKING:
    from rich.console import Console

    from tierwise import Copilot

QUICK = Tier("quick", "llama:smollm2-135m", max_tokens=160)
# The stand-in reads and writes at this machine's pace, as quick does, which has no clock.
_AT_ITS_PACE = Limits(first_token=600.0, between_tokens=120.0, total=1200.0)


def run_demo(settings: Settings, *, quiet: bool = False) -> list[Answer]:
    """Run the main job and print everything as it happens.

    Args:
        settings: the settings in force; a hosted tier in them is used, else a stand-in is served on this machine.
        quiet: leave stdout to the caller.

    Returns:
        The answers, in the order of the questions.

    Raises:
        TierwiseError: if the embedded model or the stores cannot be used.
    """
    from tierwise import Copilot

    with ExitStack() as stack:
        say = err() if quiet else out()
        tiers = stack.enter_context(_tiers(settings, say))
        copilot = stack.enter_context(Copilot(settings=replace(settings, tiers=tiers)))
        _ingest(copilot, say)
        answers = []
        for n, question in enumerate(QUESTIONS, 1):
            say.print(f"\n{n}. {question.text}  ({question.shows})", style="bold")
            view = TurnView(quiet=quiet, drafts=True)
            answers.append(run_turn(copilot, question.text, view, collection=COLLECTION, lock=question.lock))
    _say_next(say)
    return answers


@contextmanager
def _tiers(settings: Settings, say: Console) -> Iterator[tuple[Tier, ...]]:
    """The configured tiers if one of them is hosted; else the local one and a stand-in behind real HTTP."""
    from tierwise.models import open_model
    from tierwise.testing import LoopbackServer

    if any(not tier.stays_on_device for tier in settings.tiers):
        say.print(f"Tiers: {', '.join(f'{t.name} ({t.model_name})' for t in settings.tiers)}\n")
        yield settings.tiers
        return
    model = open_model(QUICK, home=settings.home)
    local = settings.tiers or (replace(QUICK, model=model),)
    try:
        with LoopbackServer(model) as server:
            say.print(f"On this machine: {', '.join(f'{t.name} ({t.model_name})' for t in local)}.")
            say.print("No hosted model is configured, so deep is a stand-in: the same small model behind a real HTTP")
            say.print("server on this machine. The way there is real; the quality is not that of a large model.\n")
            yield (*local, _stand_in(server.url, taken={tier.name for tier in local}))
    finally:
        asyncio.run(model.aclose())


def _stand_in(url: str, taken: set[str]) -> Tier:
    return Tier(
        "stand-in" if "deep" in taken else "deep",
        "openai:smollm2-135m",
        base_url=url,
        price=Price(),
        max_tokens=160,
        limits=_AT_ITS_PACE,
        context_window=8192,
        stand_in=True,
    )


def _ingest(copilot: Copilot, say: Console) -> None:
    for folder, collection in documents():
        say.print(f"Reading {_short(folder)} into collection {collection!r} ...")
        with ingest_bar() as progress:
            report = copilot.knowledge.ingest([folder], collection=collection, progress=progress)
        print_problems(err(), report)
        kinds = sorted({Path(s.path).suffix.lstrip(".") for s in report.sources if s.status != "removed"})
        counts = {name: getattr(report, name) for name in ("added", "changed", "removed", "unchanged", "failed")}
        listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        say.print(f"  {listed} ({', '.join(kinds)}) in {report.seconds:.1f} s")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say_next(say: Console) -> None:
    program = program_name()
    say.print("\nTry next:", style="bold")
    say.print(f'  {program} ask "{TRY_QUESTION}" --collection {COLLECTION}')
    say.print(f"  {program} why")
    say.print(f"  {program} chat --collection {COLLECTION}")


def program_name() -> str:
    """What to type to start this very program again: its bare name if the shell finds it under that, else its path."""
    started = Path(sys.argv[0])
    found = shutil.which("tierwise")
    if started.name != "tierwise" or not started.is_file():
        return f"{_short(Path(sys.executable))} -m tierwise_app"
    if found and Path(found).resolve() == started.resolve():
        return "tierwise"
    return str(_short(started.absolute()))
