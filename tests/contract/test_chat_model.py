"""What every ChatModel promises, asked of every implementation on real parts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from foreign import llama_cpp_server

from tierwise.errors import ModelError
from tierwise.models import (
    Called,
    ChatModel,
    ChatRequest,
    Completed,
    Delta,
    LlamaModel,
    OpenAIChat,
    OpenAIResponses,
    Reading,
    ToolSpec,
    locate,
)
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise.types import Message, ToolCall

VOCABULARY = Path(__file__).parents[1] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
ASSISTANT, SPACE_A, SPACE_B = 32001, 263, 289  # <|assistant|>, then two words that follow each other for ever


ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]})
COUNT = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}}, "required": ["n"]}


def script(request: ChatRequest) -> str | Step:
    """What the large model says in these tests: JSON, a tool call, what the tool said, or plain words."""
    last = request.messages[-1]
    if request.schema is not None:
        return '{"n": 5}'
    if request.tools and last.role == "user":
        return Step("Let me see.", calls=(ToolCall("c1", "add", {"a": 1}), ToolCall("c2", "add", {"a": 2})))
    if last.role == "tool":
        return f"It is {last.content}."
    return "one two three four five six seven eight nine ten eleven twelve"


def ask(text: str = "Count from one to five.", **options: object) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),), **{"max_tokens": 12, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def llama_server() -> Iterator[str]:
    """A server that is not ours, as a hosted tier: llama-cpp-python's own."""
    with llama_cpp_server(2048) as url:
        yield url


@pytest.fixture(scope="module")
def loopback() -> Iterator[str]:
    with LoopbackServer(ScriptedModel([script], repeat=True)) as server:
        yield server.url


@pytest.fixture(scope="module")
def tiny_phi3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    follows = {ASSISTANT: SPACE_A, SPACE_A: SPACE_B, SPACE_B: SPACE_A}
    return write_tiny_phi3(tmp_path_factory.mktemp("gguf") / "tiny.gguf", VOCABULARY, follows=follows)


@pytest.fixture(params=["smollm2", "tiny_phi3", "llama_server", "chat", "responses", "scripted"])
async def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TIERWISE_THREADS", "1")
    match request.param:
        case "smollm2":
            made: ChatModel = LlamaModel(locate("smollm2-135m"), context_window=1024)
        case "tiny_phi3":
            made = LlamaModel(request.getfixturevalue("tiny_phi3"))
        case "scripted":
            made = ScriptedModel([script], repeat=True)
        case "llama_server":
            made = OpenAIChat("a-model", base_url=request.getfixturevalue("llama_server"))
        case "chat":
            made = OpenAIChat("a-model", base_url=request.getfixturevalue("loopback"))
        case "responses":
            made = OpenAIResponses("a-model", base_url=request.getfixturevalue("loopback"))
    yield made
    await made.aclose()


async def collect(model: ChatModel, request: ChatRequest) -> list[object]:
    return [chunk async for chunk in model.stream(request)]


async def test_is_a_chat_model_that_can_say_what_it_can_do(model: ChatModel) -> None:
    assert isinstance(model, ChatModel)
    assert model.name
    assert model.capabilities.context_window > 0
    assert (model.capabilities.host is None) == model.capabilities.on_device


async def test_a_stream_reads_then_writes_then_completes_once(model: ChatModel) -> None:
    chunks = await collect(model, ask())
    kinds = [type(c) for c in chunks]
    assert kinds[-1] is Completed
    assert kinds.count(Completed) == 1
    assert Delta in kinds
    first_text = kinds.index(Delta)
    assert Reading not in kinds[first_text:]
    assert all(c.text for c in chunks if isinstance(c, Delta))
    for reading in (c for c in chunks if isinstance(c, Reading)):
        assert 0 <= reading.done <= reading.total


async def test_the_end_carries_usage_and_evidence_as_promised(model: ChatModel) -> None:
    done = (await collect(model, ask()))[-1]
    assert isinstance(done, Completed)
    assert done.usage.prompt_tokens > 0
    assert 0 < done.usage.completion_tokens <= 12 or done.usage.estimated
    assert done.model_served
    assert (done.sent_bytes == 0) == model.capabilities.on_device
    if isinstance(model, LlamaModel):
        assert done.evidence is not None
        assert len(done.evidence.logprobs) == len(done.evidence.margins) == done.usage.completion_tokens
        assert all(p <= 0 for p in done.evidence.logprobs)
        assert all(0 <= m <= 1 for m in done.evidence.margins)
        assert all(e >= 0 for e in done.evidence.entropies)


async def test_max_tokens_bounds_the_answer(model: ChatModel) -> None:
    short = "".join(c.text for c in await collect(model, ask(max_tokens=2)) if isinstance(c, Delta))
    long = "".join(c.text for c in await collect(model, ask(max_tokens=7)) if isinstance(c, Delta))
    assert 0 < len(short) < len(long)
    assert long.startswith(short)


