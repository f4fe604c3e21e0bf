"""A program that answers the messages of a thread and says what it knows: the one that is killed.

    python -m benches.faults.turn_program HOME URL        go on where the last start ended, one JSON line a fact

Its tiers are a scripted model on the device and a hosted one behind HTTP (:func:`hosted_model`, served by whoever
starts it). Its tools read, write a line at once, and write a line after a person's yes. Some turns read documents, some
go up, one is shown before it leaves, one is asked again. Every start takes up what is parked, as ``tierwise threads
resume`` does, and asks what was not asked yet. The person in it says yes, but no to a call of which nobody knows
whether it was done.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tierwise import Copilot, Reason, Settings, Tier, ToolContext, Verdict, tool
from tierwise.config import Budget, Price
from tierwise.events import Event
from tierwise.jsonable import to_json
from tierwise.knowledge import Knowledge
from tierwise.models.base import ChatRequest
from tierwise.testing import ScriptedModel, Step
from tierwise.testing.loopback_embeddings import WordVectors
from tierwise.tool_settings import ToolSettings
from tierwise.types import Draft, ToolCall
from tierwise_tools import Tool

Say = Callable[[dict[str, Any]], None]
THREAD = "t"
MESSAGES = (
    "First: what do the papers say about the harbour?",
    "Second: look at the crane and note it.",
    "Third: send word to the pilot.",
    "Fourth: this one is hard.",
    "Fifth: this one is hard, and has to be noted.",
    "Sixth: what was the first question?",
)
OWED = {MESSAGES[1]: "note", MESSAGES[2]: "send", MESSAGES[4]: "note"}
"""The tool that has to have written, once the message is answered."""
AGAIN = 0  # the message that is asked again, of the larger tier, once all are answered
FOLLOW_UP = "Last: is everything in order?"
DOCUMENTS = {
    "harbour.md": "# The harbour\n\nThe harbour opened in 1907 and has four cranes.\n",
    "pilot.md": "# The pilot\n\nThe pilot lives beside the lighthouse.\n",
}
_WORD = 0.004  # seconds for a word of the models
_UNKNOWN = "nobody knows"


class Verifier:
    """Sends up every draft that says UNSURE."""

    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        """Look for the word."""
        unsure = "UNSURE" in draft.text
        return Verdict("escalate" if unsure else "accept", 0.2 if unsure else 0.9, (Reason("marker", "it says so"),))


def make_documents(home: Path) -> None:
    """Ingest the documents into a home, once."""
    folder = home.parent / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    knowledge = Knowledge(home, WordVectors())
    knowledge.ingest(folder)
    knowledge.close()


def effects(home: Path) -> list[tuple[str, str]]:
    """What the tools really did: ``(turn, tool)``, a line each."""
    path = home / "effects"
    return [(line.split()[0], line.split()[1]) for line in path.read_text().splitlines()] if path.exists() else []


def tools(home: Path) -> list[Tool[..., Any]]:
    """One that reads, one that writes at once, one that writes after a person's yes."""

    def writer(name: str) -> Tool[..., Any]:
        @tool(name=name, effects="write")
        def write(context: ToolContext, text: str) -> str:
            """Write a line.

            Args:
                text: the line.
            """
            write_line(home, f"{context.turn_id} {name} {text}")
            time.sleep(0.01)  # done, and not yet known to be done: the moment that matters
            return f"{name} is done"

        return write

    @tool(effects="read")
    def look(at: str) -> str:
        """Look.

        Args:
            at: at what.
        """
        return f"{at} seen"

    return [look, writer("note"), writer("send")]


def write_line(home: Path, line: str) -> None:
    """The effect itself."""
    with (home / "effects").open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def _asked(request: ChatRequest) -> tuple[str, list[str]]:
    """The question in force, and the results of tools since."""
    place = max(n for n, message in enumerate(request.messages) if message.role == "user")
    return request.messages[place].content, [m.content for m in request.messages[place:] if m.role == "tool"]


def _said(request: ChatRequest, who: str) -> Step:
    """An answer to the question that tells the results, long enough to be cut."""
    asked, results = _asked(request)
    word = next(m.split(":")[0] for m in (*MESSAGES, FOLLOW_UP) if m in asked)
    if MESSAGES[AGAIN] in asked:
        return Step(f"The harbour opened in 1907 and has four cranes. So says {who}.", delay=_WORD)
    filling = " ".join(f"word{n}" for n in range(12))
    return Step(f"{word}, says {who}: {filling}. {' / '.join(results)}".strip(), delay=_WORD)


def local_model(home: Path) -> ScriptedModel:
    """The tier on the device; what it gets is kept in the home, so that it survives."""

    def step(request: ChatRequest) -> Step:
        write_request(home, [to_json(message) for message in request.messages])
        asked, results = _asked(request)
        if MESSAGES[1] in asked and not results:
            calls = (ToolCall("c0", "look", {"at": "crane"}), ToolCall("c1", "note", {"text": "crane"}))
            return Step("On it.", calls=calls, delay=_WORD)
        if MESSAGES[2] in asked and not results:
            return Step("On it.", calls=(ToolCall("c0", "send", {"text": "come"}),), delay=_WORD)
        if MESSAGES[3] in asked or MESSAGES[4] in asked:
            return Step("UNSURE about this one, to be honest.", delay=_WORD)
        return _said(request, "quick")

    return ScriptedModel([step], name="scripted-quick", repeat=True)


