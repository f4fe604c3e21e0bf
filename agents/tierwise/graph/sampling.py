"""How the words of an answer are chosen, where the caller says so."""

from __future__ import annotations

from tierwise.callers import Sampling
from tierwise.config import Tier
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import from_json
from tierwise.types import Finish

_AS_THE_TIER_DOES = Sampling()


def sampling_of(state: TurnState) -> Sampling:
    """What the caller says about it."""
    said = state.get("sampling")
    return _AS_THE_TIER_DOES if said is None else from_json(Sampling, said)


def most_tokens(state: TurnState, tier: Tier) -> int:
    """Tokens that an attempt of a tier may write."""
    wanted = sampling_of(state).max_tokens
    return tier.max_tokens if wanted is None else min(tier.max_tokens, wanted)


def is_cut_by_caller(state: TurnState, finish: Finish, max_tokens: int) -> bool:
    """Whether a text that was written with so many tokens ends where the caller wanted it to end.

    Args:
        state: the turn.
        finish: how it ended.
        max_tokens: what the model was allowed; less than the caller did if its window has no more room.
    """
    return finish == "length" and sampling_of(state).max_tokens == max_tokens


def may_be_empty(state: TurnState, finish: Finish, *, cut: bool) -> bool:
    """Whether an answer without a word is one: what the caller set has ended it before the first."""
    return cut or (finish == "stop" and bool(sampling_of(state).stop))


def judged_finish(draft: Json) -> Finish:
    """How a draft ended, as it is judged: one that the caller cut is not unfinished."""
    finish: Finish = "stop" if draft.get("cut") else draft["finish"]
    return finish


def told_finish(draft: Json | None) -> Finish:
    """How the answer ended, as the caller is told."""
    if draft is None:
        return "stop"
    if draft.get("calls"):
        return "tool_calls"
    finish: Finish = draft["finish"]
    return finish if finish in ("length", "content_filter") else "stop"
