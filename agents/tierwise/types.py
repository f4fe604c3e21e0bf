"""The nouns of a turn: frozen, made of JSON values, without behaviour and without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar

Role = Literal["system", "user", "assistant", "tool"]
Dial = Literal["economy", "balanced", "quality"]
Stage = Literal["pre", "post", "manual", "policy", "fallback"]
TurnStatus = Literal["done", "needs_approval", "blocked", "stopped", "failed"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
Outcome = Literal["accept", "escalate", "give_up"]
AttemptOutcome = Literal["accepted", "discarded", "failed", "stopped"]
T = TypeVar("T")


# -- conversation ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for. ``id`` comes from the model and may repeat between turns."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a model sees it. ``tool_call_id`` is set on ``role="tool"`` only."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt or one turn. ``estimated`` when the server reported none and we counted ourselves."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Both together; estimated if one of them is."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )


# -- knowledge ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a source.

    Attributes:
        id: stable while the passage's text and place stay the same.
        source: absolute path (or address) of the document.
        collection: the collection the source belongs to.
        page: page number from 1 for paged formats, else ``None``.
        start: first character of ``text`` in the source's text (in the page's text for paged formats).
        end: one past the last character: ``source_text[start:end] == text``.
        text: the words themselves.
        score: similarity to the question, cosine in [-1, 1]; 0.0 when it was not searched for.
        title: title of the document, if it has one.
        locked: the collection is locked, so a turn that reads this stays on the device.
    """

    id: str
    source: str
    collection: str
    page: int | None
    start: int
    end: int
    text: str
    score: float = 0.0
    title: str | None = None
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """The span of a source that supports one sentence of the answer.

    ``quote`` stands verbatim in the source (page) at ``[start, end)``; ``score`` is the support in [0, 1];
    ``sentence_start`` and ``sentence_end`` say which part of the answer's text it belongs to.
    """

    n: int
    source: str
    page: int | None
    start: int
    end: int
    quote: str
    score: float
    passage_id: str = ""
    sentence_start: int = 0
    sentence_end: int = 0


# -- evidence and choice -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenEvidence:
    """What a model's own probabilities say about a draft, one number a generated token.

    Attributes:
        logprobs: natural-log probability of the chosen token.
        margins: probability of the best token minus that of the second best, in [0, 1].
        entropies: entropy of the next-token distribution, in nats.
    """

    logprobs: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A true cause of a choice: ``value`` against ``threshold`` made it; both are ``None`` for a plain rule."""

    code: str
    text: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known before drafting: the chance that each tier succeeds (absent when not known), with reasons."""

    p_good: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    features: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """The tier that will try next, and why."""

    tier: str
    stage: Stage
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a verifier may look at: one attempt's text with what it was made from.

    ``structured`` says that the text is JSON, and that it fits the schema it was asked for.
    """

    tier: str
    model: str
    question: str
    text: str
    finish: Finish
    passages: tuple[Passage, ...] = ()
    evidence: TokenEvidence | None = None
    tool_errors: int = 0
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known after drafting. ``p_good`` is ``None`` when nothing could be measured: absent is not 0.5."""

    outcome: Outcome
    p_good: float | None = None
    reasons: tuple[Reason, ...] = ()
    features: dict[str, float] = field(default_factory=dict)
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The public part of the choice that produced an answer."""

    stage: Stage
    p_good: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()


# -- the turn ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """A short fact about the turn that the user must know."""

    code: str
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
    """

    n: int
    tier: str
    model_requested: str
    model_served: str
    outcome: AttemptOutcome
    text: str
    p_good: float | None = None
    reasons: tuple[Reason, ...] = ()
    usage: Usage = Usage()
    cost_usd: float = 0.0
    ms: float = 0.0
    first_token_ms: float | None = None
    error: str | None = None
    work: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One executed tool call as the record keeps it."""

    attempt: int
    index: int
    name: str
    arguments: dict[str, Any]
    ok: bool
    result: str
    ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The public result of a turn (``ask --json`` prints exactly this)."""

    turn_id: str
    thread: str
    status: TurnStatus
    text: str
    tier: str | None
    citations: tuple[Citation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    decision: Decision | None = None
    usage: Usage = Usage()
    cost_usd: float = 0.0
    ms: float = 0.0
    sent_out: SentOut = SentOut()
    notices: tuple[Notice, ...] = ()
    error: str | None = None

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
            raise TierwiseError("There is no value: the turn is not over, or this is a changed copy of its answer.")
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
        ms: milliseconds by phase, ``total`` included.
        created: seconds since the epoch, UTC.
    """

    turn_id: str
    thread: str
    asked: str
    status: TurnStatus | Literal["running"]
    created: float
    requested_tier: str = "auto"
    dial: Dial = "balanced"
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
    usage: Usage = Usage()
    cost_usd: float = 0.0
    ms: dict[str, float] = field(default_factory=dict)
    feedback: str | None = None
    error: str | None = None
