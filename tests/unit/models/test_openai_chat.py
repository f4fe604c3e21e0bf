"""A hosted model over real HTTP on loopback: the wire, the four clocks, and every failure in a plain sentence."""

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
from tierwise.models import Called, ChatRequest, Completed, Delta, OpenAIChat, ToolSpec
from tierwise.testing import LoopbackServer, ScriptedModel
from tierwise.types import Message, ToolCall

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def piece(content: str | None = None, finish: str | None = None, **delta: Any) -> str:
    full = {**({} if content is None else {"content": content}), **delta}
    choice = {"index": 0, "delta": full, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "served-1", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


DONE = "data: [DONE]\n\n"
HELLO = stream(piece("Hello "), piece("world"), piece(finish="stop"), DONE)


@pytest.fixture
async def hosted(server: Server, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TEST_KEY", KEY)
    opened: list[OpenAIChat] = []

    def make(**options: Any) -> OpenAIChat:
        options = {"base_url": server.url, "api_key_env": "TEST_KEY", **options}
        opened.append(OpenAIChat("big", **options))
        return opened[-1]

    yield make
    for model in opened:
        await model.aclose()


async def ask(model: OpenAIChat, **options: Any) -> tuple[str, list[Any]]:
    request = ChatRequest((Message("user", "hi"),), **options)
    chunks = [chunk async for chunk in model.stream(request)]
    return "".join(c.text for c in chunks if isinstance(c, Delta)), chunks


# -- the wire ----------------------------------------------------------------------------------------------------------


async def test_the_request_is_what_the_protocol_asks_for(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [HELLO]
    tool = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}})
    request = ChatRequest(
        (
            Message("system", "Be kind."),
            Message("user", "hi"),
            Message("assistant", "", tool_calls=(ToolCall("c1", "add", {"a": 1}),)),
            Message("tool", "1", tool_call_id="c1"),
        ),
        max_tokens=7,
        temperature=0.5,
        seed=3,
        stop=("END",),
        tools=(tool,),
    )
    done = [chunk async for chunk in hosted().stream(request)][-1]
    body = server.bodies[0]
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("big", 7, 0.5, 3)
    assert body["stop"] == ["END"]
    assert body["stream_options"] == {"include_usage": True}
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert body["messages"][3]["tool_call_id"] == "c1"
    assert body["tools"][0]["function"]["parameters"] == tool.parameters
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert done.sent_bytes == int(server.headers[0]["content-length"])
    assert done.model_served == "served-1"


