"""What a turn leaves behind: its attempts, its answer, its decision record. Frozen, and made of JSON values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar

from tierwise.outgoing import Outgoing as Outgoing
from tierwise.outgoing import OutgoingItem as OutgoingItem
from tierwise.retrieval import FoundPassage as FoundPassage
from tierwise.retrieval import Retrieval as Retrieval
from tierwise.types import (
    AttemptOutcome,
    Citation,
    Decision,
    Finish,
    Overrule,
    Passage,
    Reason,
    Stage,
    ToolCall,
    ToolOutcome,
    TurnStatus,
    Usage,
    Wish,
)

T = TypeVar("T")
NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class Notice:
    """A short fact about the turn that the user must know."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A sentence of an answer that claims something which none of the turn's passages says.

    Attributes:
        start: its first character in the answer's text.
        end: one past its last.
        text: its words, ``answer.text[start:end]``.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class SentOut:
    """What left the device in this turn: request bytes, how many passages, to which hosts."""

    bytes: int = 0
    passages: int = 0
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tier's try at the turn. Its text is a draft until the attempt is accepted.

    ``work`` counts what a local model did beside: tokens ``guessed`` from the prompt and ``kept``, tokens ``forced`` by
    a schema, other conversations ``evicted`` from its memory, which will have to be read again.

    ``prompt`` tells what the attempt's last prompt was made of, in tokens as counted before it was sent: ``system``,
    ``earlier`` turns, ``passages``, ``draft`` of a smaller tier, ``question``, ``form`` of the answer, ``steps`` (tool
    calls with their results), ``tools`` (what the model was told of them); parts that it does not have are not there.
    ``window`` is what prompt and answer together may take. Empty if the attempt did not come to a prompt.

    ``on_device`` says that its tier stays on the device; ``None``: not known (the record is older, or the program ended
    in the middle of the attempt).
    """

    n: int
    tier: str
    model_requested: str
    model_served: str
    outcome: AttemptOutcome
    text: str
    p_good: float | None = None
    reasons: tuple[Reason, ...] = ()
    usage: Usage = NOTHING_USED
    cost_usd: float = 0.0
    ms: float = 0.0
    first_token_ms: float | None = None
    error: str | None = None
    work: dict[str, int] = field(default_factory=dict)
    prompt: dict[str, int] = field(default_factory=dict)
    on_device: bool | None = None


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that the turn could use.

    Attributes:
        name: the tool.
        similarity: cosine of its description to the question; ``None`` if there was no need to choose among the tools.
        tiers: the tiers whose model was told of it.
    """

    name: str
    similarity: float | None = None
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One tool call as the record keeps it.

    Attributes:
        attempt: whose call it was.
        index: its place in its round.
        name: the tool.
        arguments: what it was run with.
        ok: it ran and succeeded.
        result: what the model read.
        ms: milliseconds of running; 0 if it was not run.
        round: which of the turn's model steps asked for it, from 0.
        outcome: ``done``; ``failed`` (it ran and failed, or its arguments did not fit); ``denied`` by a person;
            ``refused`` by a rule; ``unfinished``: begun, and the program ended before it was known to be over.
        effects: what it does beside answering.
        approved: a person said yes to it.
        edited: a person changed the arguments.
        files: paths of files it left behind for the person.
        mended: what had to be put right in the call as the model wrote it.
    """

    attempt: int
    index: int
    name: str
    arguments: dict[str, Any]
    ok: bool
    result: str
    ms: float
    round: int = 0
    outcome: ToolOutcome = "done"
    effects: tuple[str, ...] = ()
    approved: bool = False
    edited: bool = False
    files: tuple[str, ...] = ()
    mended: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A tool call that waits for a person's yes.

    Attributes:
        id: names this call with these arguments, and nothing else; other arguments have another id.
        turn_id: the turn.
        name: the tool.
        arguments: what it will be run with.
        effects: what it does beside answering.
        why: why a person is asked, in words.
        tier: whose model asked for it.
        origin: where the tool comes from.
    """

    id: str
    turn_id: str
    name: str
    arguments: dict[str, Any]
    effects: tuple[str, ...]
    why: str
    tier: str
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The public result of a turn (``ask --json`` prints exactly this).

    ``waiting`` are the tool calls that a person has to say yes or no to before the turn goes on; ``outgoing`` is the
    request that a person has to see and decide on before it is sent; ``files`` are the
    paths of what tools left behind for the person; ``unsupported`` are the sentences that claim something which no
    passage of the turn says, empty if it used no documents. ``calls`` are the calls of the caller's own tools that the
    turn ended with (see :class:`~tierwise.callers.Conversation`); ``finish`` says how the text ended.
    """

    turn_id: str
    thread: str
    status: TurnStatus
    text: str
    tier: str | None
    citations: tuple[Citation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    decision: Decision | None = None
    usage: Usage = NOTHING_USED
    cost_usd: float = 0.0
    ms: float = 0.0
    sent_out: SentOut = SentOut()
    notices: tuple[Notice, ...] = ()
    error: str | None = None
    waiting: tuple[WaitingCall, ...] = ()
    files: tuple[str, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    outgoing: Outgoing | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None

    def raise_for_status(self) -> Answer:
        """Return the answer itself if there is one.

        Raises:
            Blocked: if a lock, guard or budget refused the turn.
            TierwiseError: if it failed or was stopped.
        """
        from tierwise.errors import Blocked, TierwiseError

        if self.status in ("failed", "stopped", "blocked"):
            kind = Blocked if self.status == "blocked" else TierwiseError
            raise kind(self.error or f"The turn was {self.status}.")
        return self


class TypedAnswer(Answer, Generic[T]):
    """An :class:`Answer` whose text was read as a value of the type that was asked for."""

    _value: tuple[T, ...] = ()

    @classmethod
    def of(cls, answer: Answer, value: tuple[T, ...]) -> TypedAnswer[T]:
        """The same answer with its value; an empty ``value`` if there is none."""
        made = cls(*(getattr(answer, f.name) for f in fields(Answer)))
        object.__setattr__(made, "_value", value)
        return made

    @property
    def value(self) -> T:
        """The value.

        Raises:
            Blocked: if a lock, guard or budget refused the turn.
            TierwiseError: if the turn ended without an answer.
        """
        from tierwise.errors import TierwiseError

        self.raise_for_status()
        if not self._value:
            why = "the turn is not over, or this is a changed copy of its answer"
            if self.calls or self.finish == "length":
                why = "the answer calls tools" if self.calls else "the answer came to max_tokens before it was complete"
            raise TierwiseError(f"There is no value: {why}.")
        return self._value[0]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles keep the value."""
        return TypedAnswer.of, (Answer(*(getattr(self, f.name) for f in fields(Answer))), self._value)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """The one row a turn leaves behind: what was known, chosen, served, sent out and spent.

    Attributes:
        asked: the user's message.
        requested_tier: what the user asked for (``auto`` or a tier's name).
        chosen: the tier chosen before drafting.
        final: the tier whose text was served, ``None`` if none was.
        text: the served text; the partial text of a stopped turn.
        p_good: last known chance of success per tier.
        calibration: id of the calibration that the choice stands on, ``None`` without one.
        ms: milliseconds by phase, ``total`` included.
        created: seconds since the epoch, UTC.
        feedback: ``up`` or ``down``, with a reason after ``: `` if one was given.
        collection: the only one that was searched, ``None`` for all.
        only: what else the search was limited to, as a ``Filter`` in JSON.
        document: the one document that was read.
        searched: what the documents were searched for, where the question left out what it is about; ``None``: the
            question as it is.
        overruled: the user had the question answered again, and that answer stands in place of this one: on a higher
            tier (``escalate``), a lower one (``local``), the same (``again``), or in other words (``edit``): then
            whatever followed this turn in its thread was replaced with it.
        overrules: id of the turn whose question this one asks again; whether it took its place, that turn tells.
        tainted: it has read text that may not be trusted.
        waiting: tool calls that wait for a person.
        outgoing: the request that waits for a person to see it before it leaves.
        unsupported: sentences of the text that claim something which none of the passages says.
        retrieval: how the documents were searched, ``None`` if they were not.
        offered: the tools that the turn could use, if a model could have been told of them.
        refused: code of what stood against a larger tier when the draft should have gone up (``lock``, ``offline``,
            ``budget``, ``no_higher_tier`` ...); ``None`` if nothing did.
        calls: calls of the caller's own tools, which the turn ended with.
        finish: how the text ended; ``None`` if there is none, or the record is older.
        caller: who asked through an API, ``None`` for a person or a program of this machine.
        attached: what the asker wanted kept with the turn, ``None`` if nothing; no model sees it.
    """

    turn_id: str
    thread: str
    asked: str
    status: TurnStatus | Literal["running"]
    created: float
    requested_tier: str = "auto"
    dial: Wish = "balanced"
    chosen: str | None = None
    final: str | None = None
    stage: Stage | None = None
    text: str = ""
    reasons: tuple[Reason, ...] = ()
    features: dict[str, float] = field(default_factory=dict)
    p_good: dict[str, float] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    tools: tuple[ToolStep, ...] = ()
    notices: tuple[Notice, ...] = ()
    locked: bool = False
    offline: bool = False
    sent_out: SentOut = SentOut()
    usage: Usage = NOTHING_USED
    cost_usd: float = 0.0
    ms: dict[str, float] = field(default_factory=dict)
    feedback: str | None = None
    error: str | None = None
    collection: str | None = None
    overruled: Overrule | None = None
    overrules: str | None = None
    calibration: str | None = None
    tainted: bool = False
    waiting: tuple[WaitingCall, ...] = ()
    searched: str | None = None
    unsupported: tuple[Unsupported, ...] = ()
    only: dict[str, Any] | None = None
    document: str | None = None
    retrieval: Retrieval | None = None
    offered: tuple[OfferedTool, ...] = ()
    outgoing: Outgoing | None = None
    refused: str | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    caller: str | None = None
    attached: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PastTurn:
    """What the choice of a tier needs to know of an earlier turn of the thread.

    Attributes:
        turn_id: the turn.
        asked: the user's message.
        status: how it ended.
        requested: what the user asked for (``auto`` or a tier's name).
        final: the tier whose text was served, ``None`` if none was.
        stage: when its tier was decided on, ``None`` if it did not come to that.
        cause: code of the first reason of the choice.
        locked: it stays on the device.
        overrule: how its answer took the place of an earlier turn's, if it did.
    """

    turn_id: str
    asked: str
    status: TurnStatus
    requested: str = "auto"
    final: str | None = None
    stage: Stage | None = None
    cause: str | None = None
    locked: bool = False
    overrule: Overrule | None = None
