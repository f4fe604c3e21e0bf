"""The app's chat under a lock: what is written there reaches nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from outside import Outside
from streamlit.testing.v1 import AppTest

from tierwise import Copilot
from tierwise_app.web import desk as desk_module
from tierwise_app.web.desk import Desk

CANARY = "kestrel"
QUESTION = f"Where does the {CANARY} nest?"
MAIN = Path(desk_module.__file__).with_name("main.py")


@pytest.fixture
def open_chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Copilot], AppTest]]:
    st.cache_resource.clear()

    def open_on(copilot: Copilot) -> AppTest:
        monkeypatch.setattr(desk_module, "Desk", lambda: Desk(copilot))
        return AppTest.from_file(str(MAIN), default_timeout=60).run()

    yield open_on
    st.cache_resource.clear()


def ask(app: AppTest, text: str) -> None:
    """Write a message and let its turn end."""
    app.chat_input[0].set_value(text).run()
    turn = list(desk_module.desk()._turns.values())[-1]
    assert turn.wait(60)
    app.run()
    assert not app.exception


@pytest.mark.parametrize("rule", ["message", "thread", "app", "offline", None])
def test_the_chat_reaches_nobody_under_a_lock(copilots: Any, world: Outside, open_chat: Any, rule: str | None) -> None:
    copilot = copilots("UNSURE", locked=rule == "app", offline=rule == "offline", retriever=None)
    app = open_chat(copilot)
    if rule in ("message", "thread"):
        app.toggle(key="ask-lock").set_value(True)
    ask(app, QUESTION)
    if rule == "thread":
        (thread,) = copilot.record.threads()
        copilot.record.lock_thread(thread.thread, True)
        app.run()
        ask(app, "And in winter?")
    assert world.nothing_left
    if rule is None:  # it was shown first; a yes lets it out
        (waiting,) = copilot.record.waiting_turns()
        copilot.decide_sending(waiting.turn_id, waiting.outgoing.id, allow=True)
        copilot.go_on(waiting.turn_id)
    assert (CANARY in world.said) == (rule is None)
