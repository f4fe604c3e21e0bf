"""Every way out of the device under every lock: nobody is reached. The same turn without a lock reaches somebody."""

from __future__ import annotations

import sqlite3
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from outside import Outside
from parts import Shelf, passage
from tool_steps import calling

from tierwise import Answer, Copilot, Tier
from tierwise.errors import Blocked, ConfigError, ModelCrashed, StoreError, TierwiseError
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise.types import Message
from tierwise_tools import tool

CANARY = "kestrel"
"""A word that stands in locked text only."""
QUESTION = f"Where does the {CANARY} nest?"


class Vault(Shelf):
    """Documents of which one collection is locked."""

    def is_locked(self, name: str) -> bool:
        return name == "private"


class Broken(Shelf):
    """Documents whose locks cannot be read."""

    def is_locked(self, name: str) -> bool:
        raise StoreError("The store is damaged.")


@dataclass(frozen=True)
class Lock:
    """How a turn comes to be locked: options of the question, of the copilot, or what happens before."""

    ask: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Copilot], object] = lambda copilot: None


def _earlier(copilot: Copilot) -> object:
    return copilot.ask(QUESTION, thread="t", tier="quick", lock=True)


def _unreadable(copilot: Copilot) -> None:
    def fail(thread: str) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    copilot.record.is_locked = fail  # type: ignore[method-assign]


LOCKS = {
    "the message": Lock(ask={"lock": True}),
    "the thread": Lock(before=lambda copilot: copilot.record.lock_thread("t", True)),
    "the app": Lock(parts={"locked": True}),
    "offline, this question": Lock(ask={"offline": True}),
    "offline": Lock(parts={"offline": True}),
    "a collection that is named": Lock(ask={"collection": "private"}, parts={"retriever": Vault()}),
    "a passage that is found": Lock(parts={"retriever": Shelf(passage(f"The {CANARY} nests high.", locked=True))}),
    "a thread whose lock cannot be read": Lock(before=_unreadable),
    "a collection whose lock cannot be read": Lock(ask={"collection": "any"}, parts={"retriever": Broken()}),
    "an earlier message": Lock(before=_earlier),
}


@tool(effects="network")
def phone(number: str) -> str:
    """Call somebody.

    Args:
        number: whom.
    """
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(number) as reply:
        return str(reply.status)


@dataclass(frozen=True)
class Way:
    """A way out: what the tier on the device does, how it is asked, and what follows."""

    quick: tuple[Any, ...]
    ask: dict[str, Any] = field(default_factory=dict)
    then: Callable[[Copilot, Answer, Lock], object] = lambda copilot, answer, lock: None


def _again(copilot: Copilot, answer: Answer, lock: Lock) -> object:
    return copilot.again(answer.turn_id, tier="deep", offline=lock.ask.get("offline"))


def _would(copilot: Copilot, answer: Answer, lock: Lock) -> object:
    return copilot.outgoing(answer.turn_id, tier="deep")


def _yes(copilot: Copilot, answer: Answer, lock: Lock) -> None:
    if answer.outgoing is not None:
        copilot.decide_sending(answer.turn_id, answer.outgoing.id, allow=True)
        copilot.go_on(answer.turn_id)


WAYS = {
    "escalation": Way(("UNSURE",)),
    "fallback": Way((Step(f"The {CANARY}", error=ModelCrashed("It died.")),)),
    "a tier that is named": Way(("Fine.",), {"tier": "deep"}),
    "a form that is not kept": Way(("no number",), {"schema": {"type": "integer"}}),
    "asking again": Way(("Fine.",), then=_again),
    "shown first": Way(("UNSURE",), {"show_before_sending": "always"}, then=_yes),
    "a tool": Way((calling(("phone", {"number": "URL"})), "Done.")),
    "what would be sent": Way(("Fine.",), then=_would),
}
SENDS = [name for name in WAYS if name != "what would be sent"]


