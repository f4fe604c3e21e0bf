"""Random conversations with a hosted tier, and a canary in everything that is locked.

Whoever answers is the worst that could be: the model on the device repeats all that it reads in whatever it writes, and
both models search where locked text lies. So a lock that is lost anywhere shows as a canary in a request.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierwise import Answer, Copilot, Passage, Reason, Settings, Tier, Verdict
from tierwise.errors import ModelCrashed, TierwiseError, Unreachable
from tierwise.models.base import ChatRequest
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise.types import Draft, ToolCall
from tierwise_tools import search_knowledge, tool

CANARY = re.compile(r"canary\d+x")
MOVES = (
    "ask", "ask locked", "ask vault", "ask deep", "ask offline", "ask shown", "ask collection", "again", "again deep",
    "lock", "unlock", "other thread", "reopen", "app locked", "app free", "improve",
)  # fmt: skip
_LONG = " and so on, with many more words than a small window holds" * 4


@dataclass
class Told:
    """What came of some conversations.

    Attributes:
        conversations: how many there were.
        turns: messages and questions that were asked again.
        left: requests that reached the hosted tier.
        locked: turns that ended locked.
        canaries: those that must not leave, how many were planted.
        escaped: ``(canary, what was done)`` of each that left.
    """

    conversations: int = 0
    turns: int = 0
    left: int = 0
    locked: int = 0
    canaries: int = 0
    escaped: list[tuple[str, str]] = field(default_factory=list)


class Shelf:
    """Two collections: ``vault`` is locked, ``open`` is not; a passage is found by any of its words."""

    def __init__(self, canaries: Sequence[str], locked: bool) -> None:
        self._locked = locked
        texts = [("vault", locked, f"The vault code is {one} today.") for one in canaries]
        texts += [("open", False, f"The garden opens at {hour}.") for hour in ("nine", "ten")]
        self._passages = [
            Passage(f"p{n}", f"/{name}/{n}.txt", name, None, 0, len(text), text, 0.8, None, locked)
            for n, (name, locked, text) in enumerate(texts)
        ]

    def search(self, query: str, *, k: int = 5, collection: str | None = None, vector: Any = None) -> list[Passage]:
        """Passages that share a telling word with the query."""
        words = {word for word in ("vault", "garden") if word in query.casefold()}
        found = [p for p in self._passages if any(word in p.text.casefold() for word in words)]
        return [p for p in found if collection in (None, p.collection)][:k]

    def is_locked(self, name: str) -> bool:
        """Only the vault is."""
        return name == "vault" and self._locked


class Unsure:
    """Wants every draft escalated that says so."""

    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        unsure = "UNSURE" in draft.text
        reason = Reason("marker", "the draft says so", value=float(unsure), threshold=0.5)
        return Verdict("escalate" if unsure else "accept", 0.2 if unsure else 0.9, (reason,))


class Play:
    """One conversation of several threads in a home of its own; the hosted tier is a real HTTP server.

    Args:
        home: an empty folder.
        server: the hosted tier; what it answers is set here.
        choose: every choice that is made.
        locks: false plays the same with no lock in force, to see that what is planted would be found.
    """

    def __init__(self, home: Path, server: LoopbackServer, choose: random.Random, *, locks: bool = True) -> None:
        self._home, self._server, self._choose, self._locks = home, server, choose, locks
        self.told = Told(conversations=1)
        self._made = 0
        self._vault = [self._canary(), self._canary()]
        self._forbidden, self._free = set(self._vault), set[str]()
        self._seen = len(server.requests)
        self._thread, self._app_locked, self._locked_threads = "a", False, set[str]()
        server.model = ScriptedModel([self._deep], name="big", repeat=True, tools="native")
        self._copilot = self._open()

    def close(self) -> None:
        """End it."""
        self._copilot.close()

    def do(self, move: str) -> None:
        """Make a move, then look at every request that it let out."""
        copilot, turns = self._copilot, dict[str, Answer]()
        own = self._canary()
        question = f"What of {own}, and the {self._choose.choice(('garden', 'weather', 'weather'))}?"
        if self._choose.random() < 0.1:
            question += _LONG
        if move == "lock" or move == "unlock":
            self._lock(move == "lock")
        elif move == "other thread":
            self._thread = "b" if self._thread == "a" else "a"
        elif move in ("reopen", "app locked", "app free"):
            self._app_locked = self._app_locked if move == "reopen" else move == "app locked"
            copilot.close()
            self._copilot = self._open()
        else:
            stays = self._app_locked or self._thread in self._locked_threads or move in ("ask locked", "ask vault")
            if move.startswith("ask") and stays:
                self._forbidden.add(own)
            turns = self._turn(move, question)
        self._look(move)
        for turn_id in turns:
            self.told.turns += 1
            record = copilot.record.get(turn_id)
            if record.locked:
                # From now on nothing of it may leave, in whatever request; what it repeats of others is theirs.
                self.told.locked += 1
                notes = (step.result for step in record.tools if step.name == "diary")
                self._forbidden |= set(CANARY.findall(" ".join((record.asked, *notes))))
            else:
                self._free |= set(CANARY.findall(record.asked))  # asked again, it may be locked
        self._forbidden -= self._free
        self.told.canaries = len(self._forbidden)

    def _lock(self, locked: bool) -> None:
        self._copilot.record.lock_thread(self._thread, locked and self._locks)
        (self._locked_threads.add if locked else self._locked_threads.discard)(self._thread)

    def _turn(self, move: str, question: str) -> dict[str, Answer]:
        copilot, answers = self._copilot, list[Answer]()
        options: dict[str, Any] = {
            "ask locked": {"lock": self._locks},
            "ask vault": {"collection": "vault"},
            "ask collection": {"collection": "open"},
            "ask deep": {"tier": "deep"},
            "ask offline": {"offline": True},
            "ask shown": {"show_before_sending": "always"},
        }.get(move, {})
        with suppress(TierwiseError):
            if move == "improve":
                answers += copilot.improve()
            elif move.startswith("again"):
                old = self._choose.choice(copilot.record.turns(self._thread) or [None])
                if old is not None:
                    answers.append(copilot.again(old.turn_id, tier="deep" if "deep" in move else "auto"))
            else:
                answers.append(copilot.ask(question, thread=self._thread, **options))
            while answers and (outgoing := answers[-1].outgoing) is not None:
                if self._choose.random() < 0.2:  # it is locked while it waits
                    self._lock(True)
                copilot.decide_sending(answers[-1].turn_id, outgoing.id, allow=self._choose.random() < 0.8)
                answers.append(copilot.go_on(answers[-1].turn_id))
        return {answer.turn_id: answer for answer in answers}

    def _look(self, move: str) -> None:
        requests = self._server.requests[self._seen :]
        self._seen = len(self._server.requests)
        self.told.left += len(requests)
        for request in requests:
            out = set(CANARY.findall(str(request))) & self._forbidden
            self.told.escaped += [(canary, move) for canary in sorted(out)]

    def _canary(self) -> str:
        self._made += 1
        return f"canary{self._made}x"

    def _open(self) -> Copilot:
        tiers = [
            Tier("quick", ScriptedModel([self._quick], name="small", repeat=True, context_window=2000)),
            Tier("deep", "openai:big", base_url=self._server.url),
        ]
        settings = Settings(home=self._home, locked=self._app_locked and self._locks)
        parts: dict[str, Any] = {
            "retriever": Shelf(self._vault, self._locks),
            "verifier": Unsure(),
            "embedder": _Embedder(),
        }
        return Copilot(tiers, settings=settings, home=self._home, tools=[search_knowledge, self._note()], **parts)

    def _note(self) -> Any:
        canary = self._canary

        @tool(effects="read")
        def diary() -> str:
            """Read the diary."""
            return f"Today: {canary()}"

        return diary

    def _quick(self, request: ChatRequest) -> Step:
        """Repeats all that it reads."""
        dice = self._choose.random()
        read = " ".join(message.content for message in request.messages)
        if dice < 0.15 and request.tools:
            return self._call()
        if dice < 0.3:
            return Step(f"Half {read}"[:4000], error=ModelCrashed("It died."))
        return Step(f"{'UNSURE' if dice < 0.75 else 'Sure:'} {' '.join(CANARY.findall(read))}.")

    def _deep(self, request: ChatRequest) -> Step:
        dice = self._choose.random()
        if dice < 0.25 and request.tools:
            return self._call()
        if dice < 0.35:
            return Step(error=Unreachable("It went away."))
        return Step(f"From outside: {len(request.messages)}.")

    def _call(self) -> Step:
        name, arguments = self._choose.choice(
            [("search_knowledge", {"query": "vault"}), ("search_knowledge", {"query": "garden"}), ("diary", {})]
        )
        return Step(calls=(ToolCall("1", str(name), dict(arguments)),))


class _Embedder:
    """Vectors that say nothing: what is told here does not depend on them."""

    identity, dimension = "none/1", 4

    def embed(self, texts: Sequence[str]) -> Any:
        import numpy as np

        return np.full((len(texts), self.dimension), 0.5, dtype=np.float32)


def add(sums: Told, one: Told) -> None:
    """Add what came of one conversation."""
    for name in ("conversations", "turns", "left", "locked", "canaries"):
        setattr(sums, name, getattr(sums, name) + getattr(one, name))
    sums.escaped += one.escaped


def play(
    home: Path, server: LoopbackServer, moves: Sequence[str], choose: random.Random, *, locks: bool = True
) -> Told:
    """One conversation of these moves."""
    one = Play(home, server, choose, locks=locks)
    try:
        for move in moves:
            one.do(move)
    finally:
        one.close()
    return one.told


def random_moves(choose: random.Random) -> list[str]:
    """Three to twelve moves, most of them questions."""
    weights = [6 if move.startswith("ask") else 2 for move in MOVES]
    return choose.choices(MOVES, weights, k=choose.randint(3, 12))
