"""The Responses API over real HTTP on loopback: what is sent, what is read, and every end it can have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from plays import Handler, Play, Server, problem, reply, serving, silent, stream, waiting

from tierwise import errors
from tierwise.config import Limits
from tierwise.models import Called, ChatRequest, Delta, OpenAIResponses, ToolSpec
from tierwise.types import Message, ToolCall

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
async def hosted(server: Server, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TEST_KEY", KEY)
    opened: list[OpenAIResponses] = []

    def make(**options: Any) -> OpenAIResponses:
        opened.append(OpenAIResponses("big", **{"base_url": server.url, "api_key_env": "TEST_KEY", **options}))
        return opened[-1]

    yield make
    for model in opened:
        await model.aclose()


async def ask(model: OpenAIResponses, **options: Any) -> tuple[str, list[Any]]:
    request = ChatRequest((Message("user", "hi"),), **options)
    chunks = [chunk async for chunk in model.stream(request)]
    return "".join(c.text for c in chunks if isinstance(c, Delta)), chunks


def event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': 0, **fields})}\n\n"


def says(text: str, kind: str = "response.output_text.delta") -> str:
    return event(kind, item_id="m", output_index=0, content_index=0, delta=text)


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": list(parts)}


def call(name: str = "search", arguments: str = '{"q": "cats"}', call_id: str = "c1") -> dict[str, Any]:
    return {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def response(status: str = "completed", *output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "model": "served-1", "status": status, "output": list(output), **fields}


def ends(status: str = "completed", *output: dict[str, Any], **fields: Any) -> str:
    return event(f"response.{status}", response=response(status, *output, **fields))


CREATED = event("response.created", response=response("in_progress"))
HELLO = stream(CREATED, says("Hello "), says("world"), ends())
USAGE = {
    "input_tokens": 90,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 28},
    "total_tokens": 120,
}


# -- the wire ----------------------------------------------------------------------------------------------------------


async def test_the_request_is_stateless_and_complete(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [HELLO]
    tool = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}})
    request = ChatRequest(
        (
            Message("system", "Be kind."),
            Message("user", "hi"),
            Message("assistant", "Let me see.", (ToolCall("c1", "add", {"a": 1}), ToolCall("c2", "add", {"a": 2}))),
            Message("tool", "1", tool_call_id="c1"),
            Message("tool", "2", tool_call_id="c2"),
        ),
        max_tokens=70,
        temperature=0.5,
        tools=(tool,),
    )
    done = [chunk async for chunk in hosted(reasoning="low").stream(request)][-1]
    body = server.bodies[0]
    assert server.paths == ["/v1/responses"]
    assert (body["model"], body["max_output_tokens"], body["temperature"]) == ("big", 70, 0.5)
    assert body["store"] is False
    assert body["reasoning"] == {"effort": "low"}
    assert body["instructions"] == "Be kind."
    assert [item["type"] for item in body["input"]] == [
        "message", "message", "function_call", "function_call", "function_call_output", "function_call_output"
    ]  # fmt: skip
    assert body["input"][2] == {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'}
    assert body["input"][5] == {"type": "function_call_output", "call_id": "c2", "output": "2"}
    assert body["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "parameters": tool.parameters, "strict": False}
    ]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert done.sent_bytes == int(server.headers[0]["content-length"])
    assert done.model_served == "served-1"
    assert done.finish == "stop"


async def test_usage_counts_cached_and_reasoning_tokens(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [stream(says("Hello"), ends(usage=USAGE)), HELLO]
    usage = (await ask(hosted()))[1][-1].usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.estimated) == (90, 64, 30, False)
    assert (await ask(hosted()))[1][-1].usage.estimated


async def test_tool_calls_come_in_order_and_once(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    first, second = call(), call("add", "{}", "c2")
    server.plays = [
        stream(
            CREATED,
            event("response.output_item.added", output_index=0, item={**first, "arguments": ""}),
            event("response.function_call_arguments.delta", item_id="fc_c1", output_index=0, delta='{"q": "cats"}'),
            event("response.output_item.done", output_index=0, item=first),
            event("response.output_item.done", output_index=1, item=second),
            ends("completed", first, second),
        ),
        stream(ends("completed", first, second)),  # some servers stream no items
        reply(200, response("completed", first, second)),  # and some do not stream
    ]
    model = hosted()
    for _ in range(3):
        _, chunks = await ask(model, tools=(ToolSpec("search", "Search."), ToolSpec("add", "Add.")))
        assert [c.call for c in chunks if isinstance(c, Called)] == [
            ToolCall("c1", "search", {"q": "cats"}),
            ToolCall("c2", "add", {}),
        ]
        assert chunks[-1].finish == "tool_calls"


async def test_arguments_that_are_no_object_must_not_be_run(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [stream(ends("completed", call(arguments='{"q": ')))]
    _, chunks = await ask(hosted(), tools=(ToolSpec("search", "Search."),))
    (called,) = [c.call for c in chunks if isinstance(c, Called)]
    assert "search was not run: the arguments" in (called.problem or "")


REFUSAL = {"type": "refusal", "refusal": "I will not."}
ANSWERS = {
    "streamed": (HELLO, "Hello world", "stop"),
    "only at the end": (stream(ends("completed", message({"type": "output_text", "text": "Hi"}))), "Hi", "stop"),
    "not streamed": (reply(200, response("completed", message({"type": "output_text", "text": "Hi"}))), "Hi", "stop"),
    "refusal": (
        stream(says("I will not.", "response.refusal.delta"), ends("completed", message(REFUSAL))),
        "I will not.",
        "stop",
    ),
    "refusal, not streamed": (reply(200, response("completed", message(REFUSAL))), "I will not.", "stop"),
    "cut by the limit": (
        stream(says("Hel"), ends("incomplete", incomplete_details={"reason": "max_output_tokens"})),
        "Hel",
        "length",
    ),
    "all tokens went into reasoning": (
        stream(ends("incomplete", incomplete_details={"reason": "max_output_tokens"})),
        "",
        "length",
    ),
    "cut by the filter": (
        stream(says("Hel"), ends("incomplete", incomplete_details={"reason": "content_filter"})),
        "Hel",
        "content_filter",
    ),
    "half characters": (stream(says("\ud83d"), says("\ude42 ok"), ends()), "🙂 ok", "stop"),
    "unknown events": (stream(event("response.new.thing", x=1), says("ok"), ends()), "ok", "stop"),
}


@pytest.mark.parametrize(("play", "text", "finish"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_answers(server: Server, hosted, play: Play, text: str, finish: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [play]
    said, chunks = await ask(hosted())
    assert (said, chunks[-1].finish, chunks[-1].model_served in ("served-1", "big")) == (text, finish, True)


async def test_a_stop_text_ends_the_answer_and_the_stream(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def goes_on(handler: Handler) -> None:
        handler.begin()
        handler.write(says("one, two, EN"))
        handler.write(says("D, three"))
        while not handler.owner.release.wait(0.02) and handler.write(says("more ")):
            pass

    server.plays = [goes_on, HELLO]
    model = hosted()
    text, chunks = await ask(model, stop=("END",))
    assert (text, chunks[-1].finish) == ("one, two, ", "stop")
    assert "stop" not in server.bodies[0]
    assert await asyncio.to_thread(server.hung_up.wait, 60)
    assert (await ask(model, stop=("worlds",)))[0] == "Hello world"  # what only might have become one is kept


# -- a form the server does not take -----------------------------------------------------------------------------------


async def test_a_rejected_parameter_is_changed_once_and_remembered(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [
        reply(400, problem("Unsupported parameter: 'temperature' is not supported with this model.")),
        reply(400, problem("Unsupported value.", "unsupported_value", "reasoning.effort")),
        reply(400, problem("Expected a value >= 16, but got 9.", "integer_below_min_value", "max_output_tokens")),
        HELLO,
    ]
    model = hosted(reasoning="minimal")
    text, chunks = await ask(model, max_tokens=9)
    assert text == "Hello world"
    assert not {"temperature", "reasoning"} & set(server.bodies[-1])
    assert server.bodies[-1]["max_output_tokens"] == 16
    assert server.bodies[-1]["store"] is False
    assert chunks[-1].sent_bytes == sum(int(h["content-length"]) for h in server.headers)
    await ask(model, max_tokens=90)
    assert len(server.bodies) == 5
    assert server.bodies[-1]["max_output_tokens"] == 90


# -- failures ----------------------------------------------------------------------------------------------------------

FAILURES = {
    "no such path": (reply(404, {"detail": "Not Found"}), errors.ModelNotFound, 'Set api = "chat"'),
    "no such method": (reply(405), errors.ModelNotFound, 'Set api = "chat"'),
    "unknown model": (reply(404, problem("no model", "model_not_found")), errors.ModelNotFound, "has no model 'big'"),
    "wrong key": (reply(401, problem(f"Incorrect API key: {KEY}")), errors.AuthError, "Set TEST_KEY"),
    "filter refuses": (reply(400, problem("flagged", "invalid_prompt")), errors.ContentFiltered, "content filter"),
    "filter leaves nothing": (
        stream(ends("incomplete", incomplete_details={"reason": "content_filter"})),
        errors.ContentFiltered,
        "content filter",
    ),
    "failed": (
        stream(says("Hel"), ends("failed", error={"code": "server_error", "message": "it broke"})),
        errors.ServerError,
        'broke off its answer: "it broke"',
    ),
    "failed by rate": (
        stream(ends("failed", error={"code": "rate_limit_exceeded", "message": "slow"})),
        errors.RateLimited,
        "too many requests",
    ),
    "failed, not streamed": (
        reply(200, response("failed", error={"code": "server_error", "message": "it broke"})),
        errors.ServerError,
        "it broke",
    ),
    "error event": (
        stream(event("error", code="context_length_exceeded", message="too long", param=None)),
        errors.ContextTooLong,
        "does not fit the window",
    ),
    "nested error event": (
        stream(event("error", error={"code": "server_error", "message": "it broke"})),
        errors.ServerError,
        "it broke",
    ),
    "cut off": (stream(CREATED, says("Hello ")), errors.ServerError, "broke off its answer"),
    "nothing": (stream(CREATED), errors.ServerError, "sent no response"),
    "chat completions": (
        stream('data: {"object": "chat.completion.chunk", "choices": []}\n\n'),
        errors.ServerError,
        "sent no response",
    ),
    "web page": (reply(200, "<html>login</html>", "text/html"), errors.NotTheProtocol, "web page"),
    "no JSON": (stream("event: x\ndata: {nonsense\n\n"), errors.NotTheProtocol, "not the OpenAI protocol"),
}


@pytest.mark.parametrize(("play", "kind", "words"), FAILURES.values(), ids=FAILURES.keys())
async def test_failures_are_plain_sentences(server: Server, hosted, play: Play, kind: type, words: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [play]
    with pytest.raises(kind, match=words) as caught:
        await ask(hosted())
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
    assert len(server.bodies) == 1, "nothing is retried here"


def thinking(handler: Handler) -> None:
    handler.begin()
    kind = "response.reasoning_summary_text.delta"
    while not handler.owner.release.wait(0.05):
        if not handler.write(event(kind, item_id="r", output_index=0, summary_index=0, delta="hm")):
            return


CLOCKS = {
    "no headers": (silent, Limits(first_token=0.3), "did not begin to answer within 0.3 s"),
    "created only": (waiting(CREATED), Limits(first_token=0.3), "did not begin to answer"),
    "stops in the middle": (waiting(says("Hello")), Limits(between_tokens=0.3), "stopped in the middle"),
    "thinks for ever": (thinking, Limits(first_token=4, total=5), "did not finish its answer within 5 s"),
}


@pytest.mark.parametrize(("play", "limits", "words"), CLOCKS.values(), ids=CLOCKS.keys())
async def test_each_clock_ends_the_call(server: Server, hosted, play: Play, limits: Limits, words: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [play]
    with pytest.raises(errors.ModelTimeout, match=words):
        await asyncio.wait_for(ask(hosted(limits=limits)), 60)


async def test_closing_the_iterator_closes_the_connection(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def play(handler: Handler) -> None:
        handler.begin()
        while not handler.owner.release.wait(0.02) and handler.write(says("x ")):
            pass

    server.plays = [play]
    async with aclosing(hosted().stream(ChatRequest((Message("user", "hi"),)))) as chunks:
        async for chunk in chunks:
            assert isinstance(chunk, Delta)
            break
    assert await asyncio.to_thread(server.hung_up.wait, 60)
