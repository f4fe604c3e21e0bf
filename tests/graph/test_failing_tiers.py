"""What a turn does when its tiers fail: who answers, what is said about it, and what is never done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import MarkerVerifier, Shelf, TinyEmbedder, passage

from tierwise import Copilot, Settings, Tier
from tierwise.errors import AuthError, ModelError, RateLimited, Unreachable
from tierwise.events import AnswerReady, AttemptDiscarded, TextDelta, TurnFailed
from tierwise.graph.health import breaker
from tierwise.models.base import ChatRequest, Chunk, Delta
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, Step

DOWN = Unreachable("The cable is out.", fix="Plug it in.")


def codes(answer: Any) -> set[str]:
    return {notice.code for notice in answer.notices}


def parts(home: Path) -> dict[str, Any]:
    return {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier(), "home": home}


# -- a tier that rests -------------------------------------------------------------------------------------------------


def test_a_tier_that_keeps_failing_is_left_alone_by_all_turns(copilots: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "FIRST_REST", breaker.LONGEST_REST)  # however long a turn takes here
    copilot = copilots(["UNSURE."], [Step(error=DOWN)])
    for _ in range(2):
        assert copilot.ask("hello").text == "UNSURE."
    asked = len(copilot.model("deep").requests)
    answer = copilot.ask("hello")
    assert len(copilot.model("deep").requests) == asked == 5
    assert (answer.status, answer.tier) == ("done", "quick")
    (notice,) = [n for n in answer.notices if n.code == "would_escalate"]
    assert "deep cannot be used now: it rests for another" in notice.text
    assert "after 5 failures in a row (The cable is out)" in notice.text
    record = copilot.record.get(answer.turn_id)
    assert record.refused == "tier_down"
    assert record.sent_out.bytes == 0


def test_asked_by_name_a_tier_that_rests_is_passed_over_and_this_is_said(copilots: Any) -> None:
    copilot = copilots(["Small."], [Step(error=AuthError("The key is refused.", fix="Set another."))])
    assert copilot.ask("hello", tier="deep").text == "Small."
    answer = copilot.ask("hello", tier="deep")
    assert (answer.text, answer.tier) == ("Small.", "quick")
    assert "degraded" in codes(answer)
    assert len(copilot.model("deep").requests) == 1
    reasons = copilot.record.get(answer.turn_id).reasons
    assert [reason.code for reason in reasons] == ["tier_down"]


def test_when_the_only_tier_rests_the_turn_says_for_how_long(copilots: Any) -> None:
    error = RateLimited("Too many requests.")
    error.retry_after = 700.0
    copilot = copilots([Step(error=error)])
    assert "Too many requests" in str(copilot.ask("hello").error)
    answer = copilot.ask("hello again")
    assert answer.status == "failed"
    said = r"quick cannot be used now: it rests for another (\d+) s after a failure \(Too many requests\)"
    found = re.search(said, str(answer.error))
    assert found is not None and 600 < int(found[1]) <= 700
    assert copilot.record.get(answer.turn_id).asked == "hello again"
    assert len(copilot.model("quick").requests) == 1


def test_a_tier_that_comes_back_is_used_again(copilots: Any) -> None:
    error = RateLimited("Too many requests.")
    error.retry_after = 0.2
    copilot = copilots([Step(error=error), "Here I am."])
    assert copilot.ask("hello").text == "Here I am."
    assert copilot.ask("hello").text == "Here I am."


# -- the end of the turn's time ----------------------------------------------------------------------------------------


class Hangs:
    """A model of one's own that never says anything, or nothing more."""

    name = "hangs"

    def __init__(self, says: str = "", *, on_device: bool = True) -> None:
        self._says = says
        self.capabilities = ScriptedModel([], on_device=on_device).capabilities
        self.begun = 0

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        self.begun += 1
        if self._says:
            yield Delta(self._says)
        await asyncio.sleep(3600)

    async def count_tokens(self, texts: Any) -> list[int]:
        return [len(text.split()) for text in texts]

    async def aclose(self) -> None:
        """Nothing to free."""


def test_when_the_time_is_over_the_draft_that_is_held_is_the_answer(own_home: Path) -> None:
    last = ScriptedModel(["Never asked."])
    tiers = [Tier("quick", ScriptedModel(["UNSURE."])), Tier("deep", Hangs()), Tier("last", last)]
    with Copilot(tiers, settings=Settings(home=own_home, deadline=5.0), **parts(own_home)) as copilot:
        answer = copilot.ask("hello")
    assert (answer.status, answer.text) == ("done", "UNSURE.")
    (notice,) = [n for n in answer.notices if n.code == "degraded"]
    assert "deep was not done when the 5 s of this turn were over" in notice.text
    assert last.requests == []


