"""How words are chosen where the caller says so, and how an answer that he cut is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tierwise import Copilot, Sampling, Settings, Tier, TierwiseError
from tierwise.errors import InvalidInput
from tierwise.models import ChatRequest
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise.types import Draft, Verdict


class Truncation:
    """Escalates what ran into a limit, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Draft] = []

    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        self.seen.append(draft)
        return Verdict("escalate" if draft.finish == "length" else "accept")


def last(copilot: Copilot, tier: str = "quick") -> ChatRequest:
    model: Any = copilot.model(tier)
    request: ChatRequest = model.requests[-1]
    return request


def test_the_models_are_asked_as_the_caller_says(copilots: Any) -> None:
    copilot = copilots(["One two three. Four."])
    how = Sampling(temperature=0.7, max_tokens=50, stop=("three",), seed=7)
    answer = copilot.ask("Count.", sampling=how)
    assert (answer.text, answer.finish) == ("One two", "stop")
    request = last(copilot)
    assert (request.temperature, request.max_tokens, request.stop, request.seed) == (0.7, 50, ("three",), 7)
    copilot.ask("Count.")
    request = last(copilot)
    assert (request.temperature, request.max_tokens, request.stop, request.seed) == (0.0, 1024, (), None)


def test_a_tier_never_writes_more_than_its_own_limit(own_home: Any) -> None:
    model = ScriptedModel(["Yes."])
    with Copilot([Tier("quick", model, max_tokens=30)], settings=Settings(home=own_home), retriever=None) as copilot:
        copilot.ask("Why?", sampling=Sampling(max_tokens=500))
    assert model.requests[0].max_tokens == 30


def test_room_that_the_answer_does_not_take_goes_to_the_conversation(copilots: Any) -> None:
    model = ScriptedModel(["Yes."], context_window=400, repeat=True)
    copilot = copilots(model)
    long = "a " * 320
    assert copilot.ask(long, own_tools=False).status == "failed"
    assert copilot.ask(long, sampling=Sampling(max_tokens=5), own_tools=False).status == "done"


def test_what_the_caller_cut_is_neither_unfinished_nor_escalated(copilots: Any) -> None:
    verifier = Truncation()
    copilot = copilots([Step("One two three four.", finish="length")], ["Deep."], verifier=verifier)
    answer = copilot.ask("Count.", sampling=Sampling(max_tokens=3))
    assert (answer.tier, answer.text, answer.finish) == ("quick", "One two three", "length")
    assert answer.notices == ()
    assert [draft.finish for draft in verifier.seen] == ["stop"]
    assert copilot.record.get(answer.turn_id).finish == "length"


def test_what_the_tiers_own_limit_cut_is(copilots: Any) -> None:
    copilot = copilots([Step("One two three.", finish="length")], ["Deep."], verifier=Truncation())
    assert copilot.ask("Count.", sampling=Sampling(max_tokens=5000)).tier == "deep"


def test_json_that_the_caller_cut_is_handed_to_him(copilots: Any) -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    copilot = copilots([Step("[1, 2, 3", finish="length")], ["[1]"], verifier=Truncation())
    answer = copilot.ask("Count.", schema=schema, sampling=Sampling(max_tokens=3))
    assert (answer.tier, answer.finish, answer.text) == ("quick", "length", "[1, 2, 3")
    typed = copilots([Step('{"value": [1, 2,', finish="length")])
    cut = typed.ask("Count.", returns=list[int], sampling=Sampling(max_tokens=3))
    assert (cut.status, cut.finish) == ("done", "length")
    with pytest.raises(TierwiseError, match="max_tokens"):
        _ = cut.value


@pytest.mark.parametrize(
    ("step", "how", "finish"),
    [
        (Step("", finish="length"), Sampling(max_tokens=1), "length"),
        (Step("\n\nMore."), Sampling(stop=("\n",)), "stop"),
    ],
)
def test_an_answer_that_the_caller_ended_before_its_first_word_is_one(
    copilots: Any, step: Step, how: Sampling, finish: str
) -> None:
    verifier = Truncation()
    answer = copilots([step], ["Deep."], verifier=verifier).ask("Count.", sampling=how)
    assert (answer.status, answer.tier, answer.text, answer.finish) == ("done", "quick", "", finish)
    assert verifier.seen == []


def test_how_an_answer_ended_is_told(copilots: Any) -> None:
    copilot = copilots([Step("A.", finish="content_filter"), Step("B.", finish="length"), "C."])
    assert [copilot.ask("Why?").finish for _ in range(3)] == ["content_filter", "length", "stop"]


def test_over_http_the_server_is_told(own_home: Any) -> None:
    with LoopbackServer(ScriptedModel(["Yes."])) as server:
        tier = Tier("deep", "openai:m", base_url=server.url)
        with Copilot([tier], settings=Settings(home=own_home), retriever=None) as copilot:
            copilot.ask("Why?", sampling=Sampling(1.5, 40, ("END",), -3))
        (sent,) = server.requests
    assert (sent["temperature"], sent["max_tokens"], sent["stop"], sent["seed"]) == (1.5, 40, ["END"], -3)


@dataclass(frozen=True)
class Wrong:
    how: Sampling
    says: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(Sampling(temperature=-0.1), "temperature"),
        Wrong(Sampling(temperature=float("nan")), "temperature"),
        Wrong(Sampling(max_tokens=0), "max_tokens"),
        Wrong(Sampling(max_tokens=True), "max_tokens"),
        Wrong(Sampling(stop="END"), "stop"),  # type: ignore[arg-type]
        Wrong(Sampling(stop=("",)), "stop"),
        Wrong(Sampling(seed=2**64), "seed"),
    ],
    ids=lambda wrong: str(wrong.how),
)
def test_numbers_that_cannot_be_used_are_refused(copilots: Any, wrong: Wrong) -> None:
    with pytest.raises(InvalidInput, match=wrong.says):
        copilots(["Never."]).ask("Why?", sampling=wrong.how)