async def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(model: ChatModel) -> None:
    whole = "".join(c.text for c in await collect(model, ask()) if isinstance(c, Delta))
    stop = whole[len(whole) // 2 :][:3]
    chunks = await collect(model, ask(stop=("never said", stop)))
    assert "".join(c.text for c in chunks if isinstance(c, Delta)) == whole[: whole.index(stop)]
    assert chunks[-1].finish == "stop"  # type: ignore[attr-defined]


async def test_an_answer_by_schema_fits_it(model: ChatModel, request: pytest.FixtureRequest) -> None:
    if model.capabilities.structured == "none" and not isinstance(model, ScriptedModel):
        pytest.skip("this model is only told")
    if request.node.callspec.params["model"] == "llama_server":
        pytest.skip("this server takes no schema, so a small model is only told; see test_openai_forms")
    chunks = await collect(model, ask("How many?", schema=COUNT, max_tokens=64))
    assert json.loads("".join(c.text for c in chunks if isinstance(c, Delta)))["n"] in range(10)
    assert chunks[-1].finish == "stop"  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", ["chat", "responses", "scripted"], indirect=True)
async def test_tools_are_called_and_their_results_read(model: ChatModel) -> None:
    chunks = await collect(model, ask(tools=(ADD,)))
    calls = tuple(c.call for c in chunks if isinstance(c, Called))
    said = "".join(c.text for c in chunks if isinstance(c, Delta))
    assert [(c.name, c.arguments) for c in calls] == [("add", {"a": 1}), ("add", {"a": 2})]
    assert chunks[-1].finish == "tool_calls"  # type: ignore[attr-defined]
    results = [Message("tool", str(40 + n), (), call.id) for n, call in enumerate(calls)]
    follow_up = ChatRequest((Message("user", "1 + 2?"), Message("assistant", said, calls), *results), tools=(ADD,))
    chunks = await collect(model, follow_up)
    assert "".join(c.text for c in chunks if isinstance(c, Delta)) == "It is 41."


async def test_a_call_that_has_to_come_comes(model: ChatModel, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["model"] == "llama_server":
        pytest.skip("this server forces one named function only; see test_tool_hosted")
    chunks = await collect(model, ask("What is seven and five?", tools=(ADD,), must_call=True, max_tokens=64))
    first = next(c.call for c in chunks if isinstance(c, Called))
    assert (first.name, first.problem) == ("add", None)
    assert isinstance(first.arguments["a"], int | float)
    if isinstance(model, LlamaModel):
        assert not [c for c in chunks if isinstance(c, Delta)]
    assert chunks[-1].finish == "tool_calls"  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", ["smollm2", "tiny_phi3"], indirect=True)
async def test_a_call_that_is_cut_by_the_limit_has_a_problem_and_is_not_shown(model: ChatModel) -> None:
    chunks = await collect(model, ask(tools=(ADD,), must_call=True, max_tokens=6))
    assert [c for c in chunks if isinstance(c, Delta)] == []
    (called,) = [c.call for c in chunks if isinstance(c, Called)]
    assert called.problem


@pytest.mark.parametrize("model", ["smollm2", "tiny_phi3"], indirect=True)
async def test_a_tool_that_a_model_cannot_be_held_to_does_not_sink_the_others(model: ChatModel) -> None:
    odd = ToolSpec("odd", "Odd.", {"type": "object", "properties": {"x": {"not": {"const": 1}}}})
    chunks = await collect(model, ask(tools=(odd, ADD), must_call=True, max_tokens=64))
    assert [c.call.name for c in chunks if isinstance(c, Called)] == ["add"]
    with pytest.raises(ModelError, match="'odd' cannot be offered"):
        await collect(model, ask(tools=(odd,), must_call=True))


async def test_closing_leaves_it_fit_for_the_next_request(model: ChatModel) -> None:
    async with aclosing(model.stream(ask(max_tokens=400))) as stream:  # type: ignore[type-var]
        async for chunk in stream:
            if isinstance(chunk, Delta):
                break
    chunks = await asyncio.wait_for(collect(model, ask()), 120)
    assert isinstance(chunks[-1], Completed)


async def test_cancelling_leaves_it_fit_for_the_next_request(model: ChatModel) -> None:
    task = asyncio.create_task(collect(model, ask(max_tokens=400)))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    chunks = await asyncio.wait_for(collect(model, ask()), 120)
    assert isinstance(chunks[-1], Completed)


async def test_requests_may_overlap(model: ChatModel) -> None:
    alone = await collect(model, ask())
    both = await asyncio.gather(collect(model, ask()), collect(model, ask()))
    for chunks in both:
        assert isinstance(chunks[-1], Completed)
        assert [c for c in chunks if isinstance(c, Delta)]
    if model.capabilities.on_device:  # a server is free to answer differently when it is busy
        text = "".join(c.text for c in alone if isinstance(c, Delta))
        assert ["".join(c.text for c in chunks if isinstance(c, Delta)) for chunks in both] == [text, text]


async def test_counts_grow_with_the_text(model: ChatModel) -> None:
    none, one, many = await model.count_tokens(["", "word", "many words " * 50])
    assert none == 0 < one < many


async def test_closing_twice_is_safe(model: ChatModel) -> None:
    await model.aclose()
    await model.aclose()
    assert isinstance((await collect(model, ask()))[-1], Completed)  # a later request opens it again


def test_works_from_one_event_loop_after_the_other(model: ChatModel) -> None:
    async def once() -> object:
        try:
            return (await collect(model, ask()))[-1]
        finally:
            if isinstance(model, OpenAIChat | OpenAIResponses):
                await model.aclose()  # its connections belong to this loop

    for _ in range(2):
        assert isinstance(asyncio.run(once()), Completed)


async def test_a_failure_is_a_model_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + os.urandom(200))
    for failing in (
        LlamaModel(broken),
        LlamaModel(tmp_path / "absent.gguf"),
        OpenAIChat("m", base_url="http://127.0.0.1:9/v1"),
        OpenAIResponses("m", base_url="http://127.0.0.1:9/v1"),
    ):
        with pytest.raises(ModelError):
            await collect(failing, ask())
