"""A program that ends when a person has been asked, but before the turn has come to rest: the decision still counts."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from parts import Shelf, passage
from tool_steps import Outbox, calling, echo

from tierwise import Copilot

ASKS = calling(("send", {"to": "ann", "text": "hi"}))
PASSAGE = passage("The order came on a Monday.")


def died_on_the_way(copilot: Copilot, home: Path) -> None:
    """As if the program had ended after the question was stored and before the turn rested."""
    with copilot.record._writing() as db:
        db.execute("UPDATE turns SET status = 'running', parked = NULL, owner = 'gone'")
    with sqlite3.connect(home / "threads.sqlite") as db:
        assert db.execute("DELETE FROM writes WHERE channel = '__interrupt__'").rowcount == 1
    db.close()
    copilot.record.repair()


@pytest.mark.parametrize("allow", [True, False])
def test_a_tool_that_was_decided_on(copilots: Any, own_home: Path, allow: bool) -> None:
    outbox = Outbox()
    copilot = copilots([ASKS, echo], tools=[outbox.send])
    turn = copilot.ask("Tell Ann.", thread="t").turn_id
    died_on_the_way(copilot, own_home)
    assert copilot.record.get(turn).status == "needs_approval"
    answer = copilot.approve(turn) if allow else copilot.deny(turn)
    assert answer.status == "done"
    assert outbox.sent == ([("ann", "hi")] if allow else [])


def test_a_request_that_was_decided_on(copilots: Any, own_home: Path) -> None:
    copilot = copilots(["I am UNSURE."], ["Yes."], retriever=Shelf(PASSAGE))
    asked = copilot.ask("Why?", show_before_sending="first")
    died_on_the_way(copilot, own_home)
    copilot.decide_sending(asked.turn_id, asked.outgoing.id, allow=True)
    answer = copilot.go_on(asked.turn_id)
    assert (answer.status, answer.text) == ("done", "Yes.")
