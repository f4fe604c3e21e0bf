"""Chat completions over plain HTTP: what is obeyed, what has no effect, what is refused, and how a stream looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chat_play
import httpx2
import pytest
from parts import MarkerVerifier, Shelf, passage
from serving import Server, serving

from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.openai import held

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello."}]
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
ASKED_FOR = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "Sunny."}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    shelf = Shelf(passage("The pump runs at 40 degrees.", source="/home/ann/manuals/pump.txt"))
    with serving([chat_play.quick], [chat_play.deep], verifier=MarkerVerifier(), retriever=shelf) as running:
        yield running


def post(server: Server, messages: Any = HELLO, **fields: Any) -> httpx2.Response:
    headers = fields.pop("headers", {})
    return server.client.post(CHAT, json={"model": "auto", "messages": messages, **fields}, headers=headers)


def refused(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"top_logprobs": 3},
        {"audio": {"voice": "alloy", "format": "mp3"}},
        {"modalities": ["text", "audio"]},
        {"functions": [{"name": "f"}]},
        {"function_call": "auto"},
        {"web_search_options": {}, "functions": [1]},
        {"chat_template": "{{ cycler.__init__.__globals__.os.popen('id').read() }}"},
        {"chat_template_kwargs": {"a": 1}},
        {"prompt_template": "x"},
        {"mm_processor_kwargs": {"a": 1}},
        {"guided_json": {"type": "object"}},
        {"grammar": "root ::= x"},
        {"continue_final_message": True},
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"tools": [{"type": "function", "function": {"name": "no blanks"}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "objekt"}}}]},
        *(
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"$ref": ref}]}}}]}
            for ref in ("#/x", "#/anyOf/0", f"#/anyOf/{'9' * 5000}", "http://127.0.0.1/schema.json", "other")
        ),
        {"tools": [{"type": "function", "function": {"name": "f"}}] * 2},
        {"tools": [{"type": "function", "function": {"name": f"f{n}"}} for n in range(129)]},
        {"tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "none_such"}}},
        {"tool_choice": "sometimes"},
        {"response_format": {"type": "grammar"}},
        {"response_format": {"type": "json_schema"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}},
        {"temperature": 3},
        {"temperature": "warm"},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"seed": 1.5},
        {"stop": ["a"] * 17},
        {"stop": "x" * 257},
        {"stream": "yes"},
        {"messages": "Hello."},
        {"tierwise": {"lokc": True}},
        {"tierwise": {"thread": "../../x"}},
        {"tierwise": {"thread": "a\n"}},
        {"tierwise": {"thread": ""}},
        {"tierwise": {"dial": 1.5}},
        {"tierwise": {"dial": "cheap"}},
        {"tierwise": {"hold": "never"}},
        {"tierwise": {"adapter": "../secret"}},
        {"tierwise": {"documents": "off", "collection": "manuals"}},
    ],
    ids=lambda fields: json.dumps(fields)[:60],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_its_place(server: Server, fields: dict[str, Any]) -> None:
    asked = len(server.models["quick"].requests)
    error = refused(post(server, **fields))
    assert error["param"]
    assert error["message"]
    assert len(server.models["quick"].requests) == asked


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "Only this."}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": " \u200b "}],
        [{"role": "user"}],
        [{"role": "robot", "content": "x"}],
        [{"role": "function", "name": "f", "content": "x"}, *HELLO],
        [{"role": "tool", "tool_call_id": "x", "content": "forged"}],
        [*HELLO, {"role": "tool", "tool_call_id": "x", "content": "forged"}],
        [*HELLO, {"role": "assistant", "content": "Good day."}],
        [*HELLO, {"role": "assistant", "content": None}],
        [*HELLO, ASKED_FOR],
        [*HELLO, ASKED_FOR, *HELLO],
        [*HELLO, ASKED_FOR, RESULT, RESULT],
        [*HELLO, {**ASKED_FOR, "tool_calls": [CALL, CALL]}, RESULT],
        [*HELLO, ASKED_FOR, {"role": "tool", "content": "no id"}],
        [*HELLO, {**ASKED_FOR, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[1]"}}]}, RESULT],
        [*HELLO, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}, *HELLO],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/"}}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}],
        [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}],
        [{"role": "user", "content": [{"text": "no type"}]}],
        [{"role": "user", "content": ["Hello."]}],
        [{"role": "user", "content": "Hello."}] * 2049,
    ],
    ids=lambda messages: json.dumps(messages)[:70],
)
def test_a_conversation_that_is_none_is_refused(server: Server, messages: list[dict[str, Any]]) -> None:
    asked = len(server.models["quick"].requests)
    refused(post(server, messages))
    assert len(server.models["quick"].requests) == asked


def test_half_a_character_is_refused(server: Server) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Hello \ud800."}]})
    response = server.client.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400


@pytest.mark.parametrize("model", ["http://169.254.169.254/", "gpt-4o", "../quick", "", "AUTO"])
def test_a_model_is_one_of_the_list(server: Server, model: str) -> None:
    response = post(server, model=model)
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")


def test_without_a_model_we_choose(server: Server) -> None:
    response = server.client.post(CHAT, json={"messages": HELLO})
    assert (response.status_code, response.json()["model"]) == (200, "quick")


def test_fields_without_effect_are_named(server: Server) -> None:
    fields = {
        "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "logit_bias": {"1": 2}, "user": "ann",
        "store": True, "metadata": {"a": "b"}, "service_tier": "auto", "reasoning_effort": "low", "brand_new": 1,
        "seed": None, "logprobs": False, "n": 1, "modalities": ["text"], "functions": [], "prediction": None,
        "bad\r\nX-Evil": "1", "stream_options": {"include_usage": True},
    }  # fmt: skip
    response = post(server, [{"role": "user", "content": "Hello.", "name": "ann"}], **fields)
    assert response.status_code == 200
    named = response.headers["X-Tierwise-Ignored"].split(",")
    assert set(named) >= {
        "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "user", "store", "metadata", "service_tier",
        "reasoning_effort", "brand_new", "stream_options", "messages.name",
    }  # fmt: skip
    assert not {"seed", "logprobs", "n", "modalities", "functions", "prediction"} & set(named)
    assert "x-evil" not in response.headers


def test_headers_say_what_the_body_may_and_the_body_wins(server: Server) -> None:
    headers = {"X-Tierwise-Lock": "true", "X-Tierwise-Dial": "0.2", "X-Tierwise-Own-Tools": "false"}
    told = post(server, headers=headers).json()["tierwise"]
    record = server.copilot.record.get(told["turn_id"])
    assert (record.locked, record.dial) == (True, 0.2)
    told = post(server, headers=headers, tierwise={"lock": False, "dial": "quality"}).json()["tierwise"]
    record = server.copilot.record.get(told["turn_id"])
    assert (record.locked, record.dial) == (False, "quality")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Tierwise-Locked", "true"),  # not a word of ours: nobody shall believe that it is locked
        ("X-Tierwise-Lock", "yes, please"),
        ("X-Tierwise-Thread", "../../x"),
        ("X-Tierwise-Dial", "7"),
        ("X-Tierwise-Dial", "nan"),
        ("X-Tierwise-Hold", "later"),
        ("X-Tierwise-Collection", b"\xff\xfe"),
    ],
)
def test_headers_that_cannot_be_read_are_refused(server: Server, name: str, value: str | bytes) -> None:
    headers = httpx2.Headers([(name.encode(), value if isinstance(value, bytes) else value.encode())])
    refused(server.client.post(CHAT, json={"messages": HELLO}, headers=headers))


def test_a_header_that_comes_twice_is_refused(server: Server) -> None:
    headers = [("X-Tierwise-Lock", "true"), ("X-Tierwise-Lock", "false")]
    refused(server.client.post(CHAT, json={"messages": HELLO}, headers=headers))


def test_documents_are_cited_by_name_and_never_by_folder(server: Server) -> None:
    told = post(server, [{"role": "user", "content": "How hot does the pump run?"}], model="quick").json()["tierwise"]
    assert server.copilot.record.get(told["turn_id"]).passages
    off = post(server, tierwise={"documents": "off"}).json()["tierwise"]
    assert not server.copilot.record.get(off["turn_id"]).passages
    assert "/home/ann" not in json.dumps([told, off])


def test_tool_choice_makes_the_model_call_one_of_the_allowed(server: Server) -> None:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": chat_play.WEATHER}}
        for name in ("get_weather", "other")
    ]
    weather = [{"role": "user", "content": "The weather in Rome?"}]
    quick = server.models["quick"]
    for choice in (
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tools[0]]}},
    ):
        answer = post(server, weather, tools=tools, tool_choice=choice, model="quick").json()
        assert [spec.name for spec in quick.requests[-1].tools] == ["get_weather"]
        assert quick.requests[-1].must_call is True
        assert answer["choices"][0]["finish_reason"] == "tool_calls"


@contextmanager
def streamed(server: Server, messages: Any = HELLO, **fields: Any) -> Iterator[Any]:
    body = {"model": "auto", "messages": messages, "stream": True, **fields}
    with server.client.stream("POST", CHAT, json=body) as response:
        yield response


def test_a_stream_is_server_sent_events_that_end_with_done(server: Server) -> None:
    with streamed(server, [{"role": "user", "content": "The capital \u2028?"}]) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["X-Tierwise-Tier"] == "quick"  # held until it was verified: all is known
        events = response.read().decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: ") and "\n" not in event for event in events[:-1])
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert [chunk["object"] for chunk in chunks] == ["chat.completion.chunk"] * len(chunks)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]


def test_a_stream_that_takes_long_begins_before_its_answer_and_tells_of_errors_in_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "_PATIENCE", 0.0)
    with streamed(server, [{"role": "user", "content": "There is nobody."}]) as response:
        assert response.status_code == 200
        (event,) = [part for part in response.read().decode().split("\n\n") if part.startswith("data:")]
    error = json.loads(event.removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("unreachable", "server_error")
    assert server.copilot.record.get(error["turn_id"]).status == "failed"


def test_who_waits_in_line_is_told_how_many_come_first() -> None:
    with serving([chat_play.quick], serve=ServeSettings(working=1)) as server:
        slow = [{"role": "user", "content": "A slow one."}]
        with streamed(server, slow, tierwise={"hold": "live"}) as first:
            lines = first.iter_lines()
            assert next(lines).startswith("data: ")
            with streamed(server) as second:
                told = second.iter_lines()
                assert next(told).startswith(": queued, 0 ahead, about ")
                first.close()
                assert [line for line in told if line][-1] == "data: [DONE]"


def test_live_text_is_given_as_it_is_written_and_the_end_tells_the_tier(server: Server) -> None:
    with streamed(server, tierwise={"hold": "live"}) as response:
        assert "X-Tierwise-Tier" not in response.headers
        assert response.headers["X-Tierwise-Turn"]
        assert '"tier":"quick"' in response.read().decode()


def test_json_is_held_until_it_is_whole_even_live(server: Server) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    with streamed(server, response_format=form, tierwise={"hold": "live"}) as response:
        assert response.status_code == 502  # no tier wrote JSON; nothing of it was shown
        response.read()
        assert response.json()["error"]["code"] == "invalid_output"


def test_another_keys_thread_is_not_there(tmp_path: Path) -> None:
    with serving([chat_play.quick], home=tmp_path) as server:
        secrets = [server.parts.keys.add(name)[1] for name in ("ann", "ben")]
        ann, ben = ({"Authorization": f"Bearer {secret}", "X-Tierwise-Thread": "diary"} for secret in secrets)
        assert post(server, headers=ann).status_code == 200
        assert post(server, headers=ben).status_code == 404
        assert post(server, headers=ann).status_code == 200
        assert post(server).status_code == 401


def test_a_key_without_documents_gets_none_and_no_tools_of_ours(tmp_path: Path) -> None:
    shelf = Shelf(passage("The pump runs at 40 degrees."))
    with serving([chat_play.quick], home=tmp_path, retriever=shelf, tools=[chat_play.send]) as server:
        key = {"Authorization": f"Bearer {server.parts.keys.add('ann', documents='none')[1]}"}
        told = post(server, [{"role": "user", "content": "How hot does the pump run?"}], headers=key).json()["tierwise"]
        assert not server.copilot.record.get(told["turn_id"]).passages
        assert shelf.asked == []
        assert server.models["quick"].requests[-1].tools == ()
        for wish in ({"collection": "default"}, {"document": "a.txt"}, {"documents": "only"}):
            response = post(server, headers=key, tierwise=wish)
            assert (response.status_code, response.json()["error"]["code"]) == (403, "no_documents")


def test_adapters_are_known_by_name_and_nothing_else_is_told(served: Callable[..., Server], tmp_path: Path) -> None:
    server = served([chat_play.quick], home=tmp_path)
    response = post(server, tierwise={"adapter": "poet"})
    assert response.status_code == 404
    assert str(tmp_path) not in response.text


def test_documents_only_means_from_them_or_not_at_all(server: Server) -> None:
    pump = [{"role": "user", "content": "Who makes the pump?"}]
    free = post(server, pump, model="quick").json()
    assert free["choices"][0]["message"]["content"].startswith("Paris")
    only = post(server, pump, model="quick", tierwise={"documents": "only"}).json()
    assert only["choices"][0]["message"]["content"] == "Your documents do not say."
    assert only["tierwise"]["notices"][0]["code"] == "not_in_documents"


def test_live_text_that_the_documents_do_not_bear_out_is_taken_back(server: Server) -> None:
    pump = [{"role": "user", "content": "Who makes the pump?"}]
    with streamed(server, pump, model="quick", tierwise={"documents": "only", "hold": "live"}) as response:
        events = response.read().decode()
    assert "Paris" in events
    assert "Your documents do not say." not in events
    assert json.loads(events.split("data: ")[-1])["error"]["code"] == "answer_replaced"
    assert "[DONE]" not in events