async def test_usage_is_reported_or_estimated_and_marked(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    with_usage = stream(
        piece("Hello"), piece(finish="stop"), f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n", DONE
    )
    server.plays = [with_usage, HELLO]
    _, chunks = await ask(hosted())
    assert chunks[-1].usage.prompt_tokens == 9
    assert chunks[-1].usage.cached_tokens == 4
    assert not chunks[-1].usage.estimated
    _, chunks = await ask(hosted())
    assert chunks[-1].usage.estimated
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.parametrize(
    ("query", "path"),
    [("", "/v1/chat/completions"), ("?api-version=2024-10-21", "/v1/chat/completions?api-version=2024-10-21")],
)
async def test_a_query_in_the_base_url_is_kept(server: Server, hosted, query: str, path: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [HELLO]
    assert (await ask(hosted(base_url=server.url + query)))[0] == "Hello world"
    assert server.paths == [path]


async def test_no_key_is_ever_sent_to_a_server_that_was_given_none(server: Server, hosted, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.plays = [HELLO]
    await ask(hosted(api_key_env=None))
    assert KEY not in json.dumps(server.headers)


async def test_the_environment_cannot_send_it_elsewhere(server: Server, hosted, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.plays = [HELLO]
    assert (await ask(hosted()))[0] == "Hello world"


async def test_a_key_copied_with_its_line_end_works(server: Server, hosted, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    server.plays = [stream(piece("ok", "stop"), DONE)]
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    await ask(hosted(api_key_env="SOME_KEY"))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_a_key_that_no_header_can_carry_is_named_and_nothing_sent(server: Server, hosted, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SOME_KEY", "schl\u00fcssel")
    with pytest.raises(errors.AuthError, match="SOME_KEY") as raised:
        await ask(hosted(api_key_env="SOME_KEY"))
    assert raised.value.nothing_sent
    assert server.bodies == []


async def test_no_key_for_the_openai_api_fails_before_any_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(errors.AuthError, match="OPENAI_API_KEY is not set"):
        await ask(OpenAIChat("big"))


TOOL = {"id": "t1", "type": "function", "function": {"name": "search", "arguments": ""}}


def part(text: str = "", **more: Any) -> dict[str, Any]:
    return {"index": 0, "function": {"arguments": text}, **more}


CALLS = {
    "in pieces": [[{"index": 0, **TOOL}], [part('{"q": ')], [part('"cats"}')]],
    "no index": [[{**TOOL}], [{"function": {"arguments": '{"q": "cats"}'}}]],
    "no id": [[{"index": 0, "function": {"name": "search", "arguments": '{"q": "cats"}'}}]],
    "twice the same": [[{"index": 0, **TOOL}], [part('{"q": "cats"}')], [part('{"q": "cats"}')]],
}


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_tool_calls_are_put_together(server: Server, hosted, calls: list[Any], finish: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [stream(*(piece(tool_calls=c) for c in calls), piece(finish=finish), DONE)]
    _, chunks = await ask(hosted())
    (called,) = [c.call for c in chunks if isinstance(c, Called)]
    assert (called.name, called.arguments) == ("search", {"q": "cats"})
    assert called.id
    assert chunks[-1].finish == "tool_calls"


async def test_two_calls_keep_their_order(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    both = [{"index": n, "id": f"t{n}", "function": {"name": f"f{n}", "arguments": "{}"}} for n in (0, 1)]
    server.plays = [stream(piece(tool_calls=both), piece(finish="tool_calls"), DONE)]
    _, chunks = await ask(hosted())
    assert [c.call.name for c in chunks if isinstance(c, Called)] == ["f0", "f1"]


@pytest.mark.parametrize("arguments", ['{"q": ', "[1]", '"text"', '{"q": 1}{"q": 2}'])
async def test_arguments_that_are_no_object_must_not_be_run(server: Server, hosted, arguments: str) -> None:  # type: ignore[no-untyped-def]
    broken = {"index": 0, "id": "t", "function": {"name": "search", "arguments": arguments}}
    server.plays = [stream(piece(tool_calls=[broken]), piece(finish="tool_calls"), DONE)]
    _, chunks = await ask(hosted(), tools=(ToolSpec("search", "Search."),))
    (called,) = [c.call for c in chunks if isinstance(c, Called)]
    assert called.name == "search"
    assert "search was not run: the arguments" in (called.problem or "")


async def test_a_plain_json_answer_is_taken_too(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    whole = {"model": "m", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    server.plays = [reply(200, whole)]
    assert (await ask(hosted()))[0] == "Hello"


ODD = {
    "comments and ids": [
        ": ping\n\n",
        "event: message\nid: 1\nretry: 5\n" + piece("Hello "),
        piece("world", "stop"),
        DONE,
    ],
    "data after the end": [piece("Hello "), piece("world", "stop"), DONE, piece("more")],
    "a byte order mark first": ["\ufeff" + piece("Hello "), piece("world", "stop"), DONE],
    "role again and again": [piece(role="assistant"), piece("Hello ", role="assistant"), piece("world", "stop"), DONE],
    "no DONE": [piece("Hello "), piece("world", "stop")],
    "empty choices": ['data: {"choices": []}\n\n', piece("Hello "), piece("world", "stop"), DONE],
}


@pytest.mark.parametrize("pieces", ODD.values(), ids=ODD.keys())
async def test_streams_that_are_odd_but_complete(server: Server, hosted, pieces: list[str]) -> None:  # type: ignore[no-untyped-def]
    server.plays = [stream(*pieces)]
    text, chunks = await ask(hosted())
    assert text == "Hello world"
    assert chunks[-1].finish == "stop"


async def test_half_characters_never_pass(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    raw = piece("a🙂b", "stop").encode().replace(b"\\ud83d\\ude42", "🙂".encode())
    cut = raw.index("🙂".encode()) + 2
    server.plays = [
        stream(raw[:cut], raw[cut:], DONE),
        stream(piece("\ud83d"), piece("\ude42 ok", "stop"), DONE),
        stream(piece("end \ud83d"), piece(finish="stop"), DONE),
    ]
    model = hosted()
    assert [(await ask(model))[0] for _ in range(3)] == ["a🙂b", "🙂 ok", "end \ufffd"]


# -- a form the server does not take -----------------------------------------------------------------------------------


async def test_a_rejected_parameter_is_changed_once_and_remembered(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [
        reply(400, problem("Unknown parameter: stream_options.")),
        reply(400, problem("Unsupported parameter: use 'max_completion_tokens' instead.", None, "max_tokens")),
        reply(400, problem("Unsupported value: 'temperature' does not support 0.", "unsupported_value", "temperature")),
        HELLO,
    ]
    model = hosted()
    assert (await ask(model, max_tokens=9))[0] == "Hello world"
    assert len(server.bodies) == 4
    assert server.bodies[-1]["max_completion_tokens"] == 9
    assert not {"stream_options", "max_tokens", "temperature"} & set(server.bodies[-1])
    await ask(model)
    assert len(server.bodies) == 5


async def test_a_server_that_always_complains_is_not_asked_for_ever(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [reply(400, problem("bad temperature, bad max_tokens, bad stream_options"))]
    with pytest.raises(errors.ModelError, match="refused the request"):
        await ask(hosted())
    assert len(server.bodies) == 4


# -- failures ----------------------------------------------------------------------------------------------------------

FAILURES = {
    "wrong key": (reply(401, problem(f"Incorrect API key provided: {KEY}")), errors.AuthError, "Set TEST_KEY"),
    "not allowed": (reply(403, problem("no access")), errors.AuthError, "not allowed to use big"),
    "unknown model": (
        reply(404, problem("The model does not exist", "model_not_found")),
        errors.ModelNotFound,
        "'big'",
    ),
    "rate": (reply(429, problem("Rate limit"), retry_after="7"), errors.RateLimited, "too many requests"),
    "quota": (reply(429, problem("quota", "insufficient_quota")), errors.QuotaExceeded, "out of credit"),
    "500": (reply(500, problem("boom")), errors.ServerError, r"failed \(500\)"),
    "empty 502": (reply(502), errors.ServerError, r"failed \(502\)"),
    "loading": (reply(503, {"error": {"message": "Loading model", "code": 503}}), errors.ServerError, "Loading model"),
    "408": (reply(408), errors.ServerError, "408"),
    "context, OpenAI": (
        reply(400, problem("This model's maximum context length is 4096 tokens", "context_length_exceeded")),
        errors.ContextTooLong,
        "does not fit the window",
    ),
    "context, llama-server": (
        reply(
            400,
            {
                "error": {
                    "code": 400,
                    "message": "exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
        ),
        errors.ContextTooLong,
        "does not fit the window",
    ),
    "too large, llama-server": (
        reply(500, problem("input is too large to process. increase the physical batch size", kind="server_error")),
        errors.ContextTooLong,
        "does not fit the window",
    ),
    "413": (reply(413), errors.ContextTooLong, "does not fit the window"),
    "context in the stream": (
        stream(f"data: {json.dumps(problem('maximum context length is 4096', 'context_length_exceeded'))}\n\n"),
        errors.ContextTooLong,
        "does not fit the window",
    ),
    "error in the stream": (
        stream(piece("Hel"), f"data: {json.dumps(problem('overloaded', None, kind='server_error'))}\n\n"),
        errors.ServerError,
        'broke off its answer: "overloaded"',
    ),
    "filter refuses": (reply(400, problem("filtered", "content_filter")), errors.ContentFiltered, "content filter"),
    "filter stops": (stream(piece(finish="content_filter"), DONE), errors.ContentFiltered, "content filter"),
    "web page": (reply(200, "<html>login</html>", "text/html"), errors.NotTheProtocol, "web page"),
    "no JSON": (stream("data: {nonsense\n\n"), errors.NotTheProtocol, "not the OpenAI protocol"),
    "other JSON": (reply(200, {"hello": 1}), errors.NotTheProtocol, "sent no chat completion"),
    "a list": (reply(200, [1, 2]), errors.NotTheProtocol, "sent no chat completion"),
    "nothing": (stream(), errors.ServerError, "sent no chat completion"),
    "cut off": (stream(piece("Hello ")), errors.ServerError, "broke off its answer"),
    "redirect": (reply(307, location="http://example.invalid/v1"), errors.ModelNotFound, "redirects to"),
    "dangling tool call": (reply(400, problem("must be followed by tool messages")), errors.ModelError, "refused"),
}


@pytest.mark.parametrize(("play", "kind", "says"), FAILURES.values(), ids=FAILURES.keys())
async def test_failures_are_plain_sentences(server: Server, hosted, play: Play, kind: type, says: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [play]
    with pytest.raises(kind, match=says) as caught:
        await ask(hosted())
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
    assert len(server.bodies) == 1, "nothing is retried here"


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("86400", 86400, 86400), ("-5", 0, 0), ("Wed, 21 Oct 2065 07:28:00 GMT", 1e8, 1e10)],
)
async def test_retry_after_is_handed_on(server: Server, hosted, value: str, low: float, high: float) -> None:  # type: ignore[no-untyped-def]
    server.plays = [reply(429, problem("slow down"), retry_after=value)]
    with pytest.raises(errors.RateLimited) as caught:
        await ask(hosted())
    assert caught.value.retry_after is not None
    assert low <= caught.value.retry_after <= high
    assert caught.value.transient


async def test_a_connection_that_breaks_in_the_middle(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def play(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        data = piece("Hello ").encode()
        handler.write(f"{len(data):x}\r\n".encode() + data + b"\r\nff\r\ncut")

    server.plays = [play]
    with pytest.raises(errors.Unreachable, match="broke"):
        await ask(hosted())


async def test_nothing_listens(hosted) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(errors.Unreachable, match=r"Nothing answers at 127\.0\.0\.1:9"):
        await ask(hosted(base_url="http://127.0.0.1:9/v1"))


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(errors.ConfigError, match="not an address"):
        OpenAIChat("big", base_url="127.0.0.1:8000")


async def test_an_answer_without_end_is_bounded(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    def play(handler: Handler) -> None:
        handler.begin()
        handler.write("data: ")
        while handler.write("z" * 1_000_000):
            pass

    server.plays = [play]
    with pytest.raises(errors.ServerError, match="longer than"):
        await ask(hosted())


# -- the clocks --------------------------------------------------------------------------------------------------------


def slow_loris(handler: Handler) -> None:
    handler.begin()
    while not handler.owner.release.wait(0.05):
        if not handler.write(piece("x")):
            return


CLOCKS = {
    "no headers": (silent, Limits(first_token=0.3), "did not begin to answer within 0.3 s"),
    "headers only": (waiting(), Limits(first_token=0.3), "did not begin to answer"),
    "pings only": (waiting(ping=True), Limits(first_token=0.3), "did not begin to answer"),
    "stops in the middle": (waiting(piece("Hello")), Limits(between_tokens=0.3), "stopped in the middle"),
    "goes on for ever": (slow_loris, Limits(total=0.5), "did not finish its answer within 0.5 s"),
}


@pytest.mark.parametrize(("play", "limits", "says"), CLOCKS.values(), ids=CLOCKS.keys())
async def test_each_clock_ends_the_call(server: Server, hosted, play: Play, limits: Limits, says: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [play]
    with pytest.raises(errors.ModelTimeout, match=says):
        await asyncio.wait_for(ask(hosted(limits=limits)), 60)


async def test_closing_the_iterator_closes_the_connection(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [slow_loris]
    async with aclosing(hosted().stream(ChatRequest((Message("user", "hi"),)))) as chunks:
        async for chunk in chunks:
            assert isinstance(chunk, Delta)
            break
    assert await asyncio.to_thread(server.hung_up.wait, 60)


async def test_a_loopback_server_with_a_key_and_tools() -> None:
    call = ToolCall("t", "add", {"a": 1})
    from tierwise.testing import Step

    with LoopbackServer(ScriptedModel([Step("Let me see.", calls=(call,))])) as server:
        model = OpenAIChat("big", base_url=server.url)
        text, chunks = await ask(model, tools=(ToolSpec("add", "Add."),))
        await model.aclose()
    assert text == "Let me see."
    assert [c.call for c in chunks if isinstance(c, Called)] == [call]
    assert isinstance(chunks[-1], Completed)
