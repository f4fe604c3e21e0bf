"""The nouns that a turn is made of: frozen, made of JSON values, without behaviour and without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Dial = Literal["economy", "balanced", "quality"]
# A word of the dial, or the share of questions that may go to a larger tier, in [0, 1].
Wish = Dial | float
Look = Literal["self_check", "second_sample"]
Stage = Literal["pre", "post", "manual", "policy", "fallback"]
TurnStatus = Literal["done", "needs_approval", "blocked", "stopped", "failed"]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "doubted"]
Outcome = Literal["accept", "escalate", "give_up", "look"]
# "again": by the same tier or by whichever tierwise chooses; "edit": the question was put in other words.
Overrule = Literal["escalate", "local", "again", "edit"]
AttemptOutcome = Literal["accepted", "discarded", "failed", "stopped", "waiting"]
ToolOutcome = Literal["done", "failed", "denied", "refused", "unfinished"]
OutgoingKind = Literal["instructions", "earlier", "passage", "draft", "question", "tool_result", "tools"]
# When a request to a model that is not on the device is shown before it leaves: never, before the first of a thread, or
# before the first of every turn.
ShowBeforeSending = Literal["never", "first", "always"]
# What a message does while another turn of its thread is being answered.
BusyThread = Literal["queue", "refuse"]
# What is left out of what is stored of a turn that is over.
Redaction = Literal["secrets", "personal", "nothing"]


# -- conversation ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for.

    Attributes:
        id: comes from the model and may repeat between turns.
        name: the tool.
        arguments: by parameter name.
        repaired: what was mended in what the model wrote, where there was one safe reading.
        problem: why what it wrote is no call, for the model; such a call is never run.
        cut: it came to a limit and was brought to its end by force: a text or list in it may be shorter than meant.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    repaired: str | None = None
    problem: str | None = None
    cut: bool = False


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
        title: title of the document with the headings above the passage.
        locked: the collection is locked, so a turn that reads this stays on the device.
        head: what the text cannot be understood without, where the text does not hold it: the column names of the table
            it is from, the signature of the definition. It is embedded with the text and shown to models.
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
    head: str | None = None


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
        starts: where in the text the token begins, in characters; empty if the model does not tell.
    """

    logprobs: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A true cause of a choice: ``value`` against ``threshold`` made it; both are ``None`` for a plain rule."""

    code: str
    text: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """How sure the beginning of an answer must be: the mean log-probability of its first ``tokens`` tokens, in nats."""

    tokens: int
    logprob_mean: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """A tier that may be worth going to without a draft: so it is if ``gain`` is above ``threshold``."""

    tier: str
    gain: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known before drafting.

    Attributes:
        p_good: chance that each tier succeeds; absent when not known.
        reasons: true causes of them.
        features: what was measured.
        ahead: tiers above the cheapest that are weighed against drafting there, the most promising first; ``None``
            leaves that to the rules.
        floor: how sure the beginning of a draft must be for it to be written on.
    """

    p_good: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    features: dict[str, float] = field(default_factory=dict)
    ahead: tuple[Ahead, ...] | None = None
    floor: Floor | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The tier that will try next, and why."""

    tier: str
    stage: Stage
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a verifier may look at: one attempt's text with what it was made from.

    ``structured`` says that the text is JSON, and that it fits the schema it was asked for; ``higher`` names the tiers
    that may take over, cheapest first; ``looks`` what the further looks in ``looks_had`` found, ``may_look`` that more
    of them can be had; ``grounded`` that the answer has to come from the passages or be none; ``begun_floor`` is how
    sure its first tokens had to be for it to be written on (nats).
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
    higher: tuple[str, ...] = ()
    looks: dict[str, float] = field(default_factory=dict)
    looks_had: tuple[Look, ...] = ()
    may_look: bool = False
    grounded: bool = False
    begun_floor: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known after drafting. ``p_good`` is ``None`` when nothing could be measured: absent is not 0.5.

    Attributes:
        outcome: ``look`` asks for a further look at the draft before it is judged.
        p_good: chance that the draft is right.
        reasons: true causes of the outcome.
        features: everything that was measured.
        ms: milliseconds it took.
        p_higher: chance that each tier above would be right, given this draft; absent when not known.
        look: which look is worth its time, with the outcome ``look``.
        tier: which tier is to take over, with the outcome ``escalate``; ``None`` is the next above.
    """

    outcome: Outcome
    p_good: float | None = None
    reasons: tuple[Reason, ...] = ()
    features: dict[str, float] = field(default_factory=dict)
    ms: float = 0.0
    p_higher: dict[str, float] = field(default_factory=dict)
    look: Look | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The public part of the choice that produced an answer."""

    stage: Stage
    p_good: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