def go(way: Way, lock: Lock, copilots: Any, world: Outside) -> Copilot:
    calls = [calling(("phone", {"number": f"{world.hosted.url}/models"})) if one == WAYS["a tool"].quick[0] else one
             for one in way.quick]  # fmt: skip
    steps = iter(calls)

    def quick(request: Any) -> Any:
        return "Noted." if request.messages[-1] == Message("user", QUESTION) and not locked else next(steps, calls[-1])

    locked = False
    copilot: Copilot = copilots(quick, tools=[phone], **lock.parts)
    lock.before(copilot)
    locked = True
    try:
        question = "And now?" if lock is LOCKS["an earlier message"] else QUESTION
        answer = copilot.ask(question, thread="t", **(way.ask | lock.ask))
        way.then(copilot, answer, lock)
    except TierwiseError:
        pass  # a refusal is one way of not leaving
    return copilot


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_reached_under_a_lock(copilots: Any, world: Outside, way: str, lock: str) -> None:
    go(WAYS[way], LOCKS[lock], copilots, world)
    assert CANARY not in world.said
    assert world.tried == []
    # A tier that is asked for by name goes without the locked message, which it does not get to see.
    without = lock == "an earlier message" and way in ("a tier that is named", "asking again")
    assert world.contacts == 0 or without


@pytest.mark.parametrize("way", SENDS)
def test_the_same_without_a_lock_reaches_somebody(copilots: Any, world: Outside, way: str) -> None:
    go(WAYS[way], Lock(), copilots, world)
    assert world.contacts > 0


def test_the_proxy_of_the_environment_sees_nothing_under_a_lock(copilots: Any, world: Outside) -> None:
    deep = Tier("deep", "openai:big", base_url="http://hosted.invalid/v1")
    copilot = copilots("UNSURE", deep=deep)
    copilot.ask(QUESTION, lock=True)
    assert world.nothing_left
    copilot.ask(QUESTION)
    assert world.proxy.asked
    assert CANARY in world.said


def test_no_name_is_looked_up_under_a_lock(copilots: Any, world: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name)
        monkeypatch.delenv(name.lower())
    copilot = copilots("UNSURE", deep=Tier("deep", "openai:big", base_url="http://hosted.invalid/v1"))
    copilot.ask(QUESTION, lock=True)
    assert world.nothing_left
    copilot.ask(QUESTION)
    assert "hosted.invalid" in world.tried


def test_an_address_on_this_machine_proves_nothing(copilots: Any, world: Outside) -> None:
    here = Tier("deep", "openai:big", base_url=world.hosted.url, on_device=True)
    assert copilots("UNSURE").ask(QUESTION, lock=True).tier == "quick"
    assert world.contacts == 0
    assert copilots("UNSURE", deep=here).ask(QUESTION, lock=True).tier == "deep"  # its owner says so
    assert world.contacts == 1


def test_a_server_that_sends_elsewhere_is_not_followed(copilots: Any, world: Outside) -> None:
    from tierwise.testing import Fault

    with LoopbackServer(ScriptedModel(["Elsewhere."], repeat=True)) as elsewhere:
        for status in (301, 302, 307, 308):
            world.hosted.faults.append(Fault(status, headers={"Location": f"{elsewhere.url}/chat/completions"}))
            copilots("Fine.").ask(QUESTION, tier="deep")
        world.hosted.faults.clear()
    assert world.contacts > 0
    assert elsewhere.connections == 0


def test_an_embedder_elsewhere_is_refused(copilots: Any, world: Outside) -> None:
    from tierwise.config import EmbedderSettings
    from tierwise.models import open_embedder

    def elsewhere(on_device: bool) -> Any:
        return open_embedder(EmbedderSettings("openai:vectors", base_url=world.hosted.url, on_device=on_device))

    with pytest.raises(ConfigError):
        copilots("Fine.", embedder=elsewhere(False))
    assert world.nothing_left
    copilots("Fine.", embedder=elsewhere(True)).ask(QUESTION)
    assert world.contacts > 0


def test_choosing_without_drafting_sends_nothing(copilots: Any, world: Outside) -> None:
    copilot = copilots("Fine.")
    assert copilot.route(QUESTION, lock=True).choice == "quick"
    assert copilot.route(QUESTION, tier="deep").choice == "deep"
    with pytest.raises(Blocked):
        copilot.route(QUESTION, tier="deep", lock=True)
    assert world.nothing_left
