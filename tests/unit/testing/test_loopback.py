"""The loopback server, asked by the official client: what it promises to speak it must speak as the original does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tierwise.errors import ContextTooLong, ServerError
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, Step
from tierwise.types import Message, ToolCall

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
PARAMETERS = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
ADD = ToolCall("c1", "add", {"a": 1})


def serve(*steps: Any, **options: Any) -> LoopbackServer:
    return LoopbackServer(ScriptedModel(list(steps), repeat=True), **options)


@pytest.fixture
def client() -> Iterator[Any]:
    opened = []

    def connect(server: LoopbackServer, key: str = "none") -> openai.OpenAI:
        opened.append(openai.OpenAI(base_url=server.url, api_key=key, max_retries=0))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


HI: list[Any] = [{"role": "user", "content": "hi"}]


def test_a_response_is_whole_and_its_stream_adds_up(client: Any) -> None:
    with serve("well, hello") as server:
        ask = client(server).responses
        whole = ask.create(model="m", input="hi", instructions="Be kind.", max_output_tokens=50, store=False)
        assert (whole.output_text, whole.status, whole.model) == ("well, hello", "completed", "m")
        assert (whole.usage.output_tokens, whole.usage.total_tokens) == (2, 5)
        with ask.stream(model="m", input=HI, store=False) as events:
            kinds = [event.type for event in events]
            final = events.get_final_response()
        assert final.output_text == "well, hello"
        assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
        assert kinds.count("response.output_text.delta") == 2
        assert kinds[-1] == "response.completed"
        assert server.model.requests[0].messages == (Message("system", "Be kind."), Message("user", "hi"))  # type: ignore[attr-defined]
        assert server.paths == ["/v1/responses"] * 2


def test_responses_call_tools_and_take_their_results(client: Any) -> None:
    step = Step("Let me see.", calls=(ADD, ToolCall("c2", "add", {"a": 2})))
    tools = [{"type": "function", "name": "add", "description": "Adds.", "parameters": PARAMETERS, "strict": False}]
    with serve(step, step, "3") as server:
        ask = client(server).responses
        whole = ask.create(model="m", input="1 + 2?", tools=tools)
        with ask.stream(model="m", input="1 + 2?", tools=tools) as events:
            for _ in events:
                pass
            streamed = events.get_final_response()
        for answer in (whole, streamed):
            assert [item.type for item in answer.output] == ["message", "function_call", "function_call"]
            assert (answer.output[1].call_id, json.loads(answer.output[1].arguments)) == ("c1", {"a": 1})
        items = [item.model_dump(exclude={"parsed_arguments"}) for item in streamed.output]
        results = [{"type": "function_call_output", "call_id": c, "output": o} for c, o in (("c1", "1"), ("c2", "2"))]
        assert ask.create(model="m", input=[*HI, *items, *results], tools=tools).output_text == "3"
        asked = server.model.requests[-1]  # type: ignore[attr-defined]
        assert asked.messages == (
            Message("user", "hi"),
            Message("assistant", "Let me see.", step.calls),
            Message("tool", "1", (), "c1"),
            Message("tool", "2", (), "c2"),
        )
        assert asked.tools[0].parameters == PARAMETERS


def test_responses_that_are_cut_are_incomplete(client: Any) -> None:
    with serve(Step("half", finish="length")) as server:
        answer = client(server).responses.create(model="m", input="hi", max_output_tokens=1)
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        with client(server).responses.create(model="m", input="hi", stream=True) as events:
            assert [event.type for event in events][-1] == "response.incomplete"


def test_a_stream_that_breaks_says_so(client: Any) -> None:
    with serve(Step("half", error=ServerError("It broke."))) as server:
        with client(server).responses.create(model="m", input="hi", stream=True) as events:
            last = list(events)[-1]
        assert (last.type, last.response.error.message) == ("response.failed", "It broke.")
        with (
            pytest.raises(openai.APIError, match="It broke"),
            client(server).chat.completions.create(model="m", messages=HI, stream=True) as chunks,
        ):
            list(chunks)


def test_both_flavours_hand_the_schema_to_the_model(client: Any) -> None:
    with serve('{"n": 3}') as server:
        flat = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
        response = client(server).responses.create(model="m", input="hi", text={"format": flat})
        nested = {"name": "answer", "schema": SCHEMA, "strict": True}
        chat = client(server).chat.completions.create(
            model="m", messages=HI, response_format={"type": "json_schema", "json_schema": nested}
        )
        assert json.loads(response.output_text) == json.loads(chat.choices[0].message.content) == {"n": 3}
        assert [r.schema for r in server.model.requests] == [SCHEMA, SCHEMA]  # type: ignore[attr-defined]
        with pytest.raises(openai.BadRequestError, match="grammar"):
            client(server).chat.completions.create(model="m", messages=HI, response_format={"type": "grammar"})


@pytest.mark.parametrize("encoding", ["float", None])  # without one the client asks for base64 and decodes it
def test_embeddings(client: Any, encoding: str | None) -> None:
    options = {"encoding_format": encoding} if encoding else {}
    with serve() as server:
        ask = client(server).embeddings
        answer = ask.create(model="m", input=["cats and dogs", "dogs and cats", "rain"], **options)
        first, second, third = (item.embedding for item in answer.data)
        assert first == second != third
        assert len(first) == 64
        assert answer.usage.prompt_tokens == 7
        assert len(ask.create(model="m", input="one", dimensions=8, **options).data[0].embedding) == 8
        with pytest.raises(openai.BadRequestError):
            ask.create(model="m", input=[], **options)


def test_usage_can_be_kept_back(client: Any) -> None:
    with serve("hi", usage=False) as server:
        assert client(server).responses.create(model="m", input="hi").usage is None
        assert client(server).chat.completions.create(model="m", messages=HI).usage is None
        stream = client(server).chat.completions.create(
            model="m", messages=HI, stream=True, stream_options={"include_usage": True}
        )
        with stream as chunks:
            assert not any(chunk.usage for chunk in chunks)


def ask_chat(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(model="m", messages=HI)


def ask_response(client: openai.OpenAI) -> Any:
    return client.responses.create(model="m", input="hi")


def ask_vectors(client: openai.OpenAI) -> Any:
    return client.embeddings.create(model="m", input="hi")


ASKS = {"chat": ask_chat, "responses": ask_response, "embeddings": ask_vectors}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
def test_every_flavour_fails_on_demand(client: Any, ask: Any) -> None:
    with serve("hi", api_key="secret") as server:
        with pytest.raises(openai.AuthenticationError):
            ask(client(server, "wrong"))
        right = client(server, "secret")
        server.faults += [Fault(429, '{"error": {"message": "slow down"}}'), Fault(200, '{"much": "more"}', cut=5)]
        with pytest.raises(openai.RateLimitError, match="slow down"):
            ask(right)
        with pytest.raises(openai.APIConnectionError):
            ask(right)
        server.faults.append(Fault(503, delay=0.01))
        with pytest.raises(openai.InternalServerError):
            ask(right)
        ask(right)
        assert len(server.requests) == 4


def test_a_prompt_too_long_is_a_400(client: Any) -> None:
    def too_long(request: Any) -> Step:
        raise ContextTooLong("It does not fit.")

    with serve(too_long) as server:
        for ask in (ask_chat, ask_response):
            with pytest.raises(openai.BadRequestError, match="does not fit") as caught:
                ask(client(server))
            assert caught.value.code == "context_length_exceeded"


BAD = {
    "no JSON": ("responses", b"nonsense"),
    "no input": ("responses", b'{"model": "m"}'),
    "a tool of the server's own": ("responses", b'{"input": "hi", "tools": [{"type": "web_search"}]}'),
    "a conversation kept there": ("responses", b'{"input": "hi", "previous_response_id": "r1"}'),
    "a list": ("chat/completions", b"[1]"),
    "no texts": ("embeddings", b'{"model": "m", "input": [3]}'),
}


@pytest.mark.parametrize(("path", "body"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_a_400(path: str, body: bytes) -> None:
    with serve("hi") as server:
        request = urllib.request.Request(f"{server.url}/{path}", body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as error:
            assert error.code == 400
        assert server.requests == []
