"""A home of the app as a month of use would have left it, for pictures: real documents and answers, made-up history."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tierwise import Copilot, load_settings
from tierwise.models import ChatRequest
from tierwise.record import Record
from tierwise.testing import Step
from tierwise.turns import Attempt, DecisionRecord, SentOut
from tierwise.types import Reason, ToolCall, Usage
from tierwise_app.samples import documents

COLLECTION = "papers"
HARD = "Which bus can we take to Vrata on a Sunday, and what does it cost?"
CITED = "What does a lost house key cost?"
LOCKED = "How many months does the warranty of the coffee machine last?"
NOTE = "Write the packing list for the ridge trail into packing.md"
SEND = "Plan the train and bus to the trail head for a Sunday"
_DAY = 86_400
_LINE = 0.55
_QUESTIONS = (
    "What was the boiler's last fault?",
    "How long is the notice period?",
    "How often is the coffee machine descaled?",
    "How much is the deposit?",
    "Is there water at the saddle?",
    "When does the night train leave?",
    "Who reads the meters?",
    "What does half board cost?",
)


def deep_answer(request: ChatRequest) -> Step:
    """What the larger tier says; it is a real server with answers written down here."""
    asked = request.messages[-1]
    question = next(message.content for message in reversed(request.messages) if message.role == "user")
    if asked.role == "tool":
        return Step("The packing list is in packing.md: liner, cash, one gas can, rain clothes and bottles.")
    if "packing.md" in question:
        text = "# Packing list\n\n- sleeping bag liner\n- cash for four huts\n- one gas can, 230 g\n- rain clothes\n"
        return Step("", calls=(ToolCall("c1", "write_file", {"path": "packing.md", "text": text, "mode": "create"}),))
    if HARD in question:
        return Step(
            "Line 36 to Vrata runs three a day (6:40, 11:15, 16:30) and is 4.20 each."
            " The 11:15 does not run on Sundays."
        )
    return Step("Take the 21:48 night train. On Sundays the 11:15 bus does not run, so take the one at 6:40 or 16:30.")


def fill(home: Path) -> None:
    """Read the sample documents, ask a few questions of the tiers that are configured, and make up a month before.

    Args:
        home: with a ``tierwise.toml``.
    """
    with closing(Record(home)) as record:
        for turn in _month():
            record.start(replace(turn, status="running"))
            record.finish(turn)
    folder = home.parent / "papers"
    shutil.copytree(documents()[0][0], folder, ignore=shutil.ignore_patterns("README.md"))
    with Copilot(settings=load_settings(home / "tierwise.toml", home=home)) as copilot:
        copilot.knowledge.ingest([folder], collection=COLLECTION)
        about = {"collection": COLLECTION, "show_before_sending": "never"}
        copilot.ask(LOCKED, thread="machine", lock=True, tier="quick", **about)
        copilot.record.lock_thread("machine", True)
        copilot.record.rename_thread("machine", "Coffee machine")
        copilot.ask(CITED, thread="flat", tier="quick", **about)
        copilot.record.rename_thread("flat", "Rental agreement")
        copilot.ask(HARD, thread="trail", **about)
        copilot.record.rename_thread("trail", "Karst ridge trail")


def _month() -> list[DecisionRecord]:
    """A month of turns, the oldest first: most stayed here, some went up, a few were disliked."""
    chance = random.Random(4)  # the same pictures every time
    now = time.time()
    return [
        _turn(n, now - _DAY * (29 - n * 29 / 180) - 3600, min(0.97, max(0.08, chance.gauss(0.68, 0.19))), chance)
        for n in range(180)
    ]


def _turn(n: int, created: float, p_good: float, chance: random.Random) -> DecisionRecord:
    up = p_good < _LINE
    line = Reason("p_good", f"The draft's chance of being right is {p_good:.2f}", p_good, _LINE)
    read, written = chance.randint(300, 1400), chance.randint(20, 160)
    attempts = [
        Attempt(1, "quick", "llama:smollm2-135m", "smollm2-135m", "discarded" if up else "accepted", "A draft.", p_good,
                (line,), Usage(read, written), ms=chance.uniform(700, 3000), first_token_ms=chance.uniform(150, 600))
    ]  # fmt: skip
    usd = 0.0
    if up:
        usd = (read * 2.5 + written * 10) / 1e6
        attempts.append(
            Attempt(2, "deep", "openai:large", "large", "accepted", "A better answer.", usage=Usage(read, written),
                    cost_usd=usd, ms=chance.uniform(1500, 6000), first_token_ms=chance.uniform(400, 1100))
        )  # fmt: skip
    liked = chance.random()
    return DecisionRecord(
        f"made-{n}",
        f"made-{n // 3}",
        _QUESTIONS[n // 3 % len(_QUESTIONS)],
        "done",
        created,
        chosen="quick",
        final=attempts[-1].tier,
        stage="post",
        text=attempts[-1].text,
        reasons=(line,),
        p_good={"quick": p_good},
        attempts=tuple(attempts),
        sent_out=SentOut(read * 4, 2, ("llm.example.com",)) if up else SentOut(),
        usage=sum((attempt.usage for attempt in attempts), Usage()),
        cost_usd=usd,
        ms={"total": sum(attempt.ms for attempt in attempts)},
        feedback="down" if liked < 0.06 else "up" if liked > 0.75 else None,
    )
