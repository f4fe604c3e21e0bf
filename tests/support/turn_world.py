"""A home with copilots that can be held anywhere in a turn, and stopped or crashed there."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, Literal

from parts import MarkerVerifier, Shelf, TinyEmbedder

from tierwise import Copilot, Settings, Tier, ToolContext, tool
from tierwise.events import AnswerReady, Event, ToolFinished, TurnStarted
from tierwise.jsonable import to_json
from tierwise.models import ChatRequest
from tierwise.models.base import Chunk, Delta
from tierwise.record import lookup
from tierwise.runtime.running import RunningTurn
from tierwise.testing import ScriptedModel, Step
from tierwise.tool_settings import ToolSettings
from tierwise.types import ToolCall

Place = Literal["model", "words", "before effect", "after effect"]
STORES = ("record.sqlite", "threads.sqlite")
PLANS = {
    "plain": (),
    "note": (("note", "quick"),),
    "send": (("send", "quick"),),
    "all": (("look", "quick"), ("note", "quick"), ("send", "quick")),
    "up": (),
    "up note": (("note", "deep"),),
    "up send": (("send", "deep"),),
}
"""What a message of each kind makes the models ask for: tools, and who asks."""
_ASKED = re.compile(r"(x\d+x) ([a-z ]+)\.")
_UNKNOWN = "nobody knows"
_LONGEST = 60.0  # seconds; a turn here takes a few milliseconds


class Gate:
    """Holds whatever comes to one place, until it is opened."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._pass = 0
        self.reached = False

    def shut(self, place: Place | None, after: int = 0) -> None:
        """Hold what comes to a place, without the first ``after``."""
        self._place, self._pass, self.reached = place, after, False

    def open(self) -> None:
        self._place = None

    async def come(self, place: Place) -> None:
        if self._place == place and self._pass:
            self._pass -= 1
            return
        while self._place == place:
            self.reached = True
            await asyncio.sleep(0.002)


