"""What turns, threads, approvals and feedback are asked with: every field, its bounds and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from tierwise import Sampling
from tierwise.callers import Documents
from tierwise.types import Dial, ShowBeforeSending
from tierwise_app.serve.own.knowledge_shapes import CollectionName, Only

_STOPS = 16
ThreadName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"), Field(examples=["holiday"])
]
_Share = Annotated[float, Field(ge=0, le=1)]
_Stop = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Title = Annotated[str, Field(min_length=1, max_length=60, description="Shown in lists, in one line.")]


class _Body(BaseModel):
    """What is not named is refused, and nothing is read as something else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Delivery(_Body):
    """How the answer comes: as events, in one piece, or later."""

    stream: bool = Field(default=True, description="Send every event as it happens (SSE); false waits for the answer.")
    background: bool = Field(
        default=False,
        description="Answer 202 once the message is stored. The turn then goes on whoever watches, also after a crash;"
        " its events are at `/v1/turns/{turn_id}/events`. Without it, leaving stops the turn.",
    )


class SamplingShape(_Body):
    """How the words are chosen; what is left out is as the tier has it."""

    temperature: float | None = Field(None, ge=0, le=2, description="0 takes the likeliest word every time.")
    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description="Never more than the tier's own bound.")
    stop: list[_Stop] = Field([], max_length=_STOPS, description="Texts that end the answer.")
    seed: int | None = Field(None, ge=0, lt=2**31)

    @property
    def sampling(self) -> Sampling:
        """The same for the SDK."""
        return Sampling(self.temperature, self.max_tokens, tuple(self.stop), self.seed)


class Wishes(Delivery):
    """What may be said about a question, whether it is new or asked again."""

    tier: str = Field("auto", max_length=200, description="`auto`, `quick`, `deep` or a tier's name.")
    dial: Dial | _Share | None = Field(
        None, description="`economy`, `balanced`, `quality`, or the share of questions that may go to a larger tier."
    )
    lock: bool = Field(False, description="Keep this turn on the device.")
    offline: bool = Field(False, description="Refuse every tier that is not on the device.")
    documents: Documents | None = Field(
        None,
        description="`auto` uses what is found, `only` answers from it or not at all, `off` does not look. By default"
        " as the server's `grounded` says.",
    )
    form: dict[str, Any] | None = Field(
        None, alias="schema", description="A JSON Schema: the answer's text is then one JSON value that fits it."
    )
    adapter: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="Name of a LoRA adapter of the server."
    )
    show_before_sending: ShowBeforeSending | None = Field(
        None,
        description="When the turn waits for a person to see what leaves the device. It can ask for more than the"
        " server's setting, not for less.",
    )


class TurnBody(Wishes):
    """A question."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "What is the capital of France?", "thread": "geography"},
                {"question": "Plan a trip to Rome.", "stream": False, "schema": {"type": "object"}, "dial": "quality"},
            ]
        }
    )

    question: str = Field(min_length=1, description="The message.")
    thread: ThreadName | None = Field(
        None,
        description="A thread to go on with, or to begin. Without it the turn gets one for itself, which is not listed"
        " and goes after 30 days.",
    )
    collection: CollectionName | None = Field(None, description="Search only this collection.")
    document: str | None = Field(
        None, min_length=1, max_length=4096, description="Read this document: its address, or its name."
    )
    only: Only | None = Field(None, description="Search only what meets these conditions.")
    instructions: str | None = Field(
        None, min_length=1, max_length=100_000, description="In place of tierwise's own words to the model."
    )
    sampling: SamplingShape | None = None


class AgainBody(Wishes):
    """The question of a turn once more; thread, collection and document are those of the turn."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tier": "deep"}]})

    question: str | None = Field(
        None,
        min_length=1,
        description="The question in other words; its answer then also takes the place of what followed in the thread.",
    )


class CallDecision(Delivery):
    """A person's yes or no to tool calls that wait."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"call_id": "3f9c0d12ab", "allow": True}, {"allow": False, "reason": "Not now."}]
        }
    )

    call_id: str | None = Field(
        None, min_length=1, max_length=64, description="The call; by default all calls of the turn that wait."
    )
    allow: bool
    always: bool = Field(
        False,
        description="The tools, as they are now, need not ask again, whoever asks. With keys, only one that sees all"
        " may say so.",
    )
    arguments: dict[str, Any] | None = Field(None, description="Run the one call with these instead.")
    reason: str = Field("", max_length=2000, description="For the model, if the answer is no.")


class SendingDecision(Delivery):
    """A person's yes or no to the request that waits to leave the device."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outgoing_id": "b71c90e2", "allow": True}]})

    outgoing_id: str = Field(min_length=1, max_length=128, description="`outgoing.id` of what was shown.")
    allow: bool
    without: list[Annotated[str, StringConstraints(max_length=512)]] = Field(
        [], max_length=1000, description="Ids of items to take out; they stay here for later requests of the thread."
    )


def _kind(body: Any) -> str:
    given = body if isinstance(body, dict) else getattr(body, "model_fields_set", ())
    return "sending" if "outgoing_id" in given else "call"


DecisionBody = Annotated[
    Annotated[CallDecision, Tag("call")] | Annotated[SendingDecision, Tag("sending")], Discriminator(_kind)
]


class ThreadBody(_Body):
    """A thread before its first turn."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"thread": "holiday", "title": "Summer in Rome"}]})

    thread: ThreadName | None = Field(None, description="Its name; by default one is made.")
    title: _Title | None = None
    locked: bool = Field(False, description="Everything that is said in it stays on the device.")


class ThreadChange(_Body):
    """What is changed of a thread; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"locked": True}]})

    title: _Title | None = None
    locked: bool | None = Field(None, description="Everything that is said in it from now on stays on the device.")


class FeedbackBody(_Body):
    """What a person thinks of an answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "down", "reason": "too long"}]})

    verdict: Literal["up", "down"]
    reason: str | None = Field(None, max_length=500)
