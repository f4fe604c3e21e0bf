"""What a turn knows while it runs: JSON values only, so that it can be stored at every step."""

from __future__ import annotations

from operator import add, or_
from typing import Annotated, Any, TypedDict

Json = dict[str, Any]


def _sum(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    """Add up by key: milliseconds by phase."""
    return left | {key: left.get(key, 0.0) + value for key, value in right.items()}


class TurnState(TypedDict, total=False):
    """The state of one turn. Lists marked with ``add`` grow; everything else is replaced.

    Values named after a type of ``tierwise.types`` or ``tierwise.turns`` hold its JSON form.
    """

    # what was asked
    turn_id: str
    thread: str
    asked: str
    created: float
    requested: str
    dial: str | float  # Wish: the user's
    wish: str | float  # Wish: the one in force, smaller where the budget would not last
    locked: Annotated[bool, or_]  # once it is locked, nothing in the turn unlocks it
    offline: bool
    collection: str | None
    only: Json | None  # Filter: what the search is limited to
    document: str | None  # the one document that is read
    grounded: bool  # what documents were found for is answered from them or not at all
    tainted: Annotated[bool, or_]  # it has read text that may not be trusted, and stays so
    schema: Json | None  # JSON Schema of the answer, prepared
    adapter: str | None  # path of a LoRA adapter
    show: str  # ShowBeforeSending
    conversation: Json | None  # Conversation: what the caller says around the question
    sampling: Json | None  # Sampling
    search: bool  # look for passages
    own_tools: bool  # offer the configured tools
    caller: Json | None  # Caller: who asks through an API
    passing: bool  # its thread is for this turn alone
    goes_on: bool  # whoever serves next goes on with it unasked, should its program end
    attached: Json | None  # what the asker wants kept with the turn
    kept_here: Annotated[bool, or_]  # a person said that nothing of it leaves
    # {"turn_id", "tier", "locked", "anew", "edited"}: the turn that is asked again, the tier that answered it, and how
    overrules: Json | None
    # what was found and assessed
    passages: list[Json]  # Passage
    searched: str | None  # what was searched for, if not the question as it is
    retrieval: Json | None  # Retrieval
    offered: list[Json]  # OfferedTool
    settled: bool  # the answer stands without a draft: only documents could give it, and none is about it
    features: dict[str, float]
    p_good: dict[str, float]
    # the choice in force
    tier: str
    chosen: str
    stage: str
    reasons: list[Json]  # Reason
    floor: Json | None  # Floor: how sure the first draft must begin
    calibration: str | None  # id of the calibration in force
    refused: str  # code of what stood against a larger tier that the draft should have gone to
    # attempts
    attempt: int
    step: int  # model steps that are over
    draft: Json | None  # the current attempt's result, see nodes.generate
    look: str | None  # the further look at the draft that is worth its time
    held: Json | None  # the draft that stands until a higher tier delivers
    attempts: Annotated[list[Json], add]  # Attempt, finished ones
    rounds: Annotated[list[Json], add]  # {"text", "calls": [ToolCall]}: model steps that asked for tools
    results: Annotated[list[Json], add]  # ToolStep
    # the account
    notices: Annotated[list[Json], add]  # Notice
    sent: Annotated[list[Json], add]  # {"bytes", "passages", "host"}, one for each request that left
    ms: Annotated[dict[str, float], _sum]
    seq: int  # number of the last event before the turn was parked
    # the end
    final: str | None
    text: str
    citations: list[Json]  # Citation
    unsupported: list[Json]  # Unsupported
    calls: list[Json]  # ToolCall: of the caller's tools, for the caller to run
    finish: str | None  # Finish: how the text ended
