"""The two protocols every model speaks: ``ChatModel`` and ``Embedder``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from tierwise.errors import ConfigError
from tierwise.models.mending import mend
from tierwise.types import Finish, Floor, Message, TokenEvidence, ToolCall, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do. Code asks these flags, never the type of the model.

    Attributes:
        context_window: tokens of prompt and answer together.
        on_device: the model runs in this machine's own process tree; nothing leaves.
        tools: ``native`` (the API has tool calls), ``prompted`` (a tool block in the prompt), ``none``.
        token_evidence: :class:`Completed` carries per-token evidence.
        exact_counts: ``count_tokens`` uses the model's own tokenizer.
        structured: how ``ChatRequest.schema`` is kept: ``constrained`` (other tokens cannot be chosen), ``native`` (the
            API promises it), ``none`` (the model is only told).
        adapters: the model can wear a LoRA adapter.
        host: where requests go, for the record; ``None`` for on-device models.
    """

    context_window: int
    on_device: bool
    tools: Literal["native", "prompted", "none"] = "none"
    token_evidence: bool = False
    exact_counts: bool = False
    host: str | None = None
    structured: Literal["constrained", "native", "none"] = "none"
    adapters: bool = False


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told about it. ``parameters`` is a JSON Schema of type ``object``."""

    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One model step.

    Attributes:
        messages: oldest first; a system message, if any, is the first. They are mended on the way in (see
            :func:`~tierwise.models.mending.mend`): no model is ever asked with a tool call that has no result.
        max_tokens: upper bound on generated tokens.
        temperature: 0 is greedy.
        seed: for sampling; ``None`` leaves it to the model.
        stop: texts that end the answer and are not part of it.
        tools: what the model may call.
        must_call: one of the tools has to be called, and nothing else is said. A server that cannot be told so may
            answer with text all the same.
        evidence: collect :class:`~tierwise.types.TokenEvidence` where the model can.
        schema: a JSON Schema; the text is then one JSON value that fits it (see :mod:`tierwise.models.schemas`).
        adapter: a LoRA adapter (path of a GGUF) for this request, in place of the model's own.
        thread: whose request it is; requests of different threads take turns when the model is busy.
        choices: the text is one of these words. A model that can hold an answer to a form is held to them, and its
            evidence is then that of choosing among them; any other model is told nothing about it.
        floor: give the answer up (finish ``doubted``) when the model doubts its beginning; models without token
            evidence take no notice.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    evidence: bool = True
    schema: dict[str, Any] | None = None
    adapter: str | None = None
    thread: str = ""
    choices: tuple[str, ...] = ()
    floor: Floor | None = None
    must_call: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", mend(self.messages))


@dataclass(frozen=True, slots=True)
class Queued:
    """The model is busy: ``ahead`` requests come first.

    ``seconds`` is when it will begin, by how long its answers took lately; ``None`` before any.
    """

    ahead: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The prompt is being read: ``done`` of ``total`` tokens."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text; never empty, never half a character."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model asks for a tool; a call with a :attr:`~tierwise.types.ToolCall.problem` must not be run."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Completed:
    """The last item of every stream that ends well.

    ``model_served`` is what really answered (a server may serve another model than was asked for).
    ``sent_bytes`` is the size of the request body that left the process, 0 on the device. ``work`` counts what a model
    did beside, see :class:`~tierwise.turns.Attempt`.
    """

    finish: Finish
    usage: Usage
    model_served: str
    evidence: TokenEvidence | None = None
    sent_bytes: int = 0
    work: dict[str, int] = field(default_factory=dict)


Chunk = Queued | Reading | Delta | Called | Completed


@runtime_checkable
class ChatModel(Protocol):
    """A model that answers a conversation.

    The contract (``tests/contract/test_chat_model.py`` asks it of every implementation):

    * ``stream`` yields ``Queued*``, ``Reading*``, then ``Delta | Called`` in order, and ends with exactly one
      :class:`Completed`; the deltas joined are the text.
    * Closing the iterator (or cancelling its task) stops the work, prompt reading included, and leaves the model fit
      for the next request.
    * Failures are :class:`~tierwise.errors.ModelError`, raised from the iterator; nothing else escapes.
    * Requests to one model may overlap. A model that is full lets them wait, each thread in its turn, and says so.
    * A request asks for nothing the model would leave out: what it cannot do (an adapter, say) is a ModelError.
    """

    @property
    def name(self) -> str:
        """How configuration names it, for example ``llama:smollm2-135m``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Cheap: known without loading the weights.

        Raises:
            ModelError: if the model cannot be used at all (missing file, missing extra).
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step."""
        ...

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the template's own; an estimate unless ``exact_counts``."""
        ...

    async def aclose(self) -> None:
        """Free what the model holds; safe to call twice."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Texts to unit vectors. Synchronous: callers in async code use a thread.

    Two more names are used if they are there: ``on_device``, false if the texts leave this machine (see
    :func:`require_on_device`), and ``close()``.
    """

    @property
    def identity(self) -> str:
        """Name, version and pooling in one string; stored beside the vectors, and compared when they are used."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            texts: any number of texts; longer ones are cut at the model's own limit.

        Returns:
            Array of shape ``(len(texts), dimension)``, rows of length 1.
        """
        ...


def require_on_device(embedder: Embedder) -> None:
    """Refuse an embedder that sends its texts away.

    It would get every document and every question, those under a lock as well: whether a turn is locked may be known
    only when its question has been embedded and its passages are found.

    Raises:
        ConfigError: if its ``on_device`` is false.
    """
    if not getattr(embedder, "on_device", True):
        raise ConfigError(
            f"The embedder {embedder.identity} is not on this device, and every document and question would go to it,"
            " locked ones as well.",
            fix="Set on_device=True if its server runs on this machine, or use the built-in MiniLM.",
        )
