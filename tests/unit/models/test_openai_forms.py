"""What both flavours of hosted models do alike: answers by schema, what a server rejects, keys that change."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from plays import Handler, Server, problem, reply, serving

from tierwise import errors
from tierwise.config import Tier
from tierwise.models import ChatRequest, Delta, OpenAIChat, OpenAIResponses, ToolSpec, open_model
from tierwise.models.hosted.reply import usage_of
from tierwise.models.hosted.wire import CallAssembler, finish_of
from tierwise.models.schemas.strict import strict_form
from tierwise.types import Message

CLOSED = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["n", "tags"],
    "additionalProperties": False,
}
OPTIONAL = {"type": "object", "properties": {"n": {"type": "integer"}}}
TEXT = '{"n": 1, "tags": []}'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.plays = [answer]
        yield running


@pytest.fixture(params=["chat", "responses"])
async def hosted(request: pytest.FixtureRequest, server: Server):  # type: ignore[no-untyped-def]
    opened = []

    def make(**options: Any) -> Any:
        model = open_model(Tier("deep", "openai:big", base_url=server.url, api=request.param, **options))
        opened.append(model)
        return model

    yield make
    for model in opened:
        await model.aclose()


def answer(handler: Handler) -> None:
    """The same answer, in the flavour that was asked for."""
    if handler.path.endswith("/responses"):
        part = {"type": "output_text", "text": TEXT}
        body = {"status": "completed", "output": [{"type": "message", "content": [part]}]}
    else:
        body = {"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}
    handler.begin(200, "application/json")
    handler.write(json.dumps(body))


async def ask(model: Any, **options: Any) -> str:
    request = ChatRequest((Message("system", "Be kind."), Message("user", "hi")), **options)
    return "".join([chunk.text async for chunk in model.stream(request) if isinstance(chunk, Delta)])


def form(body: dict[str, Any]) -> dict[str, Any] | None:
    """How a request asked for JSON, in the words of either flavour."""
    if "messages" not in body:
        return (body.get("text") or {}).get("format")
    asked = body.get("response_format")
    return asked and {"type": asked["type"], **asked.get("json_schema", {})}


def told(body: dict[str, Any]) -> str:
    return body["instructions"] if "input" in body else body["messages"][0]["content"]


async def test_a_schema_is_asked_for_natively_and_strictly_where_that_changes_nothing(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    model = hosted()
    assert model.capabilities.structured == "native"
    assert await ask(model, schema=CLOSED) == TEXT
    await ask(model, schema=OPTIONAL)
    await ask(model)
    assert form(server.bodies[0]) == {"type": "json_schema", "name": "answer", "schema": CLOSED, "strict": True}
    assert form(server.bodies[1]) == {"type": "json_schema", "name": "answer", "schema": OPTIONAL, "strict": False}
    assert form(server.bodies[2]) is None
    assert told(server.bodies[0]) == "Be kind."


async def test_a_server_without_schemas_is_asked_for_json_then_in_words(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    no_schema = reply(500, problem("Input should be 'text' or 'json_object', not 'json_schema'"))
    no_object = reply(422, problem("response_format / text.format cannot be set"))
    server.plays = [no_schema, no_schema, no_object, answer]
    model = hosted()
    assert await ask(model, schema=CLOSED) == TEXT
    ways = [form(body) for body in server.bodies]
    assert [way and way["type"] for way in ways] == ["json_schema", "json_schema", "json_object", None]
    assert json.dumps(CLOSED, separators=(",", ":")) in told(server.bodies[2])
    assert told(server.bodies[3]).startswith("Be kind.\n\nAnswer with one JSON value")
    await ask(model, schema=OPTIONAL)
    assert len(server.bodies) == 5, "what was rejected is not tried again"


async def test_one_schema_that_is_refused_does_not_cost_the_others(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    refused = problem("Invalid schema for response_format 'answer': too deep", "invalid_json_schema", "response_format")
    server.plays = [reply(400, refused), answer]
    model = hosted()
    await ask(model, schema=CLOSED)
    await ask(model, schema=CLOSED)
    assert [form(body)["strict"] for body in server.bodies] == [True, False, True]  # type: ignore[index]


async def test_a_complaint_about_something_else_is_not_taken_for_one_about_the_schema(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [reply(400, problem("the conversation must end with a user message"))]
    with pytest.raises(errors.ModelError, match="must end with a user message"):
        await ask(hosted(), schema=CLOSED)
    assert len(server.bodies) == 1


async def test_reasoning_effort_is_sent_until_the_server_rejects_it(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def efforts() -> list[Any]:
        return [b.get("reasoning_effort") or (b.get("reasoning") or {}).get("effort") for b in server.bodies]

    model = hosted(reasoning="high")
    await ask(model)
    server.plays = [reply(400, problem("Unsupported parameter: 'reasoning_effort' / 'reasoning.effort'")), answer]
    await ask(model)
    await ask(model)
    assert efforts() == ["high", "high", None, None]


async def test_an_adapter_is_refused_before_anything_is_sent(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(errors.AdapterError, match="cannot wear an adapter") as caught:
        await ask(hosted(), adapter="formal.gguf")
    assert caught.value.nothing_sent
    assert server.bodies == []


async def test_a_new_key_is_used_at_once_and_the_old_connections_are_closed(  # type: ignore[no-untyped-def]
    server: Server, hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(handler: Handler) -> None:
        handler.begin()
        kind = "response.output_text.delta"
        choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
        while handler.write(f"data: {json.dumps({'type': kind, 'delta': 'x', 'choices': [choice]})}\n\n"):
            if handler.owner.release.wait(0.02):
                return

    monkeypatch.setenv("ROTATING", "first")
    model = hosted(api_key_env="ROTATING")
    server.plays = [half, answer]
    running = model.stream(ChatRequest((Message("user", "hi"),)))
    await anext(running)
    (old,) = model._clients._held.values()
    monkeypatch.setenv("ROTATING", "second")
    assert await ask(model) == TEXT
    assert [h["authorization"] for h in server.headers] == ["Bearer first", "Bearer second"]
    assert isinstance(await anext(running), Delta), "a stream that is under way goes on with the old one"
    assert not old.client.is_closed()
    await running.aclose()
    assert old.client.is_closed()
    assert await asyncio.to_thread(server.hung_up.wait, 60)


@pytest.mark.parametrize(
    ("api", "base_url", "kind"),
    [
        ("auto", None, OpenAIResponses),
        ("auto", "http://127.0.0.1:9/v1", OpenAIChat),
        ("chat", None, OpenAIChat),
        ("responses", "http://127.0.0.1:9/v1", OpenAIResponses),
    ],
)
def test_the_flavour_follows_from_the_tier(api: Any, base_url: str | None, kind: type) -> None:
    model = open_model(Tier("deep", "openai:big", base_url=base_url, api=api))
    assert type(model) is kind
    assert model.capabilities.host == ((base_url and "127.0.0.1:9") or "api.openai.com")


def nest(depth: int) -> dict[str, Any]:
    inner = nest(depth - 1) if depth else {"type": "integer"}
    return {"type": "object", "properties": {"a": inner}, "required": ["a"]}


STRICT = {
    "open object": ({**CLOSED, "additionalProperties": {}}, False),
    "object that does not say": ({k: v for k, v in CLOSED.items() if k != "additionalProperties"}, True),
    "optional property": (OPTIONAL, False),
    "optional property inside": ({**CLOSED, "properties": {**CLOSED["properties"], "n": OPTIONAL}}, False),  # type: ignore[dict-item]
    "root is a list": ({"type": "array", "items": {"type": "string"}}, False),
    "union": ({**nest(0), "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, True),
    "bounded text": ({**nest(0), "properties": {"a": {"type": "string", "maxLength": 3}}}, True),
    "a word that strict mode does not know": (
        {**nest(0), "properties": {"a": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}}},
        False,
    ),
    "default": ({**nest(0), "properties": {"a": {"type": "integer", "default": 3}}}, False),
    "recursion": ({**nest(0), "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": nest(0)}}, True),
    "too deep": (nest(12), False),
    "no schema": ({"type": "object", "properties": 3}, False),
}


@pytest.mark.parametrize(("schema", "strict"), STRICT.values(), ids=STRICT.keys())
def test_strict_forms(schema: dict[str, Any], strict: bool) -> None:
    before = json.dumps(schema)
    form = strict_form(schema)
    assert (form is not None) == strict
    assert json.dumps(schema) == before
    if form is not None:
        assert form["additionalProperties"] is False
        assert form["required"] == list(form["properties"]) == schema["required"]


def test_strict_mode_is_told_the_type_of_fixed_values() -> None:
    listed = {"type": "object", "additionalProperties": False}
    values = {"a": {"const": "x"}, "b": {"enum": ["x", None]}, "c": {"enum": [1, 2]}}
    form = strict_form({**listed, "properties": values, "required": ["a", "b", "c"]})
    assert form is not None
    assert [form["properties"][name]["type"] for name in "abc"] == ["string", ["null", "string"], "integer"]
    assert strict_form({**listed, "properties": {"a": {"enum": [[1], [2]]}}, "required": ["a"]}) is None


async def test_what_was_sent_before_the_server_vanished_was_sent(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def last(handler: Handler) -> None:
        # First, so that nobody accepts the next connection; a close alone waits for the thread that polls for one.
        listening: Any = handler.server
        listening.socket.shutdown(socket.SHUT_RDWR)
        listening.socket.close()
        reply(400, problem("Unsupported: response_format / text.format"))(handler)

    server.plays = [last]
    with pytest.raises(errors.ModelError) as caught:
        await ask(hosted(), schema=OPTIONAL)
    assert isinstance(caught.value, errors.Unreachable)
    assert not caught.value.nothing_sent


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_nesting_without_end_is_not_the_protocol(server: Server, hosted, kind: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [reply(200, f"data: {'[' * 100_000}\n\n"[0 if kind == "text/event-stream" else 6 :], kind)]
    with pytest.raises(errors.ServerError, match="not the OpenAI protocol"):
        await ask(hosted())


def test_calls_of_the_wrong_types_are_read_as_they_are_meant() -> None:
    calls = CallAssembler()
    calls.add(0, 5, "add", {"a": 1})
    (call,) = calls.calls([ToolSpec("add", "Add.")], cut=False, absent={})
    assert (call.id, call.name, call.arguments) == ("5", "add", {"a": 1})
    assert finish_of(["length"], called=False) == "stop"


@pytest.mark.parametrize("counts", [(-5, 1), (1, 10**30), (True, 1.5)])
def test_counts_that_cannot_be_are_no_usage(counts: Any) -> None:
    assert usage_of(*counts, None) is None


def test_the_length_of_a_text_is_told_in_words() -> None:
    text = {"type": "string", "minLength": 1, "maxLength": 30, "description": "The city."}
    form = strict_form({**nest(0), "properties": {"a": text}})
    assert form is not None
    assert form["properties"]["a"] == {
        "type": "string",
        "description": "The city. (at least 1 and at most 30 characters)",
    }
