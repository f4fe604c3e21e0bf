"""Answers that were replaced or judged, and what a record of an older tierwise becomes."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import to_json
from tierwise.errors import InvalidInput, TierwiseError
from tierwise.record import Feedback, Record
from tierwise.record.file.schema import VERSION
from tierwise.turns import DecisionRecord, PastTurn, SentOut
from tierwise.types import Overrule, Reason

# The tables of user_version 1, as the first tierwise made them.
VERSION_1 = """
CREATE TABLE threads (
  thread TEXT PRIMARY KEY, created REAL NOT NULL, locked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE turns (
  n INTEGER PRIMARY KEY,
  turn_id TEXT NOT NULL UNIQUE,
  thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
  created REAL NOT NULL,
  status TEXT NOT NULL,
  owner TEXT NOT NULL,
  locked INTEGER NOT NULL DEFAULT 0,
  asked TEXT NOT NULL,
  text TEXT NOT NULL DEFAULT '',
  record TEXT NOT NULL
) STRICT;
CREATE INDEX turns_by_thread ON turns (thread, n);
CREATE TABLE partials (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, tier TEXT NOT NULL, model TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (turn_id, attempt)
) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (asked, text, content='turns', content_rowid='n');
CREATE TRIGGER words_insert AFTER INSERT ON turns BEGIN
  INSERT INTO words (rowid, asked, text) VALUES (new.n, new.asked, new.text);
END;
CREATE TRIGGER words_delete AFTER DELETE ON turns BEGIN
  INSERT INTO words (words, rowid, asked, text) VALUES ('delete', old.n, old.asked, old.text);
END;
CREATE TRIGGER words_update AFTER UPDATE OF asked, text ON turns BEGIN
  INSERT INTO words (words, rowid, asked, text) VALUES ('delete', old.n, old.asked, old.text);
  INSERT INTO words (rowid, asked, text) VALUES (new.n, new.asked, new.text);
END;
PRAGMA user_version = 1;
"""
NEW_FIELDS = ("collection", "overruled", "overrules")


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def done(
    store: Record, turn_id: str, *, final: str = "quick", overrule: Overrule | None = None, **fields: object
) -> DecisionRecord:
    begun = DecisionRecord(turn_id, "t", f"question {turn_id}", "running", time.time(), **fields)  # type: ignore[arg-type]
    store.start(begun)
    ended = replace(begun, status="done", text=f"answer {turn_id}", final=final)
    store.finish(ended, overrule=overrule)
    return ended


def said(store: Record, **how: str | None) -> list[str]:
    return [m.content for m in store.history("t", with_locked=True, **how)[::2]]  # type: ignore[arg-type]


# -- overrules ---------------------------------------------------------------------------------------------------------


def test_an_overruled_answer_leaves_the_conversation_and_stays_in_the_record(record: Record) -> None:
    done(record, "a")
    done(record, "b")
    done(record, "c", final="deep", overrules="b", overrule="escalate")
    assert said(record) == ["question a", "question c"]
    assert [t.turn_id for t in record.recent("t")] == ["a", "c"]
    assert [t.turn_id for t in record.turns("t")] == ["a", "b", "c"]
    assert [t.turn_id for t in record.search("question b")] == ["b"]
    assert record.get("b").overruled == "escalate"
    assert record.get("c").overrules == "b"
    assert record.successor("b") == "c"
    assert record.successor("a") is None


@pytest.mark.parametrize("status", ["failed", "stopped", "blocked"])
def test_without_another_answer_the_old_one_stands(record: Record, status: str) -> None:
    done(record, "a")
    begun = DecisionRecord("b", "t", "question a", "running", time.time(), overrules="a")
    record.start(begun)
    assert said(record) == ["question a"]  # also while the other is being written
    record.finish(replace(begun, status=status, text="part"))  # type: ignore[arg-type]
    assert record.get("a").overruled is None
    assert said(record)[0] == "question a"


def test_only_the_first_of_two_takes_the_place(record: Record) -> None:
    done(record, "a")
    done(record, "b", final="deep", overrules="a", overrule="escalate")
    done(record, "c", final="deep", overrules="a", overrule="escalate")
    assert record.successor("a") == "b"
    assert [(t.turn_id, t.overrule) for t in record.recent("t")] == [("b", "escalate"), ("c", None)]


def test_a_question_asked_again_is_read_with_what_had_been_said_before_it(record: Record) -> None:
    for turn_id in ("a", "b", "c"):
        done(record, turn_id)
    assert said(record, before="b") == ["question a"]
    done(record, "d", final="deep", overrules="b", overrule="escalate")
    assert said(record, before="d") == ["question a"]  # it stands for b, wherever it came
    assert said(record, before=None) == ["question a", "question c", "question d"]
    assert said(record, before="no such turn") == ["question a", "question c", "question d"]


def test_locked_turns_count_as_far_as_they_are_read(record: Record) -> None:
    done(record, "a")
    done(record, "b", locked=True)
    assert record.has_locked_turns("t")
    assert not record.has_locked_turns("t", before="a")


def test_what_is_known_of_recent_turns(record: Record) -> None:
    begun = DecisionRecord("a", "t", "why?", "running", time.time(), requested_tier="deep", locked=True)
    record.start(begun)
    assert record.recent("t") == []
    reasons = (Reason("requested", "You asked for deep."), Reason("other", "x"))
    record.finish(replace(begun, status="done", text="so", final="deep", stage="manual", reasons=reasons))
    assert record.recent("t") == [PastTurn("a", "why?", "done", "deep", "deep", "manual", "requested", True)]
    for n in range(5):
        done(record, f"b{n}")
    assert [t.turn_id for t in record.recent("t", limit=2)] == ["b3", "b4"]
    assert record.recent("unknown") == []


def test_records_of_a_period_come_in_order(record: Record) -> None:
    old = replace(done(record, "a"), created=1.0)
    record._db.execute("UPDATE turns SET created = 1.0 WHERE turn_id = ?", (old.turn_id,))
    done(record, "b")
    done(record, "c")
    assert [r.turn_id for r in record.records()] == ["a", "b", "c"]
    assert [r.turn_id for r in record.records(since=2.0)] == ["b", "c"]


# -- judgements --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("up", "up"),
        ("down", "down"),
        (" Down :  too long ", "down: too long"),
        ("DOWN: too\n  long ", "down: too long"),
        ("up:", None),
        ("up: short: and right", "up: short: and right"),
        ("", None),
        ("sideways", None),
        ("downhill", None),
        ("down too long", None),
        ("down: " + "x" * 501, None),
        ("down: caf\udce9", None),
    ],
)
def test_feedback_is_a_thumb_and_perhaps_a_reason(record: Record, said: str, kept: str | None) -> None:
    done(record, "a")
    if kept is None:
        with pytest.raises(InvalidInput):
            record.set_feedback("a", said)
        assert record.get("a").feedback is None
    else:
        assert record.set_feedback("a", said).feedback == kept
        assert record.get("a").feedback == kept


@given(st.text(max_size=60))
def test_feedback_that_is_kept_reads_the_same_again(text: str) -> None:
    try:
        feedback = Feedback.read(f"down: {text}")
    except TierwiseError:
        return
    assert Feedback.read(str(feedback)) == feedback


def test_a_turn_without_an_answer_cannot_be_judged(record: Record) -> None:
    record.start(DecisionRecord("a", "t", "why?", "running", time.time()))
    with pytest.raises(InvalidInput, match="no answer to judge"):
        record.set_feedback("a", "up")


def test_a_judgement_and_an_overrule_do_not_undo_each_other(record: Record) -> None:
    done(record, "a")
    record.set_feedback("a", "down: wrong")
    done(record, "b", final="deep", overrules="a", overrule="escalate")
    record.set_feedback("a", "down: still wrong")
    found = record.get("a")
    assert (found.feedback, found.overruled) == ("down: still wrong", "escalate")
    assert said(record) == ["question b"]


def test_stats_count_overrules_and_regret(record: Record) -> None:
    away = SentOut(900, 0, ("api.example",))
    done(record, "a")
    done(record, "b")
    done(record, "c", final="deep", overrules="b", overrule="escalate", sent_out=away)
    done(record, "d")
    record.set_feedback("d", "down")
    done(record, "e", final="deep", sent_out=away)
    done(record, "f", overrules="e", overrule="local")
    record.set_feedback("f", "up: fine")
    record.set_feedback("e", "down")  # not an answer from this device: no regret
    stats = record.stats()
    assert stats.overruled == {"escalate": 1, "local": 1}
    assert stats.thumbs == {"up": 1, "down": 2}
    assert (stats.regretted, stats.regret) == (2, 2 / 4)  # b and d of a, b, d, f
    assert record.stats(since=time.time() + 60).regret is None


# -- older files -------------------------------------------------------------------------------------------------------


def old_file(home: Path) -> list[DecisionRecord]:
    """A file of version 1 with three turns, one of them with a number that SQLite itself refuses."""
    home.mkdir(mode=0o700)
    rows = [
        DecisionRecord("old-1", "t", "first?", "done", 1.0, final="deep", stage="post", text="one",
                       reasons=(Reason("p_good", "low", 0.1, 0.5),), features={"logprob_min": float("-inf")}),
        DecisionRecord("old-2", "t", "second?", "done", 2.0, final="quick", stage="manual", text="two",
                       requested_tier="quick", locked=True, feedback="something the first tierwise let pass"),
        DecisionRecord("old-3", "t", "third?", "blocked", 3.0),
    ]  # fmt: skip
    db = sqlite3.connect(home / "record.sqlite")
    db.executescript(VERSION_1)
    db.execute("INSERT INTO threads VALUES ('t', 1.0, 1)")
    for row in rows:
        fields = {k: v for k, v in to_json(row).items() if k not in NEW_FIELDS}
        db.execute(
            "INSERT INTO turns (turn_id, thread, created, status, owner, locked, asked, text, record)"
            " VALUES (?, ?, ?, ?, '1:1', ?, ?, ?, ?)",
            (row.turn_id, row.thread, row.created, row.status, row.locked, row.asked, row.text, json.dumps(fields)),
        )
    db.commit()
    db.close()
    return rows


def version(home: Path) -> int:
    db = sqlite3.connect(home / "record.sqlite")
    (found,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return int(found)


def test_a_file_of_version_1_opens_and_keeps_everything(own_home: Path) -> None:
    rows = old_file(own_home)
    store = Record(own_home)
    assert store.turns("t") == rows
    assert store.is_locked("t")
    assert said(store) == ["first?", "second?"]
    assert [r.turn_id for r in store.search("two")] == ["old-2"]
    assert store.recent("t") == [
        PastTurn("old-1", "first?", "done", "auto", "deep", "post", "p_good"),
        PastTurn("old-2", "second?", "done", "quick", "quick", "manual", None, True),
    ]
    done(store, "new", final="deep", overrules="old-2", overrule="escalate")
    assert store.get("old-2").overruled == "escalate"
    store.close()
    assert version(own_home) == VERSION
    Record(own_home).close()  # and once more


def test_a_turn_that_cannot_be_brought_up_to_date_is_left_out_and_the_file_is_kept(own_home: Path) -> None:
    rows = old_file(own_home)
    db = sqlite3.connect(own_home / "record.sqlite")
    db.execute("UPDATE turns SET record = 'no record' WHERE turn_id = 'old-2'")
    db.commit()
    db.close()
    store = Record(own_home)
    assert store.turns("t") == [rows[0], rows[2]]
    assert [one.final for one in store.recent("t")] == ["deep"]
    store.close()
    (aside,) = own_home.glob("record.sqlite.damaged-*")
    db = sqlite3.connect(aside)
    assert db.execute("SELECT count(*) FROM turns WHERE record = 'no record'").fetchone() == (1,)
    db.close()


def test_several_who_open_an_old_file_at_once_migrate_it_once(own_home: Path) -> None:
    old_file(own_home)
    stores: list[Record] = []
    begin = threading.Barrier(4)

    def open_it() -> None:
        begin.wait()
        stores.append(Record(own_home))

    workers = [threading.Thread(target=open_it) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(stores) == 4
    for store in stores:
        assert len(store.turns("t")) == 3
        store.close()