def test_when_the_time_is_over_what_was_said_is_kept(own_home: Path) -> None:
    other = ScriptedModel(["Never asked."])
    tiers = [Tier("quick", Hangs("The answer is")), Tier("deep", other)]
    with Copilot(tiers, settings=Settings(home=own_home, deadline=5.0), **parts(own_home)) as copilot:
        answer = copilot.ask("hello")
        record = copilot.record.get(answer.turn_id)
    assert answer.status == "failed"
    assert "were over. Raise deadline" in str(answer.error)
    assert (record.asked, record.text) == ("hello", "The answer is")
    assert other.requests == []


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(128_000, 400), (400, 128_000)])
def test_whoever_takes_over_gets_a_prompt_that_fits_its_own_window(own_home: Path, first: int, second: int) -> None:
    short, long = (" ".join(f"word{n}" for n in range(words)) for words in (30, 150))
    failing = ScriptedModel(["A.", "B.", "C.", Step(error=DOWN)], context_window=first, repeat=True)
    heir = ScriptedModel(["It is done."], context_window=second, repeat=True)
    shelf = Shelf(*(passage(f"passage {n} {long}") for n in range(3)))
    tiers = [Tier("one", failing, max_tokens=50), Tier("two", heir, max_tokens=50)]
    with Copilot(tiers, **(parts(own_home) | {"retriever": shelf})) as copilot:
        for _ in range(3):
            copilot.ask(f"Tell me about {short}", thread="t", tier="one")
        answer = copilot.ask("And the newest?", thread="t", tier="one")
    assert answer.text == "It is done."

    def size(request: ChatRequest) -> int:
        return sum(len(message.content.split()) for message in request.messages)

    before, after = failing.requests[-1], heir.requests[-1]
    assert size(before) <= first and size(after) <= second
    assert (size(after) < size(before)) == (second < first)
    assert "And the newest?" in after.messages[-1].content
    assert ("context_cut" in codes(answer)) == (second == 400)


def test_a_window_that_turns_out_smaller_is_remembered(own_home: Path) -> None:
    model = ScriptedModel(["Well."], repeat=True)
    long = "many words of one kind " * 300
    with LoopbackServer(model) as server:
        tier = Tier("deep", "openai:big", base_url=server.url, max_tokens=256)
        with Copilot([tier], **parts(own_home)) as copilot:
            for _ in range(3):
                copilot.ask(long, thread="t")
            body = '{"error": {"message": "context size exceeded", "type": "exceed_context_size_error", "n_ctx": 4096}}'
            server.faults.append(Fault(400, body))
            answer = copilot.ask("What was it?", thread="t")
            asked = len(server.requests)
            assert (answer.text, asked) == ("Well.", 5)
            assert codes(answer) & {"context_cut", "context_condensed"}
            assert copilot.model("deep").capabilities.context_window == 4096
            copilot.ask("And now?", thread="t")
            assert len(server.requests) == asked + 1, "it fits at once"
    sizes = [sum(len(m["content"]) for m in body["messages"]) for body in server.requests]
    assert sizes[4] < sizes[3]
    assert server.requests[4]["messages"][-1]["content"] == server.requests[3]["messages"][-1]["content"]


def test_a_question_that_alone_is_too_long_is_asked_once_and_goes_to_another_tier(own_home: Path) -> None:
    small = ScriptedModel(["Small."])
    with LoopbackServer(ScriptedModel(["Never."])) as server:
        server.faults.append(Fault(413, ""))
        tiers = [Tier("quick", small), Tier("deep", "openai:big", base_url=server.url)]
        with Copilot(tiers, **parts(own_home)) as copilot:
            answer = copilot.ask("a question of some length " * 100, tier="deep")
    assert (answer.text, answer.tier) == ("Small.", "quick")
    assert len(server.requests) == 1


# -- texts -------------------------------------------------------------------------------------------------------------

WORDS = st.integers(0, 6).map(lambda n: " ".join(f"w{i}" for i in range(n)))
STEPS = st.one_of(
    st.builds(lambda text: Step(text, error=ModelError("It broke.")), WORDS),
    st.builds(lambda text, unsure: Step(f"{text} {'UNSURE' if unsure else 'Sure'}."), WORDS, st.booleans()),
)


def test_wherever_tiers_break_nobody_reads_two_texts(own_home: Path) -> None:
    models = [ScriptedModel([], name=name, repeat=True) for name in ("quick", "middle", "deep")]
    tiers = [Tier(model.name, model) for model in models]
    with Copilot(tiers, **parts(own_home)) as copilot:

        @settings(max_examples=40)
        @given(st.tuples(STEPS, STEPS, STEPS), st.sampled_from(["auto", "middle", "deep"]))
        def one_turn(steps: tuple[Step, ...], tier: str) -> None:
            for model, step in zip(models, steps, strict=True):
                model.steps = [step]
            seen: dict[int, str] = {}
            for event in copilot.stream("hello", tier=tier):
                if isinstance(event, TextDelta):
                    seen[event.attempt] = seen.get(event.attempt, "") + event.text
                elif isinstance(event, AttemptDiscarded):
                    seen.pop(event.attempt, None)
                elif isinstance(event, AnswerReady | TurnFailed):
                    assert "".join(seen.values()).strip() == event.answer.text.strip()
                    assert event.answer.status == "done" or event.answer.error
                    return
            raise AssertionError("the turn has no end")

        one_turn()
