"""What the record keeps of requests that were shown: decisions, what was taken out, and older files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from old_stores import unpack

from tierwise.errors import InvalidInput
from tierwise.record import Record, TakenOut
from tierwise.turns import DecisionRecord, Outgoing, OutgoingItem
from tierwise.types import Passage

PAGE = "The fee of the pool is seven euros, and that of the sauna is nine, on all days but Sundays and holidays."


def passage(text: str, *, n: str = "p1", start: int = 0, source: str = "/d/a.txt") -> Passage:
    return Passage(n, source, "default", None, start, start + len(text), text)


def turn(turn_id: str = "one", **fields: object) -> DecisionRecord:
    return DecisionRecord(turn_id, "t", "Why?", "needs_approval", 1.0, passages=(passage(PAGE),), **fields)  # type: ignore[arg-type]


def outgoing(turn_id: str = "one", request: str = "r1") -> Outgoing:
    items = (
        OutgoingItem("earlier:zero", "earlier", "Before?", "Before?\n\nThen.", True),
        OutgoingItem("p1", "passage", "a.txt", f"a.txt\n{PAGE}", True),
        OutgoingItem("draft:one:quick", "draft", "Draft of quick", "Perhaps nine.", True),
        OutgoingItem("question", "question", "Your question", "Why?", False),
    )
    return Outgoing(request, turn_id, "deep", "openai:m", "h", items, 1, 1, None)


def store_with(home: Path, *turns: DecisionRecord) -> Record:
    store = Record(home)
    for one in turns:
        store.start(one)
    return store


def test_a_request_waits_is_decided_on_once_and_is_remembered_when_it_has_left(own_home: Path) -> None:
    store = store_with(own_home, turn())
    store.ask_to_send("t", "h", outgoing(request="r0"))
    store.ask_to_send("t", "h", outgoing())  # in its place
    assert [one.outgoing.id for one in store.sendings("one")] == ["r1"]
    assert store.waiting_outgoing("one") == outgoing()
    store.decide_sending(turn(), outgoing(), allow=True, without=["p1"])
    assert store.waiting_outgoing("one") is None
    with pytest.raises(InvalidInput, match="decided on already"):
        store.decide_sending(turn(), outgoing(), allow=False, without=[])
    assert not store.was_shown("t", "h")
    store.note_sent("one", "h")
    assert store.was_shown("t", "h")
    assert not store.was_shown("t", "elsewhere")
    assert not store.was_shown("u", "h")
    store.close()


def test_nothing_is_taken_out_by_a_no(own_home: Path) -> None:
    store = store_with(own_home, turn())
    store.ask_to_send("t", "h", outgoing())
    store.decide_sending(turn(), outgoing(), allow=False, without=["p1"])
    assert not store.taken_out("t")
    assert [one.state for one in store.sendings("one")] == ["denied"]
    store.close()


def test_what_was_taken_out_is_known_again(own_home: Path) -> None:
    store = store_with(own_home, turn())
    store.ask_to_send("t", "h", outgoing())
    store.decide_sending(turn(), outgoing(), allow=True, without=["p1", "earlier:zero", "draft:one:quick"])
    out = store.taken_out("t")
    assert out.turns == {"zero"}
    assert out.has_draft("Perhaps  nine.")
    assert out.has_passage(passage(PAGE))
    assert out.has_passage(passage("and that of the sauna", n="p2", start=37))  # a piece of the same place
    assert out.has_passage(passage(f"Opening. {PAGE} Closing.", n="p3", source="/copy/b.txt"))  # a copy with more
    assert not out.has_passage(passage("The library is free.", n="p4", start=500))
    assert out.repeated_in(f'{{"text": "{PAGE[:80]}"}}'.replace(" ", "\\n"))
    assert not out.repeated_in("The fee of the pool is seven.")
    # The draft stood after all: it is the answer of its turn.
    store.finish(turn(final="quick", text="Perhaps nine."))
    assert store.taken_out("t").turns == {"zero", "one"}
    assert store.taken_out("u") == TakenOut()
    store.close()


def test_it_goes_with_its_thread(own_home: Path) -> None:
    store = store_with(own_home, turn())
    store.ask_to_send("t", "h", outgoing())
    store.decide_sending(turn(), outgoing(), allow=True, without=["p1"])
    store.note_repeats("one", "quick")
    store.note_repeats("no such turn", "quick")
    assert store.taken_out("t").repeats == {"one"}
    store.delete_thread("t")
    store.close()
    db = sqlite3.connect(own_home / "record.sqlite")
    for table in ("sendings", "taken_out", "repeats"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    db.close()


def test_a_file_of_version_5_gets_the_tables_and_keeps_its_turns(own_home: Path) -> None:
    told = unpack("v5", own_home, "record.sqlite")
    store = Record(own_home)
    swim = [one["turn_id"] for one in told["turns"] if one["thread"] == "swim"]
    assert [one.turn_id for one in store.turns("swim")] == swim
    one = turn()
    store.start(one)
    store.ask_to_send("t", "h", outgoing())
    assert store.waiting_outgoing("one") == outgoing()
    store.finish(one, parked="waiting")
    store.close()
    Record(own_home).close()  # and once more


def test_the_usual_answer_is_the_mean_of_the_latest(own_home: Path) -> None:
    from tierwise.turns import Attempt
    from tierwise.types import Usage

    store = Record(own_home)
    assert store.usual_answer("deep") is None
    for n, tokens in enumerate((100, 300)):
        attempt = Attempt(1, "deep", "m", "m", "accepted", "x", usage=Usage(9, tokens))
        one = DecisionRecord(f"n{n}", "t", "Why?", "done", 1.0, attempts=(attempt,), final="deep")
        store.start(one)
        store.finish(one)
    assert store.usual_answer("deep") == 200
    assert store.usual_answer("quick") is None
    store.close()
