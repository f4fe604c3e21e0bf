"""Responses when the turn behind them goes up, waits, fails, is stopped, is locked, or belongs to somebody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chat_play
import openai
import pytest
from parts import MarkerVerifier, Shelf, passage
from serving import Server, serving
from waiting import until

from tierwise.errors import ModelFileError
from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.openai import held

HARD, SLOW, BROKEN, ANN = "A hard one?", "A slow one?", "It is broken.", "Tell Ann hello."
LIVE: Any = {"tierwise": {"hold": "live"}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    shelf = Shelf(passage("The pump runs at 40 degrees.", source="/home/ann/manuals/pump.txt"))
    with serving(
        [breaking(chat_play.quick)],
        [breaking(chat_play.deep)],
        verifier=MarkerVerifier(),
        retriever=shelf,
        tools=[chat_play.send],
    ) as running:
        yield running


def breaking(tier: Callable[[ChatRequest], str | Step]) -> Callable[[ChatRequest], str | Step]:
    """The tier, with a question that breaks it."""

    def play(request: ChatRequest) -> str | Step:
        if BROKEN in chat_play.asked(request):
            return Step(error=ModelFileError("The file /srv/models/secret.gguf is damaged."))
        return tier(request)

    return play


def client_of(server: Server, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with client_of(server) as client:
        yield client


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams begin before anything is known of the turn, as they do when it takes long."""
    monkeypatch.setattr(held, "_PATIENCE", 0.0)


def turn_of(answer: Any) -> str:
    return str(answer.id).removeprefix("resp_")


@pytest.mark.parametrize("stream", [False, True])
def test_the_draft_of_a_smaller_tier_is_never_seen(client: openai.OpenAI, stream: bool) -> None:
    if not stream:
        answer = client.responses.create(model="auto", input=HARD)
        shown = answer.output_text
    else:
        *_, last = events = list(client.responses.create(model="auto", input=HARD, stream=True))
        assert last.type == "response.completed"
        answer = last.response
        shown = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert (answer.model, shown) == ("deep", "It is five, and that is certain.")
    told: Any = answer.to_dict()["tierwise"]
    assert [(a["tier"], a["outcome"]) for a in told["attempts"]] == [("quick", "discarded"), ("deep", "accepted")]
    assert told["sent_out"]["bytes"] > 0


def test_live_text_that_is_replaced_ends_with_an_error(client: openai.OpenAI, server: Server) -> None:
    shown = ""
    with pytest.raises(openai.APIError) as caught:
        for event in client.responses.create(model="auto", input=HARD, stream=True, extra_body=LIVE):
            shown += event.delta if event.type == "response.output_text.delta" else ""
    body: Any = caught.value.body
    assert shown.startswith("UNSURE") and "five" not in shown
    assert body["code"] == "answer_replaced"


def test_a_thread_gets_its_answer_though_live_text_was_replaced(client: openai.OpenAI, server: Server) -> None:
    there: Any = {"tierwise": {"hold": "live", "thread": "trip"}}
    with pytest.raises(openai.APIError) as caught:
        list(client.responses.create(model="auto", input=HARD, stream=True, extra_body=there))
    body: Any = caught.value.body
    name = f"resp_{body['turn_id']}"
    until(lambda: client.responses.retrieve(name).status == "completed")
    assert client.responses.retrieve(name).output_text == "It is five, and that is certain."


def test_a_turn_that_waits_for_a_person_is_in_progress_until_it_is_decided(
    client: openai.OpenAI, server: Server, at_once: None
) -> None:
    with pytest.raises(openai.ConflictError) as refused:
        client.responses.create(model="quick", input=ANN)
    assert refused.value.code == "needs_approval"
    with pytest.raises(openai.APIError) as caught:
        list(client.responses.create(model="quick", input=ANN, stream=True))
    body: Any = caught.value.body
    assert (body["code"], body["waiting"][0]["name"]) == ("needs_approval", "send")
    name = f"resp_{body['turn_id']}"
    assert client.responses.retrieve(name).status == "in_progress"
    with pytest.raises(openai.BadRequestError, match="needs_approval"):
        client.responses.create(model="quick", input="And?", previous_response_id=name)
    server.run(server.copilot.deny(body["turn_id"], reason="not now"))
    found = client.responses.retrieve(name)
    assert found.status == "completed" and found.output_text.startswith("The tool says:")


def test_a_turn_that_fails_is_a_failed_response(client: openai.OpenAI, server: Server, at_once: None) -> None:
    with pytest.raises(openai.InternalServerError) as refused:
        client.responses.create(model="quick", input=BROKEN)
    assert (refused.value.status_code, refused.value.code) == (502, "model_file")
    *_, last = client.responses.create(model="quick", input=BROKEN, stream=True)
    assert last.type == "response.failed" and last.response.error is not None
    assert last.response.error.code == "server_error"
    assert "/srv" not in json.dumps(last.to_dict())
    found = client.responses.retrieve(last.response.id)
    assert found.status == "failed" and found.output == []
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="quick", input="And?", previous_response_id=last.response.id)
    assert caught.value.code == "previous_response_without_answer"


def test_what_is_wrong_with_the_request_is_told_in_the_stream_if_it_has_begun(server: Server, at_once: None) -> None:
    form = {"type": "json_schema", "name": "x", "schema": {"type": "object", "properties": {"a": {"$ref": "#/no"}}}}
    body = {"model": "quick", "input": "Hello?", "stream": True, "text": {"format": form}}
    answer = server.client.post("/v1/responses", json=body)
    if answer.status_code == 200:  # it had begun
        (line,) = [line for line in answer.text.splitlines() if line.startswith("data:")]
        error = json.loads(line.removeprefix("data:"))
        assert error["type"] == "error" and error["sequence_number"] == 0
    else:
        error = answer.json()["error"]
    assert error["code"] == "schema"


