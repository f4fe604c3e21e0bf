"""What a program says that keeps its conversation itself and brings tools of its own: words of the chat APIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tierwise.types import Message


@dataclass(frozen=True, slots=True)
class CallerTool:
    """A tool that the caller runs itself: a call of it ends the turn, and stands in ``Answer.calls``.

    Attributes:
        name: letters, digits, ``_`` and ``-``.
        description: for the model.
        parameters: a JSON Schema of type ``object``; no call is handed out that does not fit it.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class Conversation:
    """What stands around a question whose asker keeps the conversation.

    Attributes:
        instructions: in place of our own words to the model; ``None`` leaves those.
        earlier: what was said before the question, oldest first, without instructions; it may hold tool calls with
            their results. It takes the place of what the thread holds; ``None`` leaves that.
        steps: calls of the caller's tools since the question, each with its result.
        tools: what the caller runs itself.
        must_call: one of them has to be called in this turn: any, or the one of this name.
        one_call: no more than one call at a time.
        untrusted: what was said before repeats documents or results of tools: text that may not be trusted.
    """

    instructions: str | None = None
    earlier: tuple[Message, ...] | None = None
    steps: tuple[Message, ...] = ()
    tools: tuple[CallerTool, ...] = ()
    must_call: bool | str = False
    one_call: bool = False
    untrusted: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the words are chosen; ``None`` leaves it to the tier.

    Attributes:
        temperature: 0 is greedy.
        max_tokens: upper bound on an attempt's tokens, never more than the tier's own.
        stop: texts that end the answer and are not part of it.
        seed: for sampling.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks through an API: threads belong to whoever began them.

    Attributes:
        id: names the key, or ``local`` where nobody needs one. Not the key itself.
        usd_day: what all its turns of a day may cost, beside the budget; ``None`` is without limit.
    """

    id: str = "local"
    usd_day: float | None = None


Documents = Literal["auto", "off", "only"]
