"""No flapping: within a task a thread stays on its tier unless something changes. Up at once, down slowly.

A task that needed a larger tier is likely to need it for its follow-ups, too: "commit it" is as hard as what it refers
to. So a follow-up begins where the evidence led before it, without a draft of the cheapest tier, and after a few of
them the cheapest tier tries again. Pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.turns import PastTurn
from tierwise.types import Reason

# Follow-ups that stay without new evidence; then the cheapest tier drafts again.
STAY_TURNS = 3
# Least cosine (MiniLM) of a question to an earlier one of the same task. Of the examples in tests/support/follow_ups.py
# 16 of 18 that go on reach it, and none of 20 that do not: these end at 0.48.
SAME_TASK = 0.55
# From here on a question is the same one, asked again.
RETRY = 0.95


@dataclass(frozen=True, slots=True)
class Stay:
    """A tier to begin with for the sake of the conversation, with the causes."""

    tier: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What a thread has been at since evidence led to a larger tier.

    Attributes:
        tier: that tier.
        follow_ups: turns that have stayed on it since, without new evidence.
        questions: those of the task, oldest first.
    """

    tier: str
    follow_ups: int
    questions: tuple[str, ...]


def escalated(turn: PastTurn, tiers: Sequence[str]) -> bool:
    """Whether evidence led the turn to a tier above the cheapest: its draft's, a prediction's, or the user's overrule.

    A tier that was asked for by name is no evidence, nor is one that answered because another had failed.
    """
    led = turn.overrule == "escalate" or (turn.requested == "auto" and turn.stage in ("pre", "post"))
    return led and turn.stage != "fallback" and is_above(turn, tiers)


def is_above(turn: PastTurn, tiers: Sequence[str]) -> bool:
    """Whether a tier above the cheapest served the turn; a tier that is not configured any more is above none."""
    return turn.final in tiers[1:]


def task_above(turns: Sequence[PastTurn], tiers: Sequence[str]) -> Task | None:
    """The task the thread is at, if its last turn was served by a larger tier for a reason that still holds.

    Args:
        turns: of the thread, oldest first. Those without an answer say nothing and are passed over.
        tiers: names of the tiers, cheapest first.
    """
    questions: list[str] = []
    tier: str | None = None
    for turn in reversed(turns):
        if turn.final is None or turn.status == "failed":
            continue
        tier = tier or turn.final
        stayed = turn.stage == "policy" and turn.cause == "stays"
        if turn.final != tier or not is_above(turn, tiers):
            return None
        questions.insert(0, turn.asked)
        if escalated(turn, tiers):
            return Task(tier, len(questions) - 1, tuple(questions))
        if not stayed:
            return None
    return None


def stay(task: Task | None, likeness: float | None, *, leans: bool = False) -> Stay | None:
    """Whether a question begins on the tier of the task before it.

    Args:
        task: from :func:`task_above`.
        likeness: cosine of the question to that of the task's questions which is nearest; ``None`` if not known.
        leans: the question means nothing without what was said before, see
            :func:`~tierwise.routing.thread.leaning.leans_back`.

    Returns:
        The tier with two reasons: ``stays``, whose value is below its threshold, and ``same_task``, whose value (1 if
        the question leans) is at or above it. Were either on the other side, there would be no stay.
    """
    same = 1.0 if leans else likeness
    if task is None or same is None or same < SAME_TASK or task.follow_ups >= STAY_TURNS:
        return None
    so_far = f"{task.follow_ups} of {STAY_TURNS} follow-ups have stayed with it"
    near = f"The question is close to an earlier one of the task: {same:.2f}; {SAME_TASK:.2f} is needed."
    if leans:
        near = "The message means nothing without what was said before."
    return Stay(
        task.tier,
        (
            Reason(
                "stays",
                f"This goes on with what {task.tier} answered; {so_far}.",
                float(task.follow_ups),
                float(STAY_TURNS),
            ),
            Reason("same_task", near, same, SAME_TASK),
        ),
    )
