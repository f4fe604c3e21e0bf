"""What leaves the device is seen first, whichever way leads to a hosted tier: fallbacks, looks, tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leaving_parts import DRAFT, NINE, SEVEN, decide, hosted, kinds, sent, shown, three
from parts import Shelf
from tool_steps import calling, echo

from tierwise.errors import ServerError
from tierwise.testing import ScriptedModel, Step
from tierwise.types import Draft, Verdict
from tierwise_tools import tool


def test_a_fallback_to_a_hosted_tier_is_shown(copilots: Any) -> None:
    copilot = copilots([Step("Half", error=ServerError("It broke."))], ["Yes."])
    answer = copilot.ask("Why?", show_before_sending="always")
    assert shown(answer).tier == "deep"
    assert sent(copilot) == []
    assert decide(copilot, answer, allow=True).text == "Yes."


def test_another_host_is_another_question(copilots: Any, own_home: Path) -> None:
    from parts import MarkerVerifier

    parts = {"retriever": Shelf(), "verifier": MarkerVerifier()}
    with three(
        own_home, hosted("UNSURE too.", host="a.invalid"), hosted("Sure.", host="b.invalid"), **parts
    ) as copilot:
        answer = copilot.ask("Why?", show_before_sending="always")
        assert shown(answer).host == "a.invalid"
        answer = decide(copilot, answer, allow=True)
        assert shown(answer).host == "b.invalid"
        assert "UNSURE too." in [i.text for i in shown(answer).items]
        assert sent(copilot, "deeper") == []
        done = decide(copilot, answer, allow=False)
        assert (done.text, done.tier) == ("UNSURE too.", "deep")
        assert [a.outcome for a in done.attempts] == ["discarded", "accepted"]


def test_the_same_host_is_asked_about_once_a_turn(copilots: Any, own_home: Path) -> None:
    from parts import MarkerVerifier

    parts = {"retriever": Shelf(), "verifier": MarkerVerifier()}
    with three(
        own_home, hosted("UNSURE too.", host="a.invalid"), hosted("Sure.", host="a.invalid"), **parts
    ) as copilot:
        done = decide(copilot, copilot.ask("Why?", show_before_sending="always"), allow=True)
        assert (done.status, done.text) == ("done", "Sure.")  # it knows its own draft


class Doubting:
    """Wants a second look at every draft once, whoever wrote it."""

    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        if draft.tier == "quick":
            return Verdict("escalate", 0.1)
        return Verdict("accept", 0.9) if draft.looks_had else Verdict("look", 0.5, look="self_check")


def test_a_look_by_a_hosted_tier_sends_nothing_new(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Maybe.", "Yes"], retriever=Shelf(SEVEN, NINE), verifier=Doubting())
    answer = copilot.ask("Why?", show_before_sending="always")
    done = decide(copilot, answer, allow=True, without=["p1"])
    assert (done.status, done.text) == ("done", "Maybe.")
    assert len(sent(copilot)) == 2
    assert all(SEVEN.text not in request and NINE.text in request for request in sent(copilot))


@tool(effects="read")
def look_up(at: str) -> str:
    """Look something up.

    Args:
        at: what.
    """
    return f"found {at}. {SEVEN.text}" if at == "fee" else f"found {at}"


def test_tool_rounds_are_shown_once_a_turn(copilots: Any) -> None:
    deep = [calling(("look_up", {"at": "x"})), calling(("look_up", {"at": "y"})), echo]
    copilot = copilots(["Fine."], ScriptedModel(deep, on_device=False, host="h"), tools=[look_up])
    answer = copilot.ask("Why?", tier="deep", show_before_sending="always")
    assert kinds(shown(answer)) == ["instructions", "question"]
    assert "look_up" in shown(answer).items[-1].text
    assert decide(copilot, answer, allow=True).text == "found x | found y"


def test_results_of_the_devices_own_calls_are_shown(copilots: Any) -> None:
    quick = [calling(("look_up", {"at": "x"})), DRAFT]
    copilot = copilots(ScriptedModel(quick), ["Done."], tools=[look_up])
    answer = copilot.ask("Why?", show_before_sending="always")
    assert kinds(shown(answer)) == ["instructions", "draft", "question", "tool_result"]
    item = shown(answer).items[3]
    assert item.text == 'look_up({"at": "x"})\nfound x'
    assert decide(copilot, answer, allow=True).status == "done"


def test_a_tool_does_not_bring_back_what_was_taken_out(copilots: Any) -> None:
    deep = [calling(("look_up", {"at": "fee"})), echo]
    copilot = copilots(
        ["Fine."], ScriptedModel(deep, on_device=False, host="h"), tools=[look_up], retriever=Shelf(SEVEN)
    )
    answer = copilot.ask("What is the fee?", tier="deep", show_before_sending="always")
    done = decide(copilot, answer, allow=True, without=["p1"])
    assert done.status == "done"
    assert not any("seven euros" in request for request in sent(copilot))
    assert "keeps this here" in sent(copilot)[-1]
