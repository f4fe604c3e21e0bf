"""The closed union of events a turn emits; the same JSON goes to the SDK, the terminal, HTTP and the app.

Events are numbered within a run of their turn: a turn that waited for a person, or whose program ended in the middle,
goes on in another run, and numbers may come again. Where a program ended in the middle, the next run first takes back
(``attempt.discarded``) whatever attempts may have said, and then says again what of it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tierwise.jsonable import from_json, to_json
from tierwise.turns import Answer, Outgoing, WaitingCall
from tierwise.types import Look, Passage, Reason, Stage, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """Common fields: the turn, and a sequence number that grows by one within a run of it."""

    type: ClassVar[str]
    turn_id: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(_Event):
    """The message is stored; work begins."""

    type: ClassVar[str] = "turn.started"
    thread: str
    asked: str
    locked: bool
    offline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnQueued(_Event):
    """The message is stored, and ``ahead`` turns of its thread are answered first.

    ``seconds`` is about how long that takes, by how long turns of the thread took lately; ``None`` before any.
    """

    type: ClassVar[str] = "turn.queued"
    ahead: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagesFound(_Event):
    """Retrieval is over; ``passages`` may be empty."""

    type: ClassVar[str] = "passages.found"
    passages: tuple[Passage, ...]
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChosen(_Event):
    """The tier for the first attempt, with the reasons."""

    type: ClassVar[str] = "tier.chosen"
    tier: str
    stage: Stage
    reasons: tuple[Reason, ...]
    p_good: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(_Event):
    """A tier starts to work; all text until the next attempt belongs to it."""

    type: ClassVar[str] = "attempt.started"
    attempt: int
    tier: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptQueued(_Event):
    """The tier's model is busy: ``ahead`` requests come first.

    ``seconds`` is about how long that takes, by how long its answers took lately; ``None`` before any.
    """

    type: ClassVar[str] = "attempt.queued"
    attempt: int
    ahead: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptProgress(_Event):
    """The model reads the prompt: ``done`` of ``total`` tokens."""

    type: ClassVar[str] = "prompt.progress"
    attempt: int
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(_Event):
    """A piece of the attempt's text."""

    type: ClassVar[str] = "text.delta"
    attempt: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequested(_Event):
    """The model asks for a tool."""

    type: ClassVar[str] = "tool.requested"
    attempt: int
    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNeeded(_Event):
    """The turn waits for a person's yes to this call; ``call.id`` is what to approve or deny."""

    type: ClassVar[str] = "approval.needed"
    attempt: int
    call: WaitingCall


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingNeeded(_Event):
    """The turn waits for a person to see what leaves; ``outgoing.id`` is what to decide on."""

    type: ClassVar[str] = "sending.needed"
    attempt: int
    outgoing: Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress(_Event):
    """A running tool reports."""

    type: ClassVar[str] = "tool.progress"
    attempt: int
    call_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(_Event):
    """A tool call is over; ``ok`` is false when it failed or was not run."""

    type: ClassVar[str] = "tool.finished"
    attempt: int
    call_id: str
    name: str
    ok: bool
    result: str
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftVerified(_Event):
    """The draft was checked."""

    type: ClassVar[str] = "draft.verified"
    attempt: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LookStarted(_Event):
    """The draft is too near the line: its model looks at it again."""

    type: ClassVar[str] = "look.started"
    attempt: int
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFinished(_Event):
    """What the look found; empty if it failed. The draft is then judged anew."""

    type: ClassVar[str] = "look.finished"
    attempt: int
    look: Look
    found: dict[str, float]
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDiscarded(_Event):
    """The attempt's text is no longer part of the answer; it stays in the record."""

    type: ClassVar[str] = "attempt.discarded"
    attempt: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEscalated(_Event):
    """The turn goes on with a higher tier."""

    type: ClassVar[str] = "tier.escalated"
    from_tier: str
    to_tier: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReady(_Event):
    """The turn ended ``done``, ``needs_approval`` or ``blocked``; ``answer`` is what ``ask`` returns."""

    type: ClassVar[str] = "answer.ready"
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed(_Event):
    """The turn ended without an answer; ``message`` says what happened, why, and what to do."""

    type: ClassVar[str] = "turn.failed"
    code: str
    message: str
    answer: Answer


Event = (
    TurnStarted
    | TurnQueued
    | PassagesFound
    | TierChosen
    | AttemptStarted
    | AttemptQueued
    | PromptProgress
    | TextDelta
    | ToolRequested
    | ApprovalNeeded
    | SendingNeeded
    | ToolProgress
    | ToolFinished
    | DraftVerified
    | LookStarted
    | LookFinished
    | AttemptDiscarded
    | TierEscalated
    | AnswerReady
    | TurnFailed
)

EVENT_TYPES: dict[str, type[Event]] = {cls.type: cls for cls in Event.__args__}


def event_to_json(event: Event) -> dict[str, Any]:
    """The event as JSON values, ``type`` first."""
    return {"type": event.type, **to_json(event)}


def event_from_json(data: dict[str, Any]) -> Event:
    """The inverse of :func:`event_to_json`.

    Raises:
        KeyError: for a type this version does not know.
        pydantic.ValidationError: if the fields do not fit the type.
    """
    rest = {k: v for k, v in data.items() if k != "type"}
    return from_json(EVENT_TYPES[data["type"]], rest)
