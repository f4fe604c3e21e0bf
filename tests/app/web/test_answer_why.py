"""Under "Why?": the true causes with their figures, and the line under every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder, passage
from streamlit.testing.v1 import AppTest
from tool_steps import calling, echo
from waiting import until
from web_text import words_of

from tierwise import Copilot, DecisionRecord, Reason
from tierwise.errors import ServerError
from tierwise.testing import ScriptedModel, Step, make_copilot
from tierwise.turns import Attempt, Notice, SentOut
from tierwise_app.web.answer.reasons import headline, measures, model_name, tier_parts
from tierwise_app.web.answer.why import tier_line
from tierwise_tools import calculator

Make = Callable[..., Copilot]


@pytest.fixture
def copilots(own_home: Path) -> Iterator[Make]:
    made: list[Copilot] = []

    def make(*scripts: Any, **options: Any) -> Copilot:
        parts = {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier()}
        made.append(make_copilot(*scripts, home=own_home, **(parts | options)))
        return made[-1]

    yield make
    for copilot in made:
        copilot.close()


def last(copilot: Copilot) -> DecisionRecord:
    return copilot.record.get("last")


def opened(record: DecisionRecord) -> AppTest:
    def script(record):  # type: ignore[no-untyped-def]
        from tierwise_app.web.answer.why import draw_why

        draw_why(record)

    app = AppTest.from_function(script, args=(record,), default_timeout=60).run()
    assert not app.exception, app.exception
    return app


def test_an_escalated_turn_says_why_and_keeps_the_draft_folded(copilots: Make) -> None:
    copilot = copilots(["UNSURE: four ![x](http://c.invalid/a.png)"], ["Two years."], retriever=Shelf(passage("Two.")))
    copilot.ask("How long?")
    record = last(copilot)
    assert headline(record) == "deep answered, escalated after trying quick: the draft says so (1 against 0.5)."
    app = opened(record)
    said = words_of(app)
    assert "the draft says so: 1.00, the line is at 0.50" in said
    assert "quick: 0.20" in said
    assert "its draft was not used" in said
    assert "sent to scripted.invalid" in said
    assert "with 1 passage sent" in said
    (draft,) = [e for e in app.get("expander") if "draft" in e.label]
    assert "UNSURE" in draft.markdown[0].value
    assert "![x](http" not in draft.markdown[0].value


def test_a_kept_draft_has_the_tier_the_place_and_the_price_under_it(copilots: Make) -> None:
    copilot = copilots(["Fine."])
    copilot.ask("How?")
    record = last(copilot)
    assert headline(record).startswith("quick answered, and its draft was kept: the draft says so")
    parts = tier_parts(record)
    assert parts[:3] == ["quick", "scripted-quick", "on this device"]
    assert parts[-1] == "$0"
    assert "$" not in tier_line(record)  # no formula
    opened(record)


def test_refused_failed_and_stopped_turns_say_so(copilots: Make) -> None:
    copilot = copilots(["x"], ["y"])
    copilot.ask("Send it.", tier="deep", lock=True)
    blocked = last(copilot)
    assert headline(blocked).startswith("Refused: ")
    assert tier_parts(blocked)[0] == "refused"
    opened(blocked)

    down = Step("Well", error=ServerError("The server has *broken*."))
    copilot = copilots([down, down, down])
    copilot.ask("How?")
    failed = last(copilot)
    assert headline(failed) == "quick could not answer: The server has *broken*."
    assert "failed" in tier_parts(failed)
    assert any(r"\*broken\*" in one.value for one in opened(failed).markdown)

    copilot = copilots([Step("one two three four " * 500, delay=0.2)])
    turn = copilot.start("Count.")
    until(lambda: any(event.type == "text.delta" for event in turn.events()))
    turn.stop()
    assert turn.wait(60)
    stopped = last(copilot)
    assert headline(stopped).startswith("Stopped while quick was at work")
    assert "stopped" in tier_parts(stopped)
    opened(stopped)


def test_a_tier_that_fails_is_named_as_the_cause(copilots: Make) -> None:
    down = Step(error=ServerError("It is down."))
    copilot = copilots(["UNSURE four"], [down, down, down])
    copilot.ask("How?")
    held = last(copilot)
    assert headline(held) == "quick answered, because deep failed: It is down."
    assert tier_parts(held)[2] == "on this device, after asking scripted.invalid"
    assert "without the tier that should have helped" in tier_parts(held)
    assert "Well" not in words_of(opened(held))

    copilot = copilots([down, down, down], ["Two."])
    copilot.ask("How?")
    assert headline(last(copilot)) == "deep answered, because quick failed: It is down."


def test_tool_calls_are_listed_with_what_came_of_them(copilots: Make) -> None:
    script = [calling(("calculator", {"expression": "6*7"})), echo]
    copilot = copilots(ScriptedModel(script), tools=[calculator])
    copilot.ask("What is 6*7?")
    assert "calculator(expression=6*7) gave" in words_of(opened(last(copilot)))


def test_a_locked_turn_says_that_nothing_left(copilots: Make) -> None:
    copilot = copilots(["UNSURE"], ["y"])
    copilot.ask("Mine?", lock=True)
    record = last(copilot)
    assert "on this device" in tier_parts(record)
    assert "Nothing left this device" in words_of(opened(record))


@pytest.mark.parametrize(
    ("attempt", "name"),
    [
        (Attempt(1, "quick", "llama:/home/ana/models/phi-3.gguf", "phi-3", "accepted", "a"), "phi-3"),
        (Attempt(1, "quick", "llama:/home/ana/phi-3.gguf", "llama:/home/ana/phi-3.gguf", "accepted", "a"), "phi-3"),
        (Attempt(1, "deep", "openai:large", "large-2026", "accepted", "a"), "large-2026"),
        (Attempt(1, "deep", "openai:org/large", "org/large", "accepted", "a"), "large"),
    ],
)
def test_a_model_is_named_by_what_answered_without_folders(attempt: Attempt, name: str) -> None:
    assert model_name(attempt) == name


def test_only_figures_on_one_scale_are_drawn_against_their_line() -> None:
    reasons = [
        Reason("p_good", "Chance.", 0.41, 0.55),
        Reason("logprob", "Tokens.", -1.3, -0.9),
        Reason("plain", "A rule."),
        Reason("plain", "A rule."),
    ]
    found = measures(reasons)
    assert [(one.value, one.line) for one in found] == [(0.41, 0.55), (None, None), (None, None)]
    assert found[1].text == "Tokens (-1.3 against -0.9)"


def test_records_of_before_and_odd_ends_have_a_line_too() -> None:
    old = DecisionRecord(
        "a", "t", "q", "done", 1.0, final="deep", stage="post", text="x",
        attempts=(Attempt(1, "deep", "openai:m", "m", "accepted", "x"),), sent_out=SentOut(10, 0, ("h.invalid",)),
        notices=(Notice("stand_in", "It stands in."), Notice("price_unknown", "No price.")),
    )  # fmt: skip
    assert tier_parts(old) == ["deep", "m", "at h.invalid", "price unknown", "a stand-in for a large model"]
    assert "no cause was noted" in headline(old)
    settled = replace(old, final=None, attempts=(), sent_out=SentOut(), text="Nothing.")
    assert headline(settled).startswith("No tier was asked")
    assert tier_parts(settled)[0] == "no tier was asked"
    held_back = replace(
        old,
        notices=(Notice("not_in_documents", "No."),),
        attempts=(replace(old.attempts[0], outcome="discarded", reasons=(Reason("invented", 'No passage has "7".'),)),),
    )
    assert headline(held_back).endswith('your documents do not bear it out: no passage has "7".')
    for record in (old, settled, held_back, replace(old, status="running", attempts=(), final=None)):
        opened(record)
