"""Sums by reason, tier and day, and records without their texts."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tierwise.record import DaySums, Record, sum_up
from tierwise.record.insights import quantile
from tierwise.turns import Attempt, DecisionRecord, Notice, SentOut
from tierwise.types import Passage, Reason, Usage

NOON = time.mktime((2026, 11, 20, 12, 0, 0, 0, 0, -1))
LOW = Reason("p_good", "It is too unlikely to be right.", 0.3, 0.55)


def attempt(n: int, tier: str, outcome: Any = "accepted", **fields: Any) -> Attempt:
    return Attempt(n, tier, "m", "m", outcome, "the words of a draft", **fields)


def turn(turn_id: str, *attempts: Attempt, **fields: Any) -> DecisionRecord:
    """An answered turn; something left the device if ``deep`` was asked."""
    tiers = [a.tier for a in attempts]
    record = DecisionRecord(
        turn_id, f"t-{turn_id[0]}", "why is it so?", "done", NOON, chosen=tiers[0] if tiers else None,
        final=tiers[-1] if tiers else None, text="the words of an answer", attempts=attempts,
        sent_out=SentOut(100, 0, ("h",)) if "deep" in tiers else SentOut(), cost_usd=sum(a.cost_usd for a in attempts),
    )  # fmt: skip
    return replace(record, **fields)


def escalated(turn_id: str, *reasons: Reason, outcome: Any = "discarded", **fields: Any) -> DecisionRecord:
    deep = attempt(2, "deep", usage=Usage(200, 50), cost_usd=0.25, ms=900.0, first_token_ms=300.0)
    return turn(turn_id, attempt(1, "quick", outcome, reasons=reasons, ms=100.0, first_token_ms=20.0), deep, **fields)


def test_escalations_are_counted_by_what_spoke_against_the_draft_first() -> None:
    doubted = Reason("doubted", "The first words are unsure.")
    found = sum_up([
        escalated("a", LOW, doubted),
        escalated("b", LOW),
        escalated("c", doubted),
        escalated("d", outcome="failed"),
        turn("e", attempt(1, "quick")),
        turn("f", attempt(1, "deep"), stage="pre", reasons=(Reason("gain", "deep is expected to do better."),)),
        turn("g", attempt(1, "deep"), requested_tier="deep", stage="manual"),
        turn("h", attempt(1, "quick"), status="failed"),
    ])  # fmt: skip
    assert found.escalated_by == {"p_good": 2, "doubted": 1, "failed": 1}
    assert found.ahead_by == {"gain": 1}
    assert (found.auto, found.escalated) == (6, 4)
    assert found.escalation_rate == pytest.approx(4 / 6)


def test_refusals_are_counted_by_what_stood_against_a_larger_tier() -> None:
    would = (Notice("would_escalate", "x"),)
    found = sum_up([
        turn("a", attempt(1, "quick"), refused="budget", notices=would),
        turn("b", attempt(1, "quick"), refused="lock", locked=True, notices=would),
        turn("c", attempt(1, "quick"), locked=True, notices=would),  # of before the record told
        turn("d", attempt(1, "quick"), offline=True, notices=would),
        turn("e", attempt(1, "quick"), notices=would),
        turn("f", status="blocked", locked=True),
        turn("g", status="blocked"),
        turn("h", attempt(1, "quick"), locked=True),  # it needed none
    ])  # fmt: skip
    assert found.refused_by == {"lock": 3, "budget": 1, "guard": 1, "offline": 1, "unknown": 1}


def test_waste_is_what_was_sent_out_and_then_answered_here() -> None:
    found = sum_up([escalated("a", LOW, overruled="local"), escalated("b", LOW), turn("c", attempt(1, "quick"))])
    assert (found.sent, found.wasted, found.waste, found.wasted_usd) == (2, 1, 0.5, 0.25)
    assert sum_up([turn("c", attempt(1, "quick"))]).waste is None


def test_each_tier_has_its_own_sums() -> None:
    quick = [
        turn(f"q{i}", attempt(1, "quick", usage=Usage(10, 5), ms=i * 10.0, first_token_ms=float(i)))
        for i in range(1, 21)
    ]
    quick[0] = replace(quick[0], feedback="up")
    quick[1] = replace(quick[1], feedback="down: wrong", overruled="escalate")
    found = sum_up([*quick, escalated("d", LOW, feedback="up")]).by_tier
    assert list(found) == ["quick", "deep"]
    one = found["quick"]
    assert (one.answers, one.attempts, one.up, one.down, one.replaced) == (20, 21, 1, 1, 1)
    assert (one.prompt_tokens, one.completion_tokens, one.cost_usd) == (200, 100, 0.0)
    assert (one.first_token_p50, one.first_token_p95, one.ms_p50, one.ms_p95) == (11.0, 20.0, 100.0, 190.0)
    assert (found["deep"].answers, found["deep"].up, found["deep"].cost_usd) == (1, 1, 0.25)


def test_days_hold_what_stayed_and_what_left() -> None:
    later = turn("b", attempt(1, "quick"), created=NOON + 2 * 86400)
    found = sum_up([later, escalated("a", LOW), turn("c", attempt(1, "quick"))])
    assert found.days == (DaySums("2026-11-20", 1, 1), DaySums("2026-11-22", 1, 0))
    assert found.threads == 3


def test_of_nothing_nothing_is_claimed() -> None:
    found = sum_up([])
    assert (found.escalation_rate, found.waste, found.by_tier, found.days) == (None, None, {}, ())
    assert quantile([], 0.5) is None


def store(record: Record, one: DecisionRecord) -> None:
    record.start(replace(one, status="running"))
    record.finish(one)


def test_outlines_lack_the_texts_and_follow_every_change(tmp_path: Path) -> None:
    record, other = Record(tmp_path), Record(tmp_path)
    passage = Passage("p", "/d.md", "c", None, 0, 5, "the words of a document")
    store(record, turn("aaaa", attempt(1, "quick", p_good=0.7), passages=(passage,), features={"x": math.nan}))

    (found,) = record.outlines()
    assert (found.asked, found.attempts[0].p_good, found.final) == ("why is it so?", 0.7, "quick")
    assert (found.text, found.attempts[0].text, found.passages) == ("", "", ())
    assert record.get("aaaa").text == "the words of an answer"  # the record itself is whole

    before = record.version()
    assert record.outlines()[0] is found  # read once
    assert record.version() == before
    other.set_feedback("aaaa", "down: no")  # another process
    assert record.version() != before
    assert record.outlines()[0].feedback == "down: no"
    store(record, turn("bbbb", attempt(1, "quick"), created=NOON + 10))
    assert [r.turn_id for r in record.outlines()] == ["aaaa", "bbbb"]
    assert [r.turn_id for r in record.outlines(NOON + 5)] == ["bbbb"]
    record.delete_thread("t-a")
    assert [r.turn_id for r in record.outlines()] == ["bbbb"]
    assert Record(tmp_path).version() not in (before, record.version())  # what was kept for one is not for the next
    assert record.stats().turns == 1
    assert json.dumps(record.insights().threads) == "1"
