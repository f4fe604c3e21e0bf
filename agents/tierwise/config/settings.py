"""What a copilot is told from outside: tiers, budget, wishes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tierwise.connector_settings import ConnectorSettings
from tierwise.errors import ConfigError
from tierwise.home import default_home
from tierwise.serve_settings import ServeSettings
from tierwise.tool_settings import ToolSettings
from tierwise.types import BusyThread, Redaction, ShowBeforeSending, Wish

if TYPE_CHECKING:
    from tierwise.models.base import ChatModel

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD for one call."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """The four time limits of a model call, in seconds."""

    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 20.0
    total: float = 180.0


@dataclass(frozen=True, slots=True)
class Tier:
    """One model with its place in the ordered list of tiers, cheapest first.

    Attributes:
        name: what people call it: letters, digits, ``.``, ``_`` and ``-``.
        model: ``llama:CATALOGUE_NAME``, ``llama:/path/to/file.gguf``, ``openai:MODEL``, or any
            :class:`~tierwise.models.ChatModel` object.
        base_url: address of an OpenAI-compatible server; ``None`` is the OpenAI API itself.
        api_key_env: name of the environment variable that holds the key. The key itself is never written down.
        price: for the account of money; absent means unknown.
        on_device: the model runs on this machine though it is reached by HTTP. An address proves nothing.
        context_window: tokens; needed for a hosted model only if it is smaller than 128,000.
        max_tokens: upper bound on an answer's tokens.
        limits: time limits of one call.
        stand_in: this tier only shows the path; its quality is not that of a large model (the demo uses it).
        adapter: path of a LoRA adapter (GGUF) that a ``llama:`` model wears in this tier.
        api: how a hosted model is spoken to: ``responses``, ``chat``, or ``auto`` (Responses for the OpenAI API itself,
            Chat Completions for any other address).
        reasoning: effort of a hosted reasoning model, as its server names it (``low``, ``medium``, ``high`` ...).
        tools: whether a ``llama:`` model is told about tools; ``None`` goes by its card, and a file without one is not.
    """

    name: str
    model: str | ChatModel
    base_url: str | None = None
    api_key_env: str | None = None
    price: Price | None = None
    on_device: bool = False
    context_window: int | None = None
    max_tokens: int = 1024
    limits: Limits = Limits()
    stand_in: bool = False
    adapter: str | None = None
    api: Literal["auto", "chat", "responses"] = "auto"
    reasoning: str | None = None
    tools: bool | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"A tier cannot be named {self.name!r}.", fix="Use letters, digits, '.', '_' and '-', at most 64."
            )
        if self.name == "auto":
            raise ConfigError("A tier cannot be named 'auto'.", fix="That word means: let tierwise choose.")
        if isinstance(self.model, str) and self.model.partition(":")[0] not in ("llama", "openai"):
            raise ConfigError(
                f"Tier {self.name!r}: model {self.model!r} has no known kind.",
                fix="Write llama:NAME, llama:/path/to/file.gguf or openai:MODEL.",
            )
        local = isinstance(self.model, str) and self.model.startswith("llama:")
        if self.tools is not None and not local:
            raise ConfigError(f"Tier {self.name!r}: tools is for a llama: model.", fix="Take it out.")
        if self.adapter is not None and not local:
            raise ConfigError(f"Tier {self.name!r}: only a llama: model can wear an adapter.", fix="Take it out.")
        if self.api not in ("auto", "chat", "responses"):
            raise ConfigError(f"Tier {self.name!r}: api is {self.api!r}.", fix="Write auto, chat or responses.")

    @property
    def stays_on_device(self) -> bool:
        """True only where nothing leaves by construction (``llama:``) or by the owner's word (``on_device``)."""
        if self.on_device:
            return True
        if isinstance(self.model, str):
            return self.model.startswith("llama:")
        return self.model.capabilities.on_device

    @property
    def costs(self) -> bool:
        """Whether a call of it is known to cost money."""
        return self.price is not None and (self.price.input > 0 or self.price.output > 0)

    @property
    def model_name(self) -> str:
        """The model as configuration names it."""
        return self.model if isinstance(self.model, str) else self.model.name


@dataclass(frozen=True, slots=True)
class EmbedderSettings:
    """An embeddings endpoint in place of the built-in MiniLM.

    Every document, every question and the sentences of answers go there, so it must be on the device: whether a turn is
    locked may be known only when its question has been embedded and its passages are found.

    Attributes:
        model: ``openai:MODEL``.
        base_url: address of an OpenAI-compatible server.
        api_key_env: name of the environment variable that holds the key.
        dimension: length of a vector to ask for, for models that can be shortened.
        on_device: the owner's word that the server runs on this machine and sends nothing on.
    """

    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    dimension: int | None = None
    on_device: bool = False

    def __post_init__(self) -> None:
        if not self.model.startswith("openai:") or self.model == "openai:":
            raise ConfigError(f"The embedder {self.model!r} has no known kind.", fix="Write openai:MODEL.")
        if self.on_device is not True:
            raise ConfigError(
                f"The embedder {self.model} is not on this device, and every document and question would go to it,"
                " locked ones as well.",
                fix="Set on_device = true if its server runs on this machine, or leave [embedder] out.",
            )


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent, in USD; ``None`` sets no bound.

    Attributes:
        turn: on one turn.
        thread: on all turns of a thread.
        day: in a calendar day of this machine's clock.
        month: in a calendar month of it.
    """

    turn: float | None = None
    thread: float | None = None
    day: float | None = None
    month: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a copilot is told from outside.

    Attributes:
        home: folder of the stores.
        tiers: cheapest first; empty means the embedded model alone.
        embedder: an embeddings endpoint; ``None`` is MiniLM in this process.
        dial: the wish between economy and quality, or the share of questions that may go to a larger tier.
        budget: what may be spent.
        tools: which tools there are and when they ask.
        connectors: which ways into other systems there are.
        serve: where the HTTP server listens, and what a request may take.
        offline: refuse every tier that is not on the device.
        locked: the whole app is locked.
        passages: how many passages a question gets.
        grounded: what documents were found for is answered from them or not at all.
        max_question_chars: longer questions are refused.
        show_before_sending: when a person sees what leaves the device before it does: ``never``, ``first`` (before the
            first request of a thread) or ``always`` (before the first of every turn).
        busy_thread: what a message does while another turn of its thread is being answered: ``queue`` or ``refuse``.
        deadline: seconds of work after which a turn asks no tier any more; time that a person takes does not count.
        redact: what is left out of what is stored of a turn that is over: ``secrets``, ``personal`` (secrets and what
            identifies a person), or ``nothing``. Logs and errors never have either.
        path: the file this came from, if any.
    """

    home: Path = field(default_factory=default_home)
    tiers: tuple[Tier, ...] = ()
    embedder: EmbedderSettings | None = None
    budget: Budget = Budget()
    tools: ToolSettings = field(default_factory=ToolSettings)
    connectors: ConnectorSettings = field(default_factory=ConnectorSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    dial: Wish = "balanced"
    offline: bool = False
    locked: bool = False
    passages: int = 4
    grounded: bool = True
    max_question_chars: int = 32_000
    show_before_sending: ShowBeforeSending = "never"
    busy_thread: BusyThread = "queue"
    deadline: float = 600.0
    redact: Redaction = "secrets"
    path: Path | None = None
