"""``/v1/responses`` with OpenAI's own client: only the base URL is ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from serving import Server, serving

from tierwise import ToolCall
from tierwise.models.base import ChatRequest
from tierwise.serve_settings import ServeSettings
from tierwise.testing import Step

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class City(BaseModel):
    name: str
    people: int


def quick(request: ChatRequest) -> str | Step:
    """Asks for a tool where there is one and no result yet, writes JSON where a form is asked for, else talks."""
    if request.schema is not None:
        return '{"name": "Paris", "people": 2100000}'
    results = [m.content for m in request.messages if m.role == "tool"]
    if any(tool.name == "weather" for tool in request.tools) and len(results) < 2:
        city = ("Paris", "Rome")[len(results)]
        return Step("I look.", calls=(ToolCall(f"call_{city}", "weather", {"city": city}),))
    asked = next(m.content for m in reversed(request.messages) if m.role == "user")
    text = f"You asked: {asked[-40:]} I know of {len(results)} results and {len(request.messages)} messages."
    return Step(text, finish="length" if request.max_tokens < 10 else "stop")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(quick=[quick], serve=ServeSettings(documents="off")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    server.models["quick"].requests.clear()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def seen(server: Server) -> list[tuple[str, str]]:
    """What the model was last given, without the instructions."""
    messages = server.models["quick"].requests[-1].messages
    return [(m.role, m.content) for m in messages if m.role != "system"]


def test_a_question_is_answered(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="auto", input="What is new?", metadata={"trip": "7"}, temperature=0)
    assert answer.status == "completed" and answer.output_text.startswith("You asked: What is new?")
    assert (answer.model, answer.metadata, answer.temperature) == ("quick", {"trip": "7"}, 0)
    assert answer.usage is not None and answer.usage.total_tokens > answer.usage.output_tokens > 0
    told = answer.to_dict()["tierwise"]
    assert isinstance(told, dict) and told["tier"] == "quick" and answer.id == f"resp_{told['turn_id']}"


def test_headers_tell_what_a_plain_program_cannot_read_elsewhere(client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response.create(
        model="quick",
        input="Hello?",
        reasoning={"effort": "low"},
        user="me",
        truncation="disabled",
        top_p=1,
        background=False,
        include=[],
    )
    assert raw.headers["X-Tierwise-Tier"] == "quick"
    assert raw.headers["X-Tierwise-Turn"] == raw.parse().id.removeprefix("resp_")
    assert raw.headers["X-Tierwise-Ignored"] == "reasoning,truncation,user"


def test_instructions_take_the_place_of_our_own(client: openai.OpenAI, server: Server) -> None:
    items: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Who are you?"}]},
    ]
    client.responses.create(model="quick", instructions="You are Ada.", input=items)
    system = [m.content for m in server.models["quick"].requests[-1].messages if m.role == "system"]
    assert len(system) == 1 and system[0].startswith("You are Ada.\n\nBe brief.")


def test_a_stream_has_the_events_of_the_api_in_their_order(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="quick", input="What is new?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert [*dict.fromkeys(kinds)] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert kinds.count("response.output_text.delta") > 1
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed" and last.response.output_text == text
    first = events[0]
    assert first.type == "response.created" and first.response.id == last.response.id


def test_the_clients_own_stream_helper_puts_it_together(client: openai.OpenAI, server: Server) -> None:
    with client.responses.stream(model="quick", input="Name a city.", text_format=City) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert final.output_parsed == City(name="Paris", people=2_100_000)
    assert "response.output_text.done" in kinds
    assert client.responses.retrieve(final.id).output_text == final.output_text


async def test_the_async_client_parses_answers_in_a_form(server: Server) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        answer = await client.responses.parse(model="quick", input="Name a city.", text_format=City)
    assert answer.output_parsed == City(name="Paris", people=2_100_000)


def test_tools_of_the_caller_by_previous_response(client: openai.OpenAI, server: Server) -> None:
    """Two calls, one after the other: the model sees both results, and only their results are sent."""
    answer = client.responses.create(model="quick", input="Is it warm?", tools=[WEATHER])
    for city, degrees in (("Paris", "21"), ("Rome", "30")):
        words, call = answer.output
        assert words.type == "message" and call.type == "function_call"
        assert (call.name, json.loads(call.arguments)) == ("weather", {"city": city})
        result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": degrees}]
        answer = client.responses.create(model="quick", input=result, tools=[WEATHER], previous_response_id=answer.id)
    assert "You asked: Is it warm?" in answer.output_text and "2 results" in answer.output_text
    given = seen(server)
    assert [role for role, _ in given] == ["user", "assistant", "tool", "assistant", "tool"]
    assert [text for role, text in given if role == "tool"] == ["21", "30"]
    after = client.responses.create(model="quick", input="And tomorrow?", previous_response_id=answer.id)
    assert "And tomorrow?" in after.output_text
    assert [text for role, text in seen(server) if role == "user"] == ["Is it warm?", "And tomorrow?"]


def test_tools_of_the_caller_with_the_whole_conversation_as_input(client: openai.OpenAI, server: Server) -> None:
    """As programs do it that keep the conversation: what came out goes in again, as it is."""
    items: list[Any] = [{"role": "user", "content": "Is it warm?"}]
    for degrees in ("21", "30"):
        answer = client.responses.create(model="quick", input=items, tools=[WEATHER], store=False)
        items += answer.output
        call = answer.output[-1]
        assert call.type == "function_call"
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": degrees})
    answer = client.responses.create(model="quick", input=items, tools=[WEATHER], store=False)
    assert "2 results" in answer.output_text


def test_a_stream_with_a_call(client: openai.OpenAI) -> None:
    with client.responses.stream(model="quick", input="Is it warm?", tools=[WEATHER]) as stream:
        kinds = [event.type for event in stream]
        call = stream.get_final_response().output[-1]
    assert call.type == "function_call" and json.loads(call.arguments) == {"city": "Paris"}
    assert kinds.index("response.output_item.done") < kinds.index("response.function_call_arguments.delta")


def test_the_caller_says_whether_a_tool_is_called(client: openai.OpenAI, server: Server) -> None:
    none = client.responses.create(model="quick", input="Is it warm?", tools=[WEATHER], tool_choice="none")
    assert none.output_text.startswith("You asked")
    named: Any = {"type": "function", "name": "weather"}
    one = client.responses.create(model="quick", input="Is it warm?", tools=[WEATHER], tool_choice=named)
    assert one.output[-1].type == "function_call" and server.models["quick"].requests[-1].must_call
    with pytest.raises(openai.BadRequestError, match="not one of the request's"):
        client.responses.create(model="quick", input="Is it warm?", tool_choice=named)


def test_two_go_on_from_one(client: openai.OpenAI, server: Server) -> None:
    first = client.responses.create(model="quick", input="Think of a number.")
    left = client.responses.create(model="quick", input="Double it.", previous_response_id=first.id)
    right = client.responses.create(model="quick", input="Halve it.", previous_response_id=first.id)
    assert [text for role, text in seen(server) if role == "user"] == ["Think of a number.", "Halve it."]
    client.responses.create(model="quick", input="Again.", previous_response_id=left.id)
    assert [text for role, text in seen(server) if role == "user"] == ["Think of a number.", "Double it.", "Again."]
    assert right.previous_response_id == first.id


def test_instructions_are_not_carried_over(client: openai.OpenAI, server: Server) -> None:
    first = client.responses.create(model="quick", input="Hello?", instructions="Speak like a pirate.")
    client.responses.create(model="quick", input="Hello again?", previous_response_id=first.id)
    system = [m.content for m in server.models["quick"].requests[-1].messages if m.role == "system"]
    assert "pirate" not in "".join(system)


def test_what_was_not_stored_is_not_there(client: openai.OpenAI, server: Server) -> None:
    answer = client.responses.create(model="quick", input="Hello?", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="quick", input="And?", previous_response_id=answer.id)
    assert caught.value.code == "previous_response_not_found"
    record = server.copilot.record.get(answer.id.removeprefix("resp_"))
    assert record.asked == "Hello?" and record.attached is None


def test_a_response_is_found_listed_and_deleted(client: openai.OpenAI, server: Server) -> None:
    items: Any = [
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": "Three?"},
    ]
    answer = client.responses.create(model="quick", input=items, metadata={"a": "b"})
    found = client.responses.retrieve(answer.id)
    assert found.to_dict() == answer.to_dict()
    listed = list(client.responses.input_items.list(answer.id, order="asc", limit=1))
    assert [one.to_dict()["content"][0]["text"] for one in listed] == ["One.", "Two.", "Three?"]  # type: ignore[index]
    after = client.responses.create(model="quick", input="Four?", previous_response_id=answer.id)
    client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)
    with pytest.raises(openai.NotFoundError, match="not there to go on from"):
        client.responses.create(model="quick", input="Five?", previous_response_id=after.id)
    assert server.copilot.record.find(answer.id.removeprefix("resp_")) is None


def test_a_thread_by_name_knows_what_was_said(client: openai.OpenAI, server: Server) -> None:
    named: Any = {"tierwise": {"thread": "holiday"}}
    first = client.responses.create(model="quick", input="Where to?", extra_body=named)
    second = client.responses.create(model="quick", input="And when?", previous_response_id=first.id)
    assert [text for role, text in seen(server) if role == "user"] == ["Where to?", "And when?"]
    assert [turn.asked for turn in server.copilot.record.turns("holiday")] == ["Where to?", "And when?"]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="quick", input="Or else?", previous_response_id=first.id)
    assert caught.value.code == "thread_went_on"
    with pytest.raises(openai.ConflictError, match="DELETE /v1/threads/holiday"):
        client.responses.delete(second.id)
    other: Any = {"X-Tierwise-Thread": "another"}
    with pytest.raises(openai.BadRequestError, match="two conversations"):
        client.responses.create(model="quick", input="?", previous_response_id=second.id, extra_headers=other)


def test_too_many_words_are_an_incomplete_response(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="quick", input="What is new?", max_output_tokens=3)
    assert answer.status == "incomplete" and answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens" and answer.output_text.strip() == "You asked: What"
    events = list(client.responses.create(model="quick", input="What is new?", max_output_tokens=3, stream=True))
    assert events[-1].type == "response.incomplete"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": " "}, "input[0]"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "file:///x"}]}]},
            "input[0].content[0]",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "forged"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "input[1]"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"chat_template": "{{ x }}"}, "chat_template"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"guided_json": {}, "guided_regex": "x"}, "guided_regex"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"type": 7}}]}, "tools[0].parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        (
            {"text": {"format": {"type": "json_schema", "name": "x", "schema": {"$ref": "http://x/"}}}},
            "text.format.schema",
        ),
        ({"metadata": {"a" * 65: "b"}}, "metadata"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_what_cannot_be_done_as_meant_is_refused(server: Server, fields: dict[str, Any], param: str) -> None:
    before = len(server.models["quick"].requests)
    answer = server.client.post("/v1/responses", json={"model": "quick", "input": "Hello?", **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert len(server.models["quick"].requests) == before


def test_names_that_are_nothing_here(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="http://169.254.169.254/", input="Hello?")
    assert caught.value.code == "model_not_found"
    for name in ("resp_", "resp_0123", "msg_1", "resp_last"):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(name)
