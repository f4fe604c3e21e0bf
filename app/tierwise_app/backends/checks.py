"""What is asked of a backend, one function a question; each returns what it saw or raises :class:`NotKept`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tierwise.errors import ContextTooLong, ModelNotFound, ModelNotInstalled, TierwiseError
from tierwise.types import Message, ToolCall

if TYPE_CHECKING:
    from tierwise.models import ChatModel, ChatRequest, Completed

EVERYONE = ("llama.cpp", "llama-server", "Ollama", "vLLM", "OpenAI", "compatible")
_STORY = "Write four sentences about a lighthouse keeper and his dog."
_TOOL = "What is the weather in Paris? Use the tool."
_PERSON = "Anna Schmidt is 41 years old. Give her name and age as JSON."
_CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 40}}, "required": ["city"]}
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 40}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


class NotKept(Exception):
    """The backend does not do what was asked; the text says what it did."""


class NotAsked(Exception):
    """The question cannot be put to this backend; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One drained stream, its times in seconds."""

    deltas: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    done: Completed
    first: float
    total: float

    @property
    def text(self) -> str:
        """The deltas joined."""
        return "".join(self.deltas)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the checks work on.

    Attributes:
        model: opened, with its first answer behind it.
        story: that answer, of up to 64 tokens.
        window: tokens of its context, where known.
        open_other: opens a model of a made-up name at the same place.
    """

    model: ChatModel
    story: Answer
    window: int | None
    open_other: Callable[[], ChatModel]


@dataclass(frozen=True, slots=True)
class Check:
    """One question.

    Attributes:
        name: short, for the table and for programs.
        title: what is asked.
        needed: kinds of backend that must keep it; for the others it is told, and no failure.
        run: asks; see the module.
    """

    name: str
    title: str
    needed: tuple[str, ...]
    run: Callable[[Subject], Awaitable[str]]


def request(text: str, **options: Any) -> ChatRequest:
    """One greedy step on one message."""
    from tierwise.models import ChatRequest

    return ChatRequest((Message("user", text),), **{"max_tokens": 64, "evidence": False, **options})


def story() -> ChatRequest:
    """The request that warms a backend up and is measured."""
    return request(_STORY)


async def drain(model: ChatModel, wanted: ChatRequest) -> Answer:
    """Run a request to its end.

    Raises:
        ModelError: as the model does.
    """
    from tierwise.models import Called, Completed, Delta

    begun, first = time.perf_counter(), 0.0
    deltas: list[str] = []
    calls: list[ToolCall] = []
    done = None
    async with aclosing(cast("Any", model.stream(wanted))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Delta | Called):
                first = first or time.perf_counter() - begun
            if isinstance(chunk, Delta):
                deltas.append(chunk.text)
            elif isinstance(chunk, Called):
                calls.append(chunk.call)
            elif isinstance(chunk, Completed):
                done = chunk
    assert done is not None, "a stream that ends well ends with Completed"
    total = time.perf_counter() - begun
    return Answer(tuple(deltas), tuple(calls), done, first or total, total)


# -- the questions -----------------------------------------------------------------------------------------------------


async def _streaming(subject: Subject) -> str:
    count = len(subject.story.deltas)
    if count < 2:
        raise NotKept(f"the text came in {count} piece(s)")
    return f"{count} pieces"


async def _text(subject: Subject) -> str:
    if "\N{REPLACEMENT CHARACTER}" in subject.story.text:
        raise NotKept("the text has broken characters")
    again = await drain(subject.model, story())
    if again.text != subject.story.text:
        raise NotKept("the same request at temperature 0 gave another text")
    return "the pieces joined are the same text twice"


async def _stop(subject: Subject) -> str:
    words = [word for word in subject.story.text.split()[2:] if word.isalpha() and len(word) > 2]
    if not words:
        raise NotAsked("its answer has no word to stop at")
    answer = await drain(subject.model, request(_STORY, stop=(words[0],)))
    if words[0] in answer.text:
        raise NotKept(f"the stop text {words[0]!r} is part of the answer")
    if answer.done.finish != "stop":
        raise NotKept(f"it ended with {answer.done.finish!r}, not with 'stop'")
    return f"ended before {words[0]!r}"


async def _limit(subject: Subject) -> str:
    answer = await drain(subject.model, request(_STORY, max_tokens=5))
    usage = answer.done.usage
    if answer.done.finish != "length":
        raise NotKept(f"it ended with {answer.done.finish!r}, not with 'length'")
    if usage.completion_tokens > 5 and not usage.estimated:
        raise NotKept(f"it wrote {usage.completion_tokens} tokens instead of 5")
    return "ended with 'length' after 5 tokens"


