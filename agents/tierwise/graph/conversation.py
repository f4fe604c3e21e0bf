"""What the thread so far says about a question's tier: whether the question stays on one, and features for routing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tierwise.graph.context import TurnContext
from tierwise.graph.said import said_before
from tierwise.graph.state import TurnState
from tierwise.routing.features import conversation_features
from tierwise.routing.thread.leaning import leans_back
from tierwise.routing.thread.staying import Stay, stay, task_above


@dataclass(frozen=True, slots=True)
class Past:
    """The tier the question stays on, if it does, and what was measured."""

    stay: Stay | None = None
    features: dict[str, float] = field(default_factory=dict)


def look_back(state: TurnState, context: TurnContext) -> Past:
    """Read the thread's last turns, without their records; call it in a thread.

    Nothing is embedded unless the thread is at a task of a larger tier and the wording does not settle it; even then
    most of it is remembered.
    """
    services, asked = context.services, state["asked"]
    # A caller who keeps the conversation does not tell which tiers have answered in it.
    turns = services.record.recent(state["thread"]) if said_before(state) is None else []
    tiers = [tier.name for tier in services.tiers]
    # An explicit tier is the user's word; there is nothing to stay for.
    task = task_above(turns, tiers) if state["requested"] == "auto" else None
    leans = task is not None and leans_back(asked)
    likeness = _likeness(context, asked, task.questions) if task is not None and not leans else None
    return Past(stay(task, likeness, leans=leans), conversation_features(asked, turns, tiers, likeness=likeness))


def _likeness(context: TurnContext, asked: str, questions: Sequence[str]) -> float | None:
    """Cosine of the question to the nearest of the earlier ones, in [-1, 1]; ``None`` if it cannot be measured."""
    embedder = context.services.embedder
    if embedder is None:
        return None
    try:
        own = context.vector if context.vector is not None else embedder.embed([asked])[0]
        return float((embedder.embed(list(questions)) @ own).max())
    except Exception:  # an embedder that fails costs the stay, not the turn
        return None