class World:
    """The home, who works in it, and what really happened."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tierwise-world-"))
        self.gate = Gate()
        self.effects: Counter[tuple[str, str, str]] = Counter()
        self.requests: list[tuple[str, list[dict[str, Any]]]] = []
        # Threads that were deleted a moment before a crash: here no step is stored before its turn is.
        self._young, lookup._YOUNG = lookup._YOUNG, 0.0
        self._homes = 0
        self.home = self._new_home()
        self.copilots = [self._open()]

    def close(self) -> None:
        self.gate.open()
        for copilot in self.copilots:
            copilot.close()
        self.copilots = []

    def drop(self) -> None:
        """Close, and leave nothing behind."""
        self.close()
        lookup._YOUNG = self._young
        shutil.rmtree(self.folder)

    def open_another(self) -> Copilot:
        """One more copilot on the same home."""
        self.copilots.append(self._open())
        return self.copilots[-1]

    def reopen(self) -> None:
        """Everybody closes and comes again."""
        number = len(self.copilots)
        self.close()
        self.copilots = [self._open() for _ in range(number)]

    def crash(self) -> None:
        """The machine stops here: only what is stored goes on, in a home that is as this one is now."""
        old, self.home = self.home, self._new_home()
        shutil.copytree(old, self.home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sqlite*", "backups"))
        for name in STORES:
            if (old / name).exists():
                with closing(sqlite3.connect(old / name)) as here, closing(sqlite3.connect(self.home / name)) as there:
                    here.backup(there)
        with closing(sqlite3.connect(self.home / STORES[0])) as db, db:
            db.execute("UPDATE turns SET owner = 'dead:process' WHERE status = 'running'")
        number = len(self.copilots)
        for copilot in self.copilots:  # in the home that nobody looks at any more; held work is cancelled
            copilot.close()
        self.gate.open()
        self.copilots = [self._open() for _ in range(number)]

    def checkpoints(self) -> int:
        """How many are stored."""
        with closing(sqlite3.connect(self.home / STORES[1])) as db:
            return int(db.execute("SELECT count(*) FROM checkpoints").fetchone()[0])

    def _new_home(self) -> Path:
        self._homes += 1
        home = self.folder / f"home-{self._homes}"
        home.mkdir()
        return home

    def _open(self) -> Copilot:
        quick = _Held([lambda request: self._step("quick", request)], "quick", True, self.gate)
        deep = _Held([lambda request: self._step("deep", request)], "deep", False, self.gate)
        settings = Settings(home=self.home, tools=ToolSettings(approval={"note": "free", "send": "ask"}))
        return Copilot(
            [Tier("quick", quick), Tier("deep", deep)], settings=settings, home=self.home, retriever=Shelf(),
            embedder=TinyEmbedder(), verifier=MarkerVerifier(), tools=self._tools(),
        )  # fmt: skip

    def _step(self, tier: str, request: ChatRequest) -> Step:
        self.requests.append((tier, [to_json(message) for message in request.messages]))
        place = max(n for n, message in enumerate(request.messages) if message.role == "user")
        found = _ASKED.findall(request.messages[place].content)
        token, plan = found[-1]
        had = [message.content for message in request.messages[place:] if message.role == "tool"]
        calls = [name for name, who in PLANS[plan] if who == tier]
        if calls and not had:
            return Step("On it.", calls=tuple(ToolCall(f"c{n}", name, {"text": token}) for n, name in enumerate(calls)))
        if plan.startswith("up") and tier == "quick":
            return Step(f"UNSURE about {token}.")
        return Step(f"{tier} says of {token}: {'; '.join(had) or 'fine'}.")

    def _tools(self) -> list[Any]:
        def writer(name: str) -> Any:
            @tool(name=name, effects="write")
            async def write(context: ToolContext, text: str) -> str:
                """Write a line.

                Args:
                    text: the line.
                """
                await self.gate.come("before effect")
                self.effects[context.turn_id, name, text] += 1
                await self.gate.come("after effect")
                return f"{name} did {text}"

            return write

        @tool(effects="read")
        def look(text: str) -> str:
            """Look.

            Args:
                text: at what.
            """
            return f"saw {text}"

        return [look, writer("note"), writer("send")]


class _Held(ScriptedModel):
    """A scripted model that can be held before its answer and after each word."""

    def __init__(self, steps: list[Callable[[ChatRequest], Step]], name: str, on_device: bool, gate: Gate) -> None:
        super().__init__(steps, name=name, on_device=on_device, host=None if on_device else "h.invalid", repeat=True)
        self._gate = gate

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        await self._gate.come("model")
        async with aclosing(super().stream(request)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk
                if isinstance(chunk, Delta):
                    await self._gate.come("words")


class Told:
    """What the people were told: it has to stay true."""

    def __init__(self) -> None:
        self.threads: dict[str, list[str]] = {}
        self.answers: dict[str, str] = {}
        self.done: set[tuple[str, str]] = set()

    def hear(self, event: Event) -> None:
        if isinstance(event, TurnStarted):
            turns = self.threads.setdefault(event.thread, [])
            if event.turn_id not in turns:
                turns.append(event.turn_id)
        elif isinstance(event, AnswerReady) and event.answer.status == "done":
            self.answers[event.turn_id] = event.answer.text
        elif isinstance(event, ToolFinished) and event.ok and event.name != "look":
            self.done.add((event.turn_id, event.name))

    def forget(self, thread: str) -> None:
        for turn in self.threads.pop(thread):
            self.answers.pop(turn, None)
            self.done = {(one, name) for one, name in self.done if one != turn}


def decide_all(world: World, copilot: Copilot, turn: str, *, allow: bool) -> None:
    """A person decides on all that waits, and looks first where nobody knows whether a call was done."""
    for call in copilot.record.waiting_calls(turn):
        there = world.effects[turn, call.name, call.arguments["text"]] > 0
        copilot.decide(turn, call.id, allow=allow and not (_UNKNOWN in call.why and there))
    if (outgoing := copilot.record.waiting_outgoing(turn)) is not None:
        copilot.decide_sending(turn, outgoing.id, allow=allow)


def wait_for(turn: RunningTurn) -> None:
    """Wait for its end, which has to come."""
    assert turn.wait(_LONGEST), f"{turn.asked!r} comes to no end"


def token_in(messages: list[dict[str, Any]]) -> set[str]:
    """The tokens of all messages that a request holds, in any of its words."""
    return set(re.findall(r"x\d+x", json.dumps(messages)))
