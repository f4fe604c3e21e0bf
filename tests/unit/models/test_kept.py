"""A model whose finished answers are kept: nothing is asked, or paid for, twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import InvalidInput, ServerError
from tierwise.models import Called, ChatModel, ChatRequest, Completed, Delta, LlamaModel, Reading, locate
from tierwise.models.kept import KeptModel
from tierwise.testing import ScriptedModel, Step
from tierwise.types import Floor, Message, TokenEvidence, ToolCall

EVIDENCE = TokenEvidence((-0.1, -0.4, -0.2, -2.0), (0.9, 0.5, 0.8, 0.1), (0.3, 1.0, 0.4, 2.0), (0, 4, 8, 14))
ASK = ChatRequest((Message("user", "How many?"),))


async def drained(model: ChatModel, request: ChatRequest = ASK) -> tuple[str, list[ToolCall], Completed]:
    chunks = [chunk async for chunk in model.stream(request)]
    assert isinstance(chunks[-1], Completed)
    text = "".join(c.text for c in chunks if isinstance(c, Delta))
    return text, [c.call for c in chunks if isinstance(c, Called)], chunks[-1]


def scripted(*steps: Any, **options: Any) -> ScriptedModel:
    return ScriptedModel(list(steps), **options)


async def test_what_was_asked_before_is_given_again_whole(tmp_path: Path) -> None:
    calls = (ToolCall("1", "add", {"a": 1, "b": "\u00e9\u2028\U0001f600"}), ToolCall("2", "add", {}))
    inner = scripted(Step("one two\nthree \u00fc\u2028 four", calls=calls, evidence=EVIDENCE))
    kept = KeptModel(inner, tmp_path / "kept.jsonl")
    first = await drained(kept)
    assert first[1] == list(calls) and first[2].evidence == EVIDENCE
    assert await drained(kept) == first
    again = KeptModel(scripted(), tmp_path / "kept.jsonl")  # another run, whose model has nothing to say
    assert await drained(again) == first
    assert (kept.from_file, again.from_file, len(inner.requests)) == (1, 1, 1)
    assert again.has(ASK)
    assert not again.has(replace(ASK, temperature=0.7))


def test_it_stands_for_the_model_inside(tmp_path: Path) -> None:
    kept = KeptModel(scripted("x", name="inner", on_device=False, host="h"), tmp_path / "kept.jsonl")
    assert isinstance(kept, ChatModel)
    assert (kept.name, kept.capabilities.host, kept.capabilities.on_device) == ("inner", "h", False)


async def test_counting_and_closing_are_passed_on(tmp_path: Path) -> None:
    inner = scripted("x")
    kept = KeptModel(inner, tmp_path / "kept.jsonl")
    assert await kept.count_tokens(["a b"]) == [2]
    await kept.aclose()
    assert inner.closed


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    KeptModel(scripted(), tmp_path / "kept.jsonl")
    assert (tmp_path / "kept.jsonl").stat().st_mode & 0o777 == 0o600


async def test_what_an_answer_depends_on_makes_another_question_of_it(tmp_path: Path) -> None:
    kept = KeptModel(scripted("x"), tmp_path / "kept.jsonl")
    await drained(kept)
    for same in (replace(ASK, thread="other"), replace(ASK, floor=Floor(24, -0.3))):
        assert kept.has(same)
    for other in (
        replace(ASK, seed=1),
        replace(ASK, max_tokens=3),
        replace(ASK, stop=("a",)),
        replace(ASK, choices=("Yes", "No")),
        replace(ASK, schema={"type": "object"}),
        replace(ASK, adapter="a.gguf"),
        replace(ASK, messages=(Message("user", "How much?"),)),
    ):
        assert not kept.has(other)
    assert not KeptModel(scripted("x", name="another"), tmp_path / "kept.jsonl").has(ASK)


async def test_after_a_crash_in_the_middle_of_a_line_the_rest_is_there_and_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    asks = [ChatRequest((Message("user", str(n)),)) for n in range(4)]
    first = KeptModel(scripted("zero", "one", "two"), path)
    for ask in asks[:3]:
        await drained(first, ask)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])  # the last line was cut
    second = KeptModel(scripted("two again", "three"), path)
    assert [second.has(ask) for ask in asks] == [True, True, False, False]
    assert [(await drained(second, ask))[0] for ask in asks] == ["zero", "one", "two again", "three"]
    third = KeptModel(scripted(), path)
    assert [(await drained(third, ask))[0] for ask in asks] == ["zero", "one", "two again", "three"]


@given(cut=st.integers(0, 400), junk=st.binary(max_size=20))
def test_whatever_became_of_the_file_whole_lines_are_used(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("kept") / "kept.jsonl"
    done = {"finish": "stop", "usage": {}, "model_served": "m"}
    lines = [json.dumps({"key": f"k{n}", "text": "x", "calls": [], "done": done}) for n in range(4)]
    data = "\n".join(lines).encode() + b"\n"
    path.write_bytes(data[:cut] + junk)
    KeptModel(scripted(), path)  # never raises
    reread = KeptModel(scripted(), path)
    assert len(reread._answers) >= data[:cut].count(b"\n") - (junk != b"" and b"\n" not in junk)


def test_a_file_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        KeptModel(scripted(), _folder(tmp_path / "kept.jsonl"))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


async def test_what_failed_or_was_stopped_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    kept = KeptModel(scripted(Step("half of", error=ServerError("It broke.")), "one two three", "whole"), path)
    with pytest.raises(ServerError):
        await drained(kept)
    stream: AsyncIterator[Any] = kept.stream(ASK)
    async for chunk in stream:
        if isinstance(chunk, Delta):
            break
    await stream.aclose()  # type: ignore[attr-defined]
    assert not kept.has(ASK) and path.read_text() == ""
    assert (await drained(kept))[0] == "whole"


# -- floors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "cut"),
    [
        (Floor(2, -0.2), True),  # the first two have -0.25
        (Floor(2, -0.25), False),
        (Floor(2, -0.3), False),
        (Floor(4, -0.5), True),
        (Floor(5, -0.1), False),  # never so many
        (Floor(1, -0.05), True),
    ],
)
async def test_a_floor_cuts_a_kept_answer_where_it_would_have_ended(tmp_path: Path, floor: Floor, cut: bool) -> None:
    kept = KeptModel(scripted(Step("one two three four", evidence=EVIDENCE)), tmp_path / "kept.jsonl")
    whole = await drained(kept)
    text, _, done = await drained(kept, replace(ASK, floor=floor))
    if not cut:
        assert (text, done) == (whole[0], whole[2])
        return
    assert done.finish == "doubted"
    assert done.usage.completion_tokens == floor.tokens
    assert done.evidence is not None and done.evidence.logprobs == EVIDENCE.logprobs[: floor.tokens]
    assert text == "one two three four"[: EVIDENCE.starts[floor.tokens - 1]]
    assert await drained(kept) == whole  # without a floor it is whole as before


async def test_an_answer_without_evidence_has_no_floor(tmp_path: Path) -> None:
    kept = KeptModel(scripted("one two"), tmp_path / "kept.jsonl")
    whole = await drained(kept)
    assert await drained(kept, replace(ASK, floor=Floor(1, 0.0))) == whole


async def test_an_answer_that_was_not_written_on_is_not_kept(tmp_path: Path) -> None:
    kept = KeptModel(scripted(Step("one", finish="doubted"), "one two"), tmp_path / "kept.jsonl")
    assert (await drained(kept, replace(ASK, floor=Floor(1, 0.0))))[2].finish == "doubted"
    assert not kept.has(ASK)
    assert (await drained(kept))[0] == "one two"


async def test_a_kept_answer_is_cut_just_where_the_engine_cuts(tmp_path: Path) -> None:
    model = LlamaModel(locate("smollm2-135m"), context_window=1024)
    request = ChatRequest((Message("user", "Name three rivers and three towns."),), max_tokens=24)
    try:
        kept = KeptModel(model, tmp_path / "kept.jsonl")
        await drained(kept, request)
        for tokens in (1, 5, 12):
            floored = replace(request, floor=Floor(tokens, 0.0))
            by_engine, by_file = await drained(model, floored), await drained(kept, floored)
            assert by_engine[0].rstrip() == by_file[0].rstrip()
            assert by_engine[2].finish == by_file[2].finish == "doubted"
            assert by_engine[2].usage.completion_tokens == by_file[2].usage.completion_tokens
            assert by_engine[2].evidence == by_file[2].evidence
        assert kept.from_file == 3
    finally:
        await model.aclose()


async def test_nothing_but_what_was_promised_comes_out(tmp_path: Path) -> None:
    kept = KeptModel(scripted(Step("a b", evidence=EVIDENCE)), tmp_path / "kept.jsonl")
    live = [type(c) async for c in kept.stream(ASK)]
    replayed = [type(c) async for c in kept.stream(ASK)]
    assert live == [Reading, Delta, Delta, Completed]
    assert replayed == [Delta, Completed]