def test_a_response_is_cancelled(client: openai.OpenAI, server: Server) -> None:
    quick = server.models["quick"]
    before, ended = quick.cancelled, list[str]()
    stream = client.responses.create(model="quick", input=SLOW, stream=True, extra_body=LIVE)
    first = next(iter(stream))
    assert first.type == "response.created"
    while next(stream).type != "response.output_text.delta":
        pass

    def read() -> None:
        try:
            for event in stream:
                ended.append(event.type)
        except openai.APIError as error:
            ended.append(str(error.code))

    reading = threading.Thread(target=read)
    reading.start()
    found = client.responses.cancel(first.response.id)
    reading.join(60)
    assert (found.status, quick.cancelled) == ("cancelled", before + 1)
    assert ended[-1] == "stopped"
    assert client.responses.cancel(first.response.id).status == "cancelled"  # and stays so
    assert server.copilot.record.get(turn_of(found)).text.startswith("word")
    with pytest.raises(openai.BadRequestError, match="stopped"):
        client.responses.create(model="quick", input="And?", previous_response_id=found.id)


@pytest.mark.parametrize("hold", ["verified", "live"])
def test_a_client_that_leaves_a_stream_frees_the_model(server: Server, hold: str, at_once: None) -> None:
    quick = server.models["quick"]
    before, asked = quick.cancelled, len(quick.requests)
    wish: Any = {"tierwise": {"hold": hold}}
    with client_of(server) as leaving:
        stream = leaving.responses.create(model="quick", input=SLOW, stream=True, extra_body=wish)
        until(lambda: len(quick.requests) > asked)
        stream.close()
    until(lambda: quick.cancelled == before + 1 and not server.parts.turns.running)


def test_what_was_locked_stays_so_in_what_goes_on_from_it(client: openai.OpenAI, server: Server) -> None:
    locked: Any = {"tierwise": {"lock": True}}
    first = client.responses.create(model="auto", input="My salary is 4,000.", extra_body=locked)
    second = client.responses.create(model="auto", input="Is that much?", previous_response_id=first.id)
    asked = len(server.models["deep"].requests)
    third = client.responses.create(model="auto", input=HARD, previous_response_id=second.id)
    assert third.model == "quick" and server.copilot.record.get(turn_of(third)).locked
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.responses.create(model="deep", input="Tell me.", previous_response_id=second.id)
    assert caught.value.code == "blocked"
    assert len(server.models["deep"].requests) == asked


def test_what_repeats_documents_is_not_trusted_in_what_goes_on_from_it(client: openai.OpenAI, server: Server) -> None:
    off: Any = {"tierwise": {"documents": "off"}}
    first = client.responses.create(model="quick", input="How hot does the pump run?")
    second = client.responses.create(model="quick", input="Hm.", previous_response_id=first.id, extra_body=off)
    third = client.responses.create(model="quick", input="Hm.", extra_body=off)
    record = server.copilot.record
    assert record.get(turn_of(first)).passages and record.get(turn_of(second)).tainted
    assert not record.get(turn_of(third)).tainted


def test_secrets_are_not_kept_with_what_was_said(client: openai.OpenAI, server: Server) -> None:
    secret = "sk-" + "proj-Zx81" * 6
    tool: Any = {"type": "function_call", "call_id": "c", "name": "f", "arguments": json.dumps({"key": secret})}
    items: Any = [
        {"role": "user", "content": f"My key is {secret}."},
        tool,
        {"type": "function_call_output", "call_id": "c", "output": secret},
        {"role": "user", "content": "Forget it."},
    ]
    first = client.responses.create(model="quick", input=items, instructions=f"Use {secret}.")
    kept = server.copilot.record.get(turn_of(first)).attached
    assert kept is not None and secret not in json.dumps(kept)
    second = client.responses.create(model="quick", input="everything?", previous_response_id=first.id)
    assert "user: Forget it." in second.output_text and secret not in second.output_text


def test_another_keys_response_is_not_there(tmp_path: Path) -> None:
    with serving([chat_play.quick], home=tmp_path) as server:
        ann, ben = (client_of(server, server.parts.keys.add(name)[1]) for name in ("ann", "ben"))
        with ann, ben:
            mine = ann.responses.create(model="quick", input="Hello.")
            tries: list[Callable[[], object]] = [
                lambda: ben.responses.retrieve(mine.id),
                lambda: ben.responses.delete(mine.id),
                lambda: ben.responses.cancel(mine.id),
                lambda: ben.responses.input_items.list(mine.id),
                lambda: ben.responses.create(model="quick", input="And?", previous_response_id=mine.id),
            ]
            for one in tries:
                with pytest.raises(openai.NotFoundError):
                    one()
            assert ann.responses.create(model="quick", input="And?", previous_response_id=mine.id).output_text


def test_a_conversation_goes_on_after_the_server_was_started_anew(tmp_path: Path) -> None:
    with serving([chat_play.quick], home=tmp_path) as server, client_of(server) as client:
        first = client.responses.create(model="quick", input="Hello.", instructions="Be brief.")
    with serving([chat_play.quick], home=tmp_path) as server, client_of(server) as client:
        assert client.responses.retrieve(first.id).to_dict() == first.to_dict()
        second = client.responses.create(model="quick", input="everything?", previous_response_id=first.id)
        assert f"user: Hello. | assistant: {first.output_text} | user: everything?" in second.output_text