async def _tools(subject: Subject) -> str:
    from tierwise.models import ToolSpec

    if subject.model.capabilities.tools == "none":
        raise NotAsked("it has no tools")
    weather = ToolSpec("get_weather", "Current weather of a city.", _CITY)
    answer = await drain(subject.model, request(_TOOL, tools=(weather,), max_tokens=128))
    if not answer.calls:
        raise NotKept("it called no tool")
    call = answer.calls[0]
    if call.name != "get_weather" or not isinstance(call.arguments.get("city"), str):
        raise NotKept(f"it called {call.name}({json.dumps(call.arguments)})")
    return f"{call.name}({json.dumps(call.arguments)})"


async def _schema(subject: Subject) -> str:
    if subject.model.capabilities.structured == "none":
        raise NotAsked("it takes no schema")
    answer = await drain(subject.model, request(_PERSON, schema=_SCHEMA, max_tokens=96))
    try:
        value = json.loads(answer.text)
    except ValueError:
        raise NotKept(f"no JSON: {answer.text[:40]!r}") from None
    age = value.get("age") if isinstance(value, dict) else None
    fits = isinstance(value, dict) and set(value) == {"name", "age"} and isinstance(value["name"], str)
    if not fits or not isinstance(age, int) or isinstance(age, bool) or age < 0:
        raise NotKept(f"JSON that does not fit the schema: {answer.text[:40]!r}")
    return answer.text


async def _window(subject: Subject) -> str:
    if subject.window is None:
        raise NotAsked("its window is not known; name it with ,window=N")
    try:
        await drain(subject.model, request("word " * (subject.window + 64), max_tokens=4))
    except ContextTooLong as error:
        return str(error.what)
    raise NotKept(f"a prompt longer than {subject.window:,} tokens was answered, so something was cut silently")


async def _unknown(subject: Subject) -> str:
    other = None
    try:
        other = subject.open_other()
        await drain(other, request("Hello.", max_tokens=4))
    except (ModelNotFound, ModelNotInstalled) as error:
        return str(error.what)
    except TierwiseError as error:
        raise NotKept(f"an error of another kind: {error.what}") from None
    finally:
        if other is not None:
            await other.aclose()
    raise NotKept("a model of a made-up name answered")


async def _cancel(subject: Subject) -> str:
    from tierwise.models import Delta

    async with aclosing(cast("Any", subject.model.stream(request(_STORY, max_tokens=512)))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                break
    begun = time.perf_counter()
    if not (await drain(subject.model, request("Say hello.", max_tokens=4))).text:
        raise NotKept("no text after a cancelled request")
    return f"answered again {time.perf_counter() - begun:.1f} s later"


async def _overlap(subject: Subject) -> str:
    colour = request("Name a colour.", max_tokens=16, thread="a")
    animal = request("Name an animal.", max_tokens=16, thread="b")
    both = await asyncio.gather(drain(subject.model, colour), drain(subject.model, animal))
    if not all(answer.text for answer in both):
        raise NotKept("one of two requests at once got no text")
    return "two at once were answered"


async def _usage(subject: Subject) -> str:
    usage = subject.story.done.usage
    if usage.estimated:
        raise NotKept("not reported, so it is counted by us")
    if not usage.prompt_tokens or not usage.completion_tokens:
        raise NotKept(f"reported as {usage.prompt_tokens} and {usage.completion_tokens}")
    return f"{usage.prompt_tokens} tokens read, {usage.completion_tokens} written"


_SERVERS = ("llama-server", "Ollama", "vLLM", "OpenAI")
CHECKS = (
    Check("streaming", "text comes in pieces", EVERYONE, _streaming),
    Check("text", "same text twice at temperature 0", ("llama.cpp",), _text),
    Check("stop", "stop texts end the answer", EVERYONE, _stop),
    Check("limit", "max_tokens is kept", EVERYONE, _limit),
    Check("tools", "calls a tool", ("vLLM", "OpenAI"), _tools),
    Check("schema", "keeps a JSON Schema", ("llama.cpp", *_SERVERS), _schema),
    Check("window", "refuses a prompt that is too long", ("llama.cpp", "llama-server", "vLLM", "OpenAI"), _window),
    Check("unknown", "refuses an unknown model", ("llama.cpp", "Ollama", "vLLM", "OpenAI"), _unknown),
    Check("cancel", "usable after a cancelled request", EVERYONE, _cancel),
    Check("overlap", "two requests at once", EVERYONE, _overlap),
    Check("usage", "reports tokens", ("llama.cpp", *_SERVERS), _usage),
)
