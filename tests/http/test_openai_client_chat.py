"""The official client against our chat completions, with nothing but the base URL set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import chat_play
import openai
import pydantic
import pytest
from parts import MarkerVerifier
from serving import Server, serving
from waiting import until

QUESTION = {"role": "user", "content": "What is the capital of France?"}
PARIS = "Paris is the capital of France, and Lyon is not."
WEATHER_TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": chat_play.WEATHER},
}


class Person(pydantic.BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([chat_play.quick], [chat_play.deep], verifier=MarkerVerifier(), tools=[chat_play.send]) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="not needed") as client:
        yield client


def ask(client: openai.OpenAI, question: str, **fields: Any) -> Any:
    messages = fields.pop("messages", [{"role": "user", "content": question}])
    return client.chat.completions.create(**{"model": "auto", "messages": messages, **fields})


def test_an_answer_comes_with_its_tier_and_its_reasons(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=[QUESTION])  # type: ignore[list-item]
    answer = raw.parse()
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (
        PARIS,
        "stop",
    )
    assert (answer.object, answer.model) == ("chat.completion", "quick")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    told = answer.tierwise  # type: ignore[attr-defined]
    assert answer.id == f"chatcmpl-{told['turn_id']}"
    assert (told["tier"], told["status"], told["attempts"][0]["outcome"]) == ("quick", "done", "accepted")
    assert raw.headers["X-Tierwise-Turn"] == told["turn_id"]
    assert raw.headers["X-Tierwise-Tier"] == "quick"
    assert raw.headers["X-Tierwise-Reasons"] == ",".join(reason["code"] for reason in told["reasons"])
    assert "X-Tierwise-Thread" not in raw.headers


def test_a_hard_question_is_answered_by_the_larger_tier_and_its_draft_is_never_seen(client: openai.OpenAI) -> None:
    answer = ask(client, "Something hard.")
    assert (answer.model, answer.choices[0].message.content) == ("deep", "It is five, and that is certain.")
    assert [(a["tier"], a["outcome"]) for a in answer.tierwise["attempts"]] == [
        ("quick", "discarded"),
        ("deep", "accepted"),
    ]
    assert answer.tierwise["reasons"][0]["code"] == "marker"
    assert answer.tierwise["sent_out"]["bytes"] > 0
    text = "".join(c.choices[0].delta.content or "" for c in ask(client, "Something hard.", stream=True) if c.choices)
    assert text == "It is five, and that is certain."


@pytest.mark.parametrize(("model", "tier"), [("quick", "quick"), ("deep", "deep"), ("auto", "quick")])
def test_the_model_is_a_tier_or_left_to_us(client: openai.OpenAI, model: str, tier: str) -> None:
    assert ask(client, "Say something.", model=model).model == tier


async def test_a_stream_is_the_answer_in_pieces_with_usage_and_the_tier_at_the_end(server: Server) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
        stream = await client.chat.completions.create(
            model="auto",
            messages=[QUESTION],
            stream=True,
            stream_options={"include_usage": True},  # type: ignore[list-item]
        )
        chunks = [chunk async for chunk in stream]
    *texts, last, usage = chunks
    assert texts[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.role for chunk in texts[1:]] == [None] * (len(texts) - 1)
    assert len(texts) > 1
    assert "".join(c.choices[0].delta.content for c in texts) == PARIS
    assert last.choices[0].finish_reason == "stop"
    assert last.tierwise["tier"] == "quick"  # type: ignore[attr-defined]
    assert (usage.choices, usage.usage.completion_tokens > 0) == ([], True)
    assert {(chunk.id, chunk.model) for chunk in chunks} == {(f"chatcmpl-{last.tierwise['turn_id']}", "quick")}


def test_the_clients_own_accumulating_stream_works(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="auto", messages=[QUESTION]) as stream:  # type: ignore[list-item]
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == PARIS


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_of_the_caller_is_asked_for_run_by_it_and_read(client: openai.OpenAI, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
    if stream:
        with client.chat.completions.stream(model="auto", messages=messages, tools=[WEATHER_TOOL]) as events:
            for _ in events:
                pass
            answer = events.get_final_completion()
    else:
        answer = ask(client, "", messages=messages, tools=[WEATHER_TOOL])
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.content or None) == ("tool_calls", None)
    (call,) = choice.message.tool_calls or ()
    assert (call.type, call.function.name, json.loads(call.function.arguments)) == (
        "function",
        "get_weather",
        {"city": "Rome"},
    )
    messages.append(
        choice.message.model_dump(
            exclude_none=True, exclude={"tool_calls": {"__all__": {"function": {"parsed_arguments"}}}}
        )
    )
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "Sunny, 31 degrees."})
    final = ask(client, "", messages=messages, tools=[WEATHER_TOOL])
    assert final.choices[0].message.content == "The tool says: Sunny, 31 degrees."
    assert final.choices[0].finish_reason == "stop"


def test_several_calls_at_once_unless_the_caller_wants_one(client: openai.OpenAI) -> None:
    both = ask(client, "The weather in Rome and in Oslo?", tools=[WEATHER_TOOL]).choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in both] == ["Rome", "Oslo"]
    assert len({call.id for call in both}) == 2
    one = ask(client, "The weather in Rome and in Oslo?", tools=[WEATHER_TOOL], parallel_tool_calls=False)
    assert len(one.choices[0].message.tool_calls) == 1


def test_tool_choice_none_keeps_the_tools_from_the_model(client: openai.OpenAI) -> None:
    answer = ask(client, "The weather in Rome?", tools=[WEATHER_TOOL], tool_choice="none")
    assert (answer.choices[0].message.tool_calls, answer.choices[0].finish_reason) == (None, "stop")


def test_structured_output_is_parsed_by_the_client(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="auto", messages=[{"role": "user", "content": "A person, please."}], response_format=Person
    )
    assert answer.choices[0].message.parsed == Person(name="Ann", age=41)
    with client.chat.completions.stream(
        model="auto", messages=[{"role": "user", "content": "A person, please."}], response_format=Person
    ) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.parsed == Person(name="Ann", age=41)


def test_json_of_any_form(client: openai.OpenAI) -> None:
    answer = ask(client, "A person, please.", response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content) == {"name": "Ann", "age": 41}


def test_what_does_not_fit_the_schema_is_an_error_and_no_answer(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.with_options(max_retries=0).chat.completions.parse(
            model="auto",
            messages=[QUESTION],
            response_format=Person,  # type: ignore[list-item]
        )
    assert (caught.value.status_code, caught.value.code) == (502, "invalid_output")


def test_a_thread_is_gone_on_with_by_a_header(server: Server, client: openai.OpenAI) -> None:
    headers = {"X-Tierwise-Thread": "holiday"}
    first = client.chat.completions.with_raw_response.create(
        model="quick", messages=[{"role": "user", "content": "My dog is called Rex."}], extra_headers=headers
    )
    assert first.headers["X-Tierwise-Thread"] == "holiday"
    again = ask(client, "Tell me everything.", model="quick", extra_headers=headers)
    assert "My dog is called Rex." in again.choices[0].message.content
    assert again.tierwise["thread"] == "holiday"
    alone = ask(client, "Tell me everything.", model="quick")
    assert "Rex" not in alone.choices[0].message.content


def test_the_callers_conversation_is_read_and_nothing_else(server: Server, client: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "My cat is called Tom."},
        {"role": "assistant", "content": "Aye."},
        {"role": "user", "content": [{"type": "text", "text": "Tell me"}, {"type": "text", "text": "everything."}]},
    ]
    text = ask(client, "", model="quick", messages=messages).choices[0].message.content
    places = [
        text.index(part) for part in ("Speak like a pirate.", "My cat is called Tom.", "Aye.", "Tell me\neverything.")
    ]
    assert places == sorted(places)


def test_the_callers_bounds_are_kept(server: Server, client: openai.OpenAI) -> None:
    short = ask(client, "The capital?", model="quick", max_completion_tokens=3)
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("Paris is the", "length")
    stopped = ask(client, "The capital?", model="quick", stop=[" and Lyon"])
    assert stopped.choices[0].message.content == "Paris is the capital of France,"
    ask(client, "The capital?", model="quick", temperature=0.5, seed=7, max_tokens=10**12)
    request = server.models["quick"].requests[-1]
    assert (request.temperature, request.seed, request.max_tokens <= 8192) == (0.5, 7, True)


@pytest.mark.parametrize(
    ("fields", "error", "status", "code"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, 404, "model_not_found"),
        ({"messages": []}, openai.BadRequestError, 400, "invalid_messages"),
        ({"logprobs": True}, openai.BadRequestError, 400, "unsupported_parameter"),
        ({"question": "It is endless."}, openai.BadRequestError, 400, "context_length_exceeded"),
        ({"question": "Secret.", "model": "deep", "extra_body": {"tierwise": {"lock": True}}},
         openai.PermissionDeniedError, 403, "blocked"),
        ({"question": "Secret.", "model": "deep", "extra_headers": {"X-Tierwise-Offline": "true"}},
         openai.PermissionDeniedError, 403, "blocked"),
        ({"question": "Tell Ann.", "model": "quick"}, openai.ConflictError, 409, "needs_approval"),
        ({"question": "There is nobody."}, openai.InternalServerError, 502, "unreachable"),
        ({"extra_body": {"tierwise": {"collection": "none such"}}}, openai.NotFoundError, 404, "unknown_name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_those_that_the_client_knows(
    client: openai.OpenAI,
    fields: dict[str, Any],
    error: type[openai.APIStatusError],
    status: int,
    code: str,
    stream: bool,
) -> None:
    fields = dict(fields)
    with pytest.raises(error) as caught:
        ask(client.with_options(max_retries=0), fields.pop("question", "Hello."), stream=stream, **fields)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id
    assert "/srv/models" not in str(caught.value.body)


def test_a_turn_that_waits_for_a_person_is_not_asked_again_and_says_how_to_decide(
    server: Server, client: openai.OpenAI
) -> None:
    before = len(server.models["quick"].requests)
    with pytest.raises(openai.ConflictError) as caught:
        ask(client, "Tell Ann something.", model="quick")  # this client repeats what ends with 409
    assert len(server.models["quick"].requests) == before + 1
    body: Any = caught.value.body
    (waiting,) = body["waiting"]
    assert (waiting["name"], waiting["arguments"]) == ("send", {"text": "hello"})
    assert body["decide"] == f"POST /v1/turns/{body['turn_id']}/approvals"
    assert server.copilot.record.get(body["turn_id"]).status == "needs_approval"


def test_live_text_comes_before_the_answer_is_settled_and_is_it_if_nothing_better_comes(client: openai.OpenAI) -> None:
    stream = ask(client, "The capital?", stream=True, extra_body={"tierwise": {"hold": "live"}})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == PARIS
    assert len(chunks) > 8  # the model's own pieces: words


def test_live_text_that_is_replaced_ends_with_an_error_and_is_never_spliced(
    server: Server, client: openai.OpenAI
) -> None:
    shown: list[str] = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in ask(client, "Something hard.", stream=True, extra_headers={"X-Tierwise-Hold": "live"}):
            shown.append(chunk.choices[0].delta.content or "")
            assert chunk.model == "quick"
    assert caught.value.code == "answer_replaced"
    assert "UNSURE: it may be four, or so they say.".startswith("".join(shown))
    assert "five" not in "".join(shown)


def test_a_thread_gets_its_answer_though_live_text_was_replaced(server: Server, client: openai.OpenAI) -> None:
    extra = {"tierwise": {"hold": "live", "thread": "goes-on"}}
    with pytest.raises(openai.APIError) as caught:
        list(ask(client, "Something hard.", stream=True, extra_body=extra))
    body: Any = caught.value.body
    record = ended(server, body["turn_id"])
    assert (record.status, record.text) == ("done", "It is five, and that is certain.")


def test_a_client_that_leaves_a_live_stream_stops_the_model(server: Server, client: openai.OpenAI) -> None:
    model = server.models["quick"]
    before, asked = model.cancelled, len(model.requests)
    answer = ask(client, "A slow one.", stream=True, extra_body={"tierwise": {"hold": "live"}})
    assert next(iter(answer)).choices
    answer.close()
    until(lambda: model.cancelled == before + 1)
    assert len(model.requests) == asked + 1
    until(lambda: server.parts.turns.running == 0)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_before_the_answer_stops_the_model(server: Server, stream: bool) -> None:
    model = server.models["quick"]
    before, asked = model.cancelled, len(model.requests)
    slow: Any = [{"role": "user", "content": "A slow one."}]
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
        asking = asyncio.ensure_future(client.chat.completions.create(model="auto", messages=slow, stream=stream))
        await asyncio.to_thread(until, lambda: len(model.requests) > asked)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(until, lambda: model.cancelled == before + 1)
    assert len(model.requests) == asked + 1
    await asyncio.to_thread(until, lambda: server.parts.turns.running == 0)


def ended(server: Server, turn_id: str) -> Any:
    until(lambda: server.copilot.record.get(turn_id).status != "running")
    return server.copilot.record.get(turn_id)
