"""Answers of a type: the value, or the next tier, or a plain sentence; never a value that is wrong."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from parts import Shelf, passage
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from tierwise import Blocked, TierwiseError, TypedAnswer, UsageError, to_json
from tierwise.errors import AdapterError, SchemaNotSupported, ServerError
from tierwise.testing import ScriptedModel, Step
from tierwise.turns import Answer
from tierwise.types import TokenEvidence, ToolCall

ROME = '{"city":"Rome","days":3}'


class Trip(BaseModel):
    city: str
    days: int = Field(ge=1, le=30)

    @field_validator("city")
    @classmethod
    def _known(cls, city: str) -> str:
        if city == "Atlantis":
            raise ValueError("there is no such city")
        return city


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Colour(TypedDict):
    name: str
    tags: list[str]


def codes(answer: Answer) -> list[str]:
    return [n.code for n in answer.notices]


def outcomes(answer: Answer) -> list[tuple[str, str]]:
    return [(a.tier, a.outcome) for a in answer.attempts]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Trip, ROME, Trip(city="Rome", days=3)),
        (Point, '{"x":1}', Point(1)),
        (Colour, '{"name":"red","tags":[]}', {"name": "red", "tags": []}),
        (list[str], '{"value":["a","b"]}', ["a", "b"]),
        (int, '{"value":4}', 4),
        (int | None, '{"value":null}', None),
        (Literal["yes", "no"], '{"value":"no"}', "no"),
        (set[str], '{"value":["a","a"]}', {"a"}),
        (Decimal, '{"value":0.1}', Decimal("0.1")),
        (Trip | Point, '{"value":{"x":1,"y":2}}', Point(1, 2)),
        (dict[str, int], '{"a":1}', {"a": 1}),
    ],
)
def test_an_answer_is_a_value_of_the_type(copilots: Any, kind: Any, text: str, value: Any) -> None:
    copilot = copilots([text])
    answer = copilot.ask("Where to?", returns=kind)
    assert (answer.status, answer.text, answer.value) == ("done", text, value)
    assert isinstance(answer, TypedAnswer)
    assert json.loads(json.dumps(to_json(answer)))["text"] == text
    (request,) = copilot.model("quick").requests
    assert request.schema["type"] == "object"


class Box(BaseModel):
    value: int


@pytest.mark.parametrize("structured", ["native", "constrained"])
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Box, '{"value":1}', Box(value=1)),
        (Box | None, '{"value":{"value":1}}', Box(value=1)),
        (dict[str, int], '{"value":1}', {"value": 1}),
        (list[int], '{"value":[1]}', [1]),
    ],
)
def test_a_property_called_value_is_not_taken_for_the_wrapper(
    copilots: Any, structured: Any, kind: Any, text: str, value: Any
) -> None:
    answer = copilots(ScriptedModel([text], structured=structured)).ask("Count.", returns=kind)
    assert (answer.status, answer.text, answer.value) == ("done", text, value)


def test_copies_and_pickles_of_an_answer_keep_its_value(copilots: Any) -> None:
    answer = copilots([ROME]).ask("Where to?", returns=Trip)
    for made in (copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert (made, made.value) == (answer, Trip(city="Rome", days=3))
    with pytest.raises(TierwiseError, match="changed copy"):
        dataclasses.replace(answer, text="").value  # noqa: B018


class Checked(BaseModel):
    """Calls whatever a test puts into ``check``."""

    n: int
    check: ClassVar[Any] = None

    @field_validator("n")
    @classmethod
    def _checked(cls, n: int) -> int:
        return int(cls.check(n))


def test_a_validator_looks_once_and_may_use_the_copilot(copilots: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    copilot = copilots(['{"n":1}', "2"])
    asked = iter(["The double of 1?"])
    monkeypatch.setattr(Checked, "check", lambda n: copilot.ask(next(asked)).text)
    assert copilot.ask("Count.", returns=Checked).value.n == 2


def test_a_validator_that_breaks_refuses_the_answer(copilots: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checked, "check", {2: 3}.__getitem__)
    answer = copilots(['{"n":1}'], ['{"n":2}']).ask("Count.", returns=Checked)
    assert (answer.tier, answer.value.n) == ("deep", 3)
    assert (
        answer.attempts[0].reasons[0].text == "quick: The answer is refused: the checks of Checked broke (KeyError: 1)."
    )


def test_a_tier_that_was_asked_for_by_name_is_not_left_without_a_word(copilots: Any) -> None:
    answer = copilots(["no idea"], [ROME]).ask("Where to?", returns=Trip, tier="quick")
    assert (answer.tier, answer.decision.stage) == ("deep", "fallback")
    assert "fallback" in codes(answer)
    assert [r.code for r in answer.decision.reasons] == ["invalid_output"]


def test_a_text_that_does_not_fit_is_never_an_answer_however_sure_its_model_was(copilots: Any) -> None:
    sure = TokenEvidence((-0.01,) * 8, (0.99,) * 8, (0.01,) * 8)
    copilot = copilots([Step("Rome, three days.", evidence=sure)], [ROME])
    events = list(copilot.stream("Where to?", schema=Trip.model_json_schema()))
    answer = events[-1].answer
    assert (answer.text, answer.tier, answer.decision.stage) == (ROME, "deep", "post")
    assert [r.code for r in answer.decision.reasons] == ["invalid_output"]
    assert outcomes(answer) == [("quick", "failed"), ("deep", "accepted")]
    assert answer.attempts[0].text == "Rome, three days."
    assert [r.code for r in answer.attempts[0].reasons] == ["invalid_output"]
    assert "Rome, three days." not in copilot.model("deep").requests[0].messages[-1].content
    kinds = [e.type for e in events if e.type not in ("text.delta", "prompt.progress")]
    assert kinds[4:8] == ["draft.verified", "attempt.discarded", "tier.escalated", "attempt.started"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('{"city":"Rome","days":0}', "days: Input should be greater than or equal to 1"),
        ('{"city":"Atlantis","days":3}', "there is no such city"),
        ('{"city":"Rome"', "no JSON"),
        ("I would go to Rome.", "no JSON"),
        (Step('{"city":"Rome","da', finish="length"), "token limit"),
    ],
)
def test_at_the_last_tier_the_turn_fails_in_a_sentence(copilots: Any, step: Any, words: str) -> None:
    copilot = copilots([step])
    answer = copilot.ask("Where to?", returns=Trip)
    assert answer.status == "failed"
    assert words in (answer.error or "")
    assert outcomes(answer) == [("quick", "failed")]
    assert copilot.record.get(answer.turn_id).attempts[0].text
    with pytest.raises(TierwiseError, match=words.split(":")[0]):
        answer.value  # noqa: B018


def test_a_valid_draft_that_is_held_stands_when_the_larger_tier_writes_nonsense(copilots: Any) -> None:
    held = '{"city":"UNSURE","days":3}'
    answer = copilots([held], ["no idea"]).ask("Where to?", returns=Trip)
    assert (answer.status, answer.tier, answer.value.city) == ("done", "quick", "UNSURE")
    assert "degraded" in codes(answer)


def test_an_invalid_draft_is_not_held_for_a_larger_tier_that_fails(copilots: Any) -> None:
    answer = copilots(["no idea"], [Step(error=ServerError("The server broke."))]).ask("Where to?", returns=Trip)
    assert answer.status == "failed"
    assert outcomes(answer) == [("quick", "failed"), ("deep", "failed")]


def test_a_locked_turn_does_not_leave_for_a_better_form(copilots: Any) -> None:
    copilot = copilots(["no idea"], [ROME])
    assert copilot.ask("Where to?", returns=Trip, lock=True).status == "failed"
    assert copilot.model("deep").requests == []


def test_the_form_is_told_last_and_only_to_a_model_whose_api_does_not_take_it(copilots: Any) -> None:
    shelf = Shelf(passage("Rome is old."))
    told = copilots(["{}"], retriever=shelf)
    told.ask("Where to?", schema={"type": "object", "properties": {"city": {"type": "string"}}})
    prompt = told.model("quick").requests[0].messages
    assert prompt[-1].content.endswith('of this form and nothing else:\n{\n  "city"?: string\n}')
    assert "Rome is old." in prompt[-1].content
    assert "JSON" not in prompt[0].content
    native = ScriptedModel(['{"value":[1]}'], structured="native")
    answer = copilots(native).ask("Count.", schema={"type": "array", "items": {"type": "integer"}})
    assert native.requests[0].messages[-1].content == "Count."
    assert native.requests[0].schema["properties"]["value"]["items"] == {"type": "integer"}
    assert answer.text == "[1]"


def test_json_is_neither_marked_nor_cited_nor_judged_as_prose(copilots: Any) -> None:
    text = '{"quote":"I do not know [1]. I do not know [1]."}'
    copilot = copilots([text], ["{}"], retriever=Shelf(passage("I do not know.")), verifier=None)
    answer = copilot.ask("What does it say?", schema={"type": "object", "properties": {"quote": {"type": "string"}}})
    assert (answer.tier, answer.text, answer.citations) == ("quick", text, ())
    assert [r.code for r in answer.attempts[0].reasons] == ["fits_schema"]


def test_a_code_fence_around_it_is_taken_off(copilots: Any) -> None:
    assert copilots([f"```json\n{ROME}\n```"]).ask("Where to?", returns=Trip).text == ROME


def test_words_before_a_tool_call_are_no_part_of_the_value(copilots: Any) -> None:
    call = Step("Let me calculate.", calls=(ToolCall("c", "calculator", {"expression": "1+2"}),))
    answer = copilots([call, ROME]).ask("Where to?", returns=Trip)
    assert (answer.status, answer.text) == ("done", ROME)
    assert answer.attempts[0].usage.completion_tokens > 2


def test_the_next_turn_reads_the_value_that_was_said(copilots: Any) -> None:
    copilot = copilots([ROME, "Four."])
    copilot.ask("Where to?", returns=Trip, thread="t")
    copilot.ask("And a day more?", thread="t")
    assert [m.content for m in copilot.model("quick").requests[1].messages[1:]] == [
        "Where to?",
        ROME,
        "And a day more?",
    ]


def test_what_cannot_be_kept_is_refused_before_anyone_is_asked(copilots: Any) -> None:
    copilot = copilots(["never"])
    with pytest.raises(SchemaNotSupported, match="uniqueItems"):
        copilot.ask("Where to?", schema={"type": "array", "items": {"type": "string"}, "uniqueItems": True})
    with pytest.raises(SchemaNotSupported, match="looks ahead"):
        copilot.ask("Where to?", returns=Annotated[str, Field(json_schema_extra={"pattern": "(?=a)"})])
    with pytest.raises(SchemaNotSupported, match="has no JSON Schema"):
        copilot.ask("Where to?", returns=object())
    with pytest.raises(SchemaNotSupported, match="as schema="):
        copilot.ask("Where to?", returns={"type": "string"})
    with pytest.raises(UsageError, match="either a type"):
        copilot.ask("Where to?", returns=int, schema={})
    assert copilot.model("quick").requests == []


def test_a_blocked_turn_has_no_value(copilots: Any) -> None:
    answer = copilots(["x"], ["x"]).ask("Where to?", returns=Trip, tier="deep", lock=True)
    with pytest.raises(Blocked):
        answer.value  # noqa: B018


# -- adapters ----------------------------------------------------------------------------------------------------------


def tiers(*able: bool) -> list[ScriptedModel]:
    return [ScriptedModel(["UNSURE."], repeat=True, adapters=a, host="h", on_device=a) for a in able]


@pytest.fixture
def adapter(own_home: Path) -> str:
    path = own_home / "adapters" / "law.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    return str(path)


def test_only_a_tier_that_can_wear_the_adapter_answers_and_none_after_it(copilots: Any, adapter: str) -> None:
    quick, deep = tiers(True, False)
    answer = copilots(quick, deep).ask("hello", adapter="law", thread="t")
    assert (answer.tier, codes(answer)) == ("quick", ["would_escalate"])
    assert (quick.requests[0].adapter, quick.requests[0].thread) == (adapter, "t")
    assert deep.requests == []


def test_a_tier_that_cannot_wear_it_is_passed_over(copilots: Any, adapter: str) -> None:
    quick, deep = tiers(False, True)
    answer = copilots(quick, deep).ask("hello", adapter=adapter)
    assert (answer.tier, answer.decision.stage) == ("deep", "policy")
    assert [r.code for r in answer.decision.reasons] == ["adapter"]


def test_an_adapter_that_nobody_can_wear_is_no_silent_base_answer(copilots: Any, adapter: str) -> None:
    quick, deep = tiers(False, False)
    for tier in ("auto", "deep"):
        answer = copilots(quick, deep).ask("hello", adapter=adapter, tier=tier)
        assert answer.status == "failed"
        assert "adapter" in (answer.error or "")
    assert quick.requests == deep.requests == []


def test_an_adapter_that_fails_is_not_left_out(copilots: Any, adapter: str) -> None:
    failing = ScriptedModel([Step(error=AdapterError("The adapter is foreign."))], adapters=True)
    answer = copilots(failing, ["never"]).ask("hello", adapter=adapter)
    assert (answer.status, answer.error) == ("failed", "The adapter is foreign.")


@pytest.mark.parametrize("word", ["nope", "/nowhere/x.gguf"])
def test_an_adapter_that_is_not_there_is_wrong_use(copilots: Any, word: str) -> None:
    with pytest.raises(UsageError, match="adapter"):
        copilots(["x"]).ask("hello", adapter=word)
