"""Tools at hosted models, over HTTP: what is sent of a schema, and what comes of calls that are written wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from plays import Play, Server, problem, reply, serving, stream

from tierwise.config import Tier
from tierwise.errors import ModelError
from tierwise.models import Called, ChatRequest, Delta, OpenAIChat, ToolSpec, open_model
from tierwise.types import Message, ToolCall

SEARCH = ToolSpec(
    "search",
    "Search.",
    {
        "type": "object",
        "properties": {"q": {"type": "string", "pattern": "[a-z]"}, "k": {"type": "integer", "default": 3}},
        "required": ["q"],
        "additionalProperties": False,
    },
)
CALL = '{"name": "search", "arguments": {"q": "cats"}}'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=["chat", "responses"])
async def hosted(request: pytest.FixtureRequest, server: Server):  # type: ignore[no-untyped-def]
    model = open_model(Tier("deep", "openai:big", base_url=server.url, api=request.param))
    yield model
    await model.aclose()


def says(text: str, *, finish: str = "stop", calls: tuple[tuple[str, str], ...] = ()) -> Play:
    """An answer in the flavour that is asked for: text in pieces, then calls."""

    def play(handler: Any) -> None:
        asked = [(f"c{n}", name, arguments) for n, (name, arguments) in enumerate(calls)]
        chat = handler.path.endswith("/chat/completions")
        stream(*(_chat if chat else _responses)(text, asked, finish))(handler)

    return play


def _chat(text: str, calls: list[tuple[str, str, str]], finish: str) -> Iterator[str]:
    for piece in text:
        yield _data({"choices": [{"index": 0, "delta": {"content": piece}}]})
    for n, (call_id, name, arguments) in enumerate(calls):
        call = {"index": n, "id": call_id, "function": {"name": name, "arguments": arguments}}
        yield _data({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    yield _data({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    yield "data: [DONE]\n\n"


def _responses(text: str, calls: list[tuple[str, str, str]], finish: str) -> Iterator[str]:
    for piece in text:
        yield _data({"type": "response.output_text.delta", "delta": piece})
    output = [{"type": "function_call", "call_id": c, "name": name, "arguments": a} for c, name, a in calls]
    status = "incomplete" if finish == "length" else "completed"
    yield _data({"type": f"response.{status}", "response": {"status": status, "output": output}})


def _data(event: dict[str, Any]) -> str:
    return f"data: {json.dumps({'sequence_number': 0, **event})}\n\n"


async def ask(model: Any, **options: Any) -> tuple[str, list[ToolCall], Any]:
    request = ChatRequest((Message("user", "Cats?"),), **{"tools": (SEARCH,), **options})
    chunks = [chunk async for chunk in model.stream(request)]
    text = "".join(c.text for c in chunks if isinstance(c, Delta))
    return text, [c.call for c in chunks if isinstance(c, Called)], chunks[-1]


# -- what comes back ---------------------------------------------------------------------------------------------------


async def test_a_call_with_one_safe_reading_is_mended_and_told(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [says("", calls=(("search", '{"q": "cats", "k": "5",}'),), finish="tool_calls")]
    text, (call,), done = await ask(hosted)
    assert (text, call.id, call.arguments, call.problem) == ("", "c0", {"q": "cats", "k": 5}, None)
    assert call.repaired == "comma too many taken out; value written as a text taken out of it"
    assert done.finish == "tool_calls"


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("search", '{"q": "ca', "has no end"),
        ("search", '{"q": 1}', "do not fit: q"),
        ("serch", '{"q": "cats"}', "There is no tool 'serch'"),
        ("", '{"q": "cats"}', "No tool is named"),
    ],
)
async def test_a_call_that_must_not_be_run_says_why_beside_one_that_may(
    server: Server,
    hosted: Any,
    name: str,
    arguments: str,
    why: str,
) -> None:
    server.plays = [says("", calls=((name, arguments), ("search", '{"q": "dogs"}')), finish="tool_calls")]
    _, (bad, good), _ = await ask(hosted)
    assert why in bad.problem
    assert bad.name
    assert good == ToolCall("c1", "search", {"q": "dogs"})


async def test_a_call_cut_by_the_limit_is_not_completed(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [says("", calls=(("search", '{"q": "cats"'),), finish="length")]
    _, (call,), _ = await ask(hosted)
    assert "cut off" in call.problem


@pytest.mark.parametrize("written", [CALL, f"<tool_call>{CALL}</tool_call>", f"```json\n{CALL}\n```"])
async def test_a_call_written_as_text_is_a_call_and_never_shown(server: Server, hosted, written: str) -> None:  # type: ignore[no-untyped-def]
    server.plays = [says(written)]
    text, (call,), done = await ask(hosted)
    assert (text, call.name, call.arguments) == ("", "search", {"q": "cats"})
    assert done.finish == "tool_calls"


async def test_an_example_in_an_answer_is_text(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    example = f"{CALL} searches for cats."
    server.plays = [says(example)]
    text, calls, done = await ask(hosted)
    assert (text, calls, done.finish) == (example, [], "stop")
    server.plays = [says(CALL)]
    assert (await ask(hosted, tools=()))[0] == CALL  # nothing was offered


async def test_a_call_that_comes_both_ways_comes_once(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [says(CALL, calls=(("search", '{"q": "cats"}'),), finish="tool_calls")]
    assert (await ask(hosted))[:2] == ("", [ToolCall("c0", "search", {"q": "cats"})])


# -- what is sent ------------------------------------------------------------------------------------------------------


def sent(body: dict[str, Any]) -> dict[str, Any]:
    (tool,) = body["tools"]
    function: dict[str, Any] = tool.get("function", tool)
    return function


async def test_a_server_gets_no_word_it_may_choke_on(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [says("Hello.")]
    await ask(hosted)
    function = sent(server.bodies[0])
    assert not function.get("strict")
    assert function["parameters"]["properties"]["q"] == {"type": "string", "description": "(pattern [a-z])"}
    assert "tool_choice" not in server.bodies[0]


async def test_the_openai_api_keeps_the_schema_and_null_is_absent(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    hosted.endpoint.is_openai = True
    server.plays = [says("", calls=(("search", '{"q": "cats", "k": null}'),), finish="tool_calls")]
    _, (call,), _ = await ask(hosted)
    assert call == ToolCall("c0", "search", {"q": "cats"})
    function = sent(server.bodies[0])
    assert function["strict"] is True
    assert function["parameters"]["required"] == ["q", "k"]


async def test_a_strict_schema_that_is_refused_is_sent_plainly_from_then_on(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    hosted.endpoint.is_openai = True
    refusal = reply(400, problem("Invalid schema for function 'search'", param="tools[0].function.parameters"))
    server.plays = [refusal, says("Hello.")]
    for _ in range(2):
        assert (await ask(hosted))[0] == "Hello."
    assert [bool(sent(body).get("strict")) for body in server.bodies] == [True, False, False]


async def test_a_plain_schema_that_is_refused_is_not_sent_again(server: Server, hosted) -> None:  # type: ignore[no-untyped-def]
    server.plays = [reply(400, problem("Invalid schema for function 'search'", param="tools[0].function.parameters"))]
    with pytest.raises(ModelError, match="Invalid schema"):
        await ask(hosted)
    assert len(server.bodies) == 1


async def test_a_server_that_cannot_force_a_call_is_asked_without(server: Server) -> None:
    model = OpenAIChat("big", base_url=server.url)
    server.plays = [reply(400, problem("tool_choice 'required' is not supported")), says("Hello.")]
    assert (await ask(model, must_call=True))[0] == "Hello."
    assert [body.get("tool_choice") for body in server.bodies] == ["required", None]
    await model.aclose()
