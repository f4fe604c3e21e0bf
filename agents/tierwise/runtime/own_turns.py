"""One's own recorded turns as questions to calibrate on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tierwise.config import Tier
from tierwise.routing.thread.leaning import leans_back
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.turns import DecisionRecord

# A long history is counted again after every turn, and its questions stay the same.
_leans_back = lru_cache(maxsize=20_000)(leans_back)


def turn_questions(records: Iterable[DecisionRecord], tiers: Sequence[Tier]) -> list[LabelledQuestion]:
    """The questions among recorded turns that stand on their own, with what is known of their answers.

    Left out: what was ever asked under a lock; offline turns; turns without an answer; questions that lean on the ones
    before ("and in French?"), which mean nothing without them; turns that ended with calls for their caller to run; a
    question asked twice counts once, the last time.

    What the largest tier answered is taken over, so that it need not be asked again. Thumbs and overrules say how good
    the served answer was.

    Args:
        records: the turns, oldest first.
        tiers: cheapest first.
    """
    names = [tier.name for tier in tiers]
    turns = list(records)
    locked = {record.asked for record in turns if record.locked}
    found: dict[str, LabelledQuestion] = {}
    for record in turns:
        if record.asked in locked or record.offline or record.status != "done" or _leans_back(record.asked):
            continue
        if record.calls:
            continue
        answers = {a.tier: a.text for a in record.attempts if a.tier == names[-1] and a.outcome == "accepted"}
        found[record.asked] = LabelledQuestion(
            id=record.turn_id, question=record.asked, answers=answers, right=_judged(record, names)
        )
    return list(found.values())


def _judged(record: DecisionRecord, names: Sequence[str]) -> dict[str, float]:
    if record.final is None or record.final not in names:
        return {}
    if record.overruled == "escalate" or (record.feedback or "").startswith("down"):
        return {record.final: 0.0}
    return {record.final: 1.0} if (record.feedback or "").startswith("up") else {}
