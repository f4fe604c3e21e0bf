"""Unsupported sentences in the decision record: kept, public, and absent from old records."""

from __future__ import annotations

from tierwise.jsonable import from_json, to_json
from tierwise.record import answer_of
from tierwise.turns import DecisionRecord, Unsupported

SENTENCE = Unsupported(4, 9, "No so")


def test_the_record_keeps_them_and_the_answer_shows_them() -> None:
    record = DecisionRecord("t", "thread", "asked", "done", 0.0, text="Yes. No so", unsupported=(SENTENCE,))
    read = from_json(DecisionRecord, to_json(record))
    assert read == record
    assert answer_of(read).unsupported == (SENTENCE,)


def test_a_record_from_before_still_loads() -> None:
    old = to_json(DecisionRecord("t", "thread", "asked", "done", 0.0))
    del old["unsupported"]
    assert from_json(DecisionRecord, old).unsupported == ()
