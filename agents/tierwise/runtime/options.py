"""What a caller may say about a question, in one place for all the ways to ask it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from tierwise.errors import InvalidInput, UnknownName
from tierwise.types import ShowBeforeSending, Wish

if TYPE_CHECKING:
    from tierwise.callers import Caller, Conversation, Sampling
    from tierwise.knowledge import Filter


class RouteOptions(TypedDict, total=False):
    """Keyword arguments of ``route``.

    Attributes:
        tier: ``auto`` (the default), ``quick``, ``deep`` or a tier's name.
        dial: overrides the configured wish: a word of the dial, or a share of questions that may go up.
        lock: keep this message on the device.
        collection: search only this collection.
        only: search only what meets these conditions.
        document: read this document, all of it if it is not long: its path or address, or its name if no other has it.
        offline: refuse every tier that is not on the device; ``None`` leaves it to the settings.
    """

    tier: str
    dial: Wish | None
    lock: bool
    collection: str | None
    only: Filter | None
    document: str | None
    offline: bool | None


class AskOptions(RouteOptions, total=False):
    """Keyword arguments of ``ask`` and ``stream``.

    Attributes:
        thread: a thread to continue or to begin; by default a new one.
        schema: a JSON Schema; the answer's text is then one JSON value that fits it.
        adapter: a LoRA adapter for this question: a path, or the name of a file ``adapters/NAME.gguf`` in the home
            folder. Only tiers that can wear it answer.
        grounded: what documents were found for is answered from them or not at all; ``None`` leaves it to the settings.
        show_before_sending: when the turn waits for a person to see what leaves: ``never``, ``first`` (before the first
            request of the thread that leaves), ``always`` (of every turn); ``None`` leaves it to the settings.
        conversation: what stands around the question, where the caller keeps the conversation or brings tools.
        sampling: how the words are chosen; by default as the tier does.
        search: look for passages at all, by default yes.
        own_tools: offer the configured tools, by default yes.
        caller: who asks through an API.
        passing: the thread is for this question alone, and is not listed among people's.
        goes_on: if the program ends in the middle, whoever serves next goes on with it unasked.
        attached: JSON values that are kept with the turn, in ``DecisionRecord.attached``; no model sees them.
    """

    thread: str | None
    schema: dict[str, Any] | None
    adapter: str | None
    grounded: bool | None
    show_before_sending: ShowBeforeSending | None
    conversation: Conversation | None
    sampling: Sampling | None
    search: bool
    own_tools: bool
    caller: Caller | None
    passing: bool
    goes_on: bool
    attached: dict[str, Any] | None


class AgainOptions(TypedDict, total=False):
    """Keyword arguments of ``again`` and ``stream_again`` beside ``tier``; thread and collection are those of the turn.

    Attributes:
        dial: by default that of the turn.
        lock: keep the message on the device; a turn that was locked stays so.
        offline: refuse every tier that is not on the device; ``None`` leaves it to the settings.
        schema: as in ``ask``; that of the turn is not remembered.
        adapter: as in ``ask``; that of the turn is not remembered.
        grounded: as in ``ask``.
        show_before_sending: as in ``ask``.
        search: as in ``ask``.
        own_tools: as in ``ask``.
        caller: as in ``ask``.
        goes_on: as in ``ask``.
        question: the question in other words; its answer then also takes the place of whatever followed in the thread.
    """

    question: str | None
    dial: Wish | None
    lock: bool
    offline: bool | None
    schema: dict[str, Any] | None
    adapter: str | None
    grounded: bool | None
    show_before_sending: ShowBeforeSending | None
    search: bool
    own_tools: bool
    caller: Caller | None
    goes_on: bool


class Decision(TypedDict):
    """Keyword arguments of ``decide``; see :meth:`~tierwise.AsyncCopilot.decide`."""

    allow: bool
    always: NotRequired[bool]
    arguments: NotRequired[dict[str, Any] | None]
    reason: NotRequired[str]


def find_adapter(word: str, home: Path) -> str:
    """The absolute path of an adapter.

    Args:
        word: a path, or the name of a file ``adapters/NAME.gguf`` in the home folder.
        home: the home folder.

    Raises:
        UnknownName: if there is no adapter of that name.
        InvalidInput: if there is no file at that path.
    """
    if "/" in word or "\\" in word or word.endswith(".gguf"):
        path = Path(word).expanduser().absolute()
        if not path.is_file():
            raise InvalidInput(f"The adapter {path} is not there.", fix="Correct the path.")
        return str(path)
    path = home / "adapters" / f"{word}.gguf"
    if not path.is_file():
        raise UnknownName(f"There is no adapter {word!r}.", fix=f"Put it at {path}, or give its path.")
    return str(path)