def write_request(home: Path, messages: list[Any]) -> None:
    """Keep what the local model was asked."""
    with (home / "requests").open("a") as file:
        file.write(json.dumps(messages) + "\n")


def hosted_model() -> ScriptedModel:
    """What answers behind HTTP."""

    def step(request: ChatRequest) -> Step:
        asked, results = _asked(request)
        if MESSAGES[4] in asked and not results:
            return Step("Noting it.", calls=(ToolCall("h0", "note", {"text": "hard"}),), delay=_WORD)
        return _said(request, "deep")

    return ScriptedModel([step], name="hosted", on_device=False, host="127.0.0.1", repeat=True)


def copilot_at(home: Path, url: str, name: str) -> Copilot:
    """The program's copilot; ``name`` stands in its hosted requests, so that they can be told from those of others."""
    price = Price(input=1.0, output=2.0)
    deep = Tier("deep", f"openai:{name}", base_url=url, max_tokens=256, price=price)
    tiers = [Tier("quick", local_model(home)), deep]
    settings = Settings(
        home=home,
        tools=ToolSettings(approval={"note": "free", "send": "ask"}),
        show_before_sending="first",
        budget=Budget(day=1.0),
    )
    return Copilot(tiers, settings=settings, home=home, embedder=WordVectors(), verifier=Verifier(), tools=tools(home))


def life(home: Path, url: str, name: str, say: Say, *, follow_up: bool = False, began: float | None = None) -> None:
    """One start of the program, from opening to closing, unless it is killed.

    Args:
        home: folder of the stores.
        url: of the hosted tier.
        name: see :func:`copilot_at`.
        say: takes what the program knows, as it knows it.
        follow_up: ask one more question at the end.
        began: when the process started, by ``time.time()``.
    """
    began = time.time() if began is None else began
    with copilot_at(home, url, name) as copilot:
        say({"fact": "opened"})
        while (turn := copilot.record.parked_turn(THREAD)) is not None:
            called = time.time()
            first = True
            for event in _until_over(copilot, turn, say):
                if first:
                    first = False
                    now = time.time()
                    say({"fact": "resumed", "turn": turn, "start": now - began, "call": now - called})
                _tell(event, say)
        turns = copilot.record.turns(THREAD) if copilot.record.thread(THREAD) else []
        asked = {one.asked for one in turns}
        for message in MESSAGES:
            if message not in asked:
                _drive(copilot, copilot.stream(message, thread=THREAD), say)
        if not any(one.overrules for one in turns):
            old = next(one for one in copilot.record.turns(THREAD) if one.asked == MESSAGES[AGAIN])
            _drive(copilot, copilot.stream_again(old.turn_id, tier="deep"), say)
        if follow_up and FOLLOW_UP not in asked:
            _drive(copilot, copilot.stream(FOLLOW_UP, thread=THREAD), say)
        say({"fact": "finished"})


def _drive(copilot: Copilot, events: Iterator[Event], say: Say) -> None:
    turn = None
    for event in events:
        turn = event.turn_id
        _tell(event, say)
    if turn is not None and copilot.record.parked_turn(THREAD) == turn:
        for event in _until_over(copilot, turn, say):
            _tell(event, say)


def _until_over(copilot: Copilot, turn: str, say: Say) -> Iterator[Event]:
    """Decide on what waits and go on, until the turn is not parked any more."""
    while copilot.record.parked_turn(THREAD) == turn:
        for call in copilot.record.waiting_calls(turn):
            unknown = _UNKNOWN in call.why
            say({"fact": "unknown" if unknown else "decided", "turn": turn, "tool": call.name})
            copilot.decide(turn, call.id, allow=not unknown, reason="look first" if unknown else "")
        if (outgoing := copilot.record.waiting_outgoing(turn)) is not None:
            say({"fact": "shown", "turn": turn})
            copilot.decide_sending(turn, outgoing.id, allow=True)
        yield from copilot.stream_on(turn)


def _tell(event: Any, say: Say) -> None:
    if event.type == "turn.started":
        say({"fact": "stored", "turn": event.turn_id, "asked": event.asked})
    elif event.type == "tool.finished" and event.ok and event.name != "look":
        say({"fact": "effect", "turn": event.turn_id, "tool": event.name})
    elif event.type == "answer.ready":
        say({"fact": "answer", "turn": event.turn_id, "status": event.answer.status, "text": event.answer.text})
    elif event.type == "turn.failed":
        say({"fact": "failed", "turn": event.turn_id, "why": event.message})


def main() -> None:
    """Run it in this process."""
    import psutil

    home, url = Path(sys.argv[1]), sys.argv[2]
    began = psutil.Process().create_time()
    life(home, url, home.name, lambda fact: print(json.dumps(fact), flush=True), follow_up=True, began=began)


if __name__ == "__main__":
    main()
