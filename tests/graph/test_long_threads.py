"""What tiers read of a long thread: condensed within their window, told to the user, and without what is locked."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tierwise import Copilot, Tier
from tierwise.testing import ScriptedModel

ANSWER = " ".join(f"The kettle of shelf {n} holds two litres, and it is blue on one side." for n in range(9))


def notices(answer: Any) -> dict[str, str]:
    return {notice.code: notice.text for notice in answer.notices}


def test_a_long_thread_is_condensed_and_says_so(copilots: Any) -> None:
    model = ScriptedModel([ANSWER], repeat=True, context_window=1500)
    copilot = copilots(model)
    copilot.ask("Call me Ana. My budget is 300 euros. Which kettle?", thread="t")
    seen: dict[str, str] = {}
    for n in range(26):
        seen |= notices(copilot.ask(f"What does kettle number {n} hold?", thread="t"))
    assert "condensed: this thread does not fit the window of quick (1,500 tokens)" in seen["context_condensed"]
    assert " left out: this thread does not fit the window" in seen["context_cut"]
    last = model.requests[-1].messages
    assert "Call me Ana." in last[1].content
    assert "My budget is 300 euros." in last[1].content
    assert last[-1].content == "What does kettle number 25 hold?"
    assert [m.content for m in last[-3:-1]] == ["What does kettle number 24 hold?", ANSWER]
    assert [m.role for m in last[1:]] == ["user", "assistant"] * (len(last) // 2 - 1) + ["user"]
    prompts = [request.messages[:-1] for request in model.requests]
    changes = sum(after[: len(before)] != before for before, after in pairwise(prompts))
    assert changes <= 8  # of 26: what a model keeps of the last prompt is of use to the next


def test_a_locked_turn_is_condensed_for_the_device_alone(copilots: Any, own_home: Any) -> None:
    quick = ScriptedModel([ANSWER], name="q", repeat=True, context_window=1500)
    deep = ScriptedModel([ANSWER], name="d", repeat=True, context_window=1500, on_device=False)
    tiers = [Tier("quick", quick), Tier("deep", deep)]
    with Copilot(tiers, home=own_home) as copilot:
        copilot.ask("My salary is 5,000. Is that much?", thread="t", lock=True, tier="quick")
        for n in range(14):
            copilot.ask(f"What does kettle number {n} hold?", thread="t", tier="deep")
        assert not any("salary" in m.content for request in deep.requests for m in request.messages)
        assert "context_cut" in notices(copilot.ask("And the next kettle?", thread="t", tier="deep"))
        answer = copilot.ask("What did I tell you?", thread="t", tier="quick")
        assert "My salary is 5,000." in quick.requests[-1].messages[1].content  # in short, on the device
        assert "locked" in notices(answer)
        assert copilot.record.get(answer.turn_id).locked
        copilot.ask("And now?", thread="t", tier="deep")
        assert not any("salary" in m.content for m in deep.requests[-1].messages)


def test_passages_keep_their_place_beside_a_long_thread(copilots: Any) -> None:
    from parts import Shelf, passage

    model = ScriptedModel([ANSWER], repeat=True, context_window=1500)
    copilot = copilots(model, retriever=Shelf(passage("The door code is 4411. " * 40)))
    for n in range(12):
        answer = copilot.ask(f"What is door code number {n}?", thread="t")
        assert "4411" in model.requests[-1].messages[-1].content
        assert not any("passages do not fit" in notice.text for notice in answer.notices)
