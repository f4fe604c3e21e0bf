"""The chat: asking, overruling, deciding, going on. Models are scripted; everything else is real."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_texts import texts
from parts import MarkerVerifier
from streamlit.testing.v1 import AppTest

from tierwise import Copilot, Price, Tier
from tierwise.testing import ScriptedModel, Step
from tierwise.types import ToolCall
from tierwise_app.web.desk import Desk
from tierwise_tools import tool

Open = Callable[..., AppTest]
WRONG = "Lyon. [unsure]"


@pytest.fixture
def pair(fresh_server: Path) -> Callable[..., Copilot]:
    """Makes a copilot of a small model here and a large one elsewhere."""

    def make(quick: list[Any], deep: list[Any], **more: Any) -> Copilot:
        tiers = [
            Tier("quick", ScriptedModel(quick, name="small", repeat=True)),
            Tier("deep", ScriptedModel(deep, name="large", on_device=False, repeat=True), price=Price(2.0, 8.0)),
        ]
        defaults = {"verifier": MarkerVerifier(), "home": fresh_server}
        return Copilot(tiers, **(defaults | more))

    return make


def send(app: AppTest, text: str) -> AppTest:
    """Write a message and let its turn end."""
    app.chat_input[0].set_value(text).run()
    return settle(app)


def settle(app: AppTest) -> AppTest:
    """Let what runs come to its end, as the page's own polling would."""
    from tierwise_app.web.desk import desk

    for turn in list(desk()._turns.values()):
        assert turn.wait(60)
    return app.run()


def button(app: AppTest, begin: str) -> Any:
    (found,) = [one for one in app.button if one.key and one.key.startswith(begin)][-1:]
    return found


def deciding(app: AppTest, begin: str) -> Any:
    """A button of the dialog that a waiting turn opens by itself, and that its review button opens again."""
    if not any(one.key and one.key.startswith(begin) for one in app.button):
        button(app, "review-").click().run()
    return button(app, begin)


def test_a_question_is_answered_with_its_tier_as_text(open_app: Open, pair: Any) -> None:
    app = send(open_app(copilot=pair(["It is Paris."], ["never"])), "What is the capital of France?")
    assert not app.exception
    assert "It is Paris." in texts(app)
    assert "quick" in texts(app)
    assert app.query_params["thread"]
    assert "The capital of France" in texts(app) or "capital of France" in texts(app)


def test_a_reload_finds_the_thread_again(open_app: Open, pair: Any) -> None:
    copilot = pair(["It is Paris."], ["never"])
    thread = send(open_app(copilot=copilot), "What is the capital of France?").query_params["thread"]
    again = open_app(copilot=copilot, thread=thread[0] if isinstance(thread, list) else thread)
    assert "It is Paris." in texts(again)


def test_an_answer_is_escalated_after_its_price_and_what_leaves_were_seen(open_app: Open, pair: Any) -> None:
    copilot = pair(["Lyon."], ["Paris."])
    app = send(open_app(copilot=copilot), "What is the capital of France?")
    escalate = button(app, "escalate-")
    assert "$" in escalate.label or "≈" in escalate.label
    escalate.click().run()
    assert "would leave this device" in texts(app)
    assert not copilot.model("deep").requests, "nothing has left yet"
    app = settle(button(app, "confirm-other").click().run())
    assert "What would leave" in texts(app) or "would be asked at" in texts(app)
    assert not copilot.model("deep").requests
    app = settle(deciding(app, "send-out").click().run())
    assert len(copilot.model("deep").requests) == 1
    assert "Paris." in texts(app)
    old, new = copilot.record.turns(app_thread(app))
    assert (old.overruled, new.final) == ("escalate", "deep")


def app_thread(app: AppTest) -> str:
    thread = app.query_params["thread"]
    return thread[0] if isinstance(thread, list) else thread


def test_keeping_it_here_sends_nothing(open_app: Open, pair: Any) -> None:
    copilot = pair(["Lyon."], ["Paris."])
    app = open_app(copilot=copilot)
    app.segmented_control(key="ask-tier").set_value("deep").run()
    app = send(app, "What is the capital of France?")
    app = settle(deciding(app, "keep-here").click().run())
    assert not copilot.model("deep").requests
    assert copilot.record.turns(app_thread(app))[-1].status == "blocked"
    assert any("device" in one.value for one in app.warning)


def test_a_locked_message_is_refused_by_a_tier_elsewhere(open_app: Open, pair: Any) -> None:
    copilot = pair(["Lyon."], ["Paris."])
    app = open_app(copilot=copilot)
    app.segmented_control(key="ask-tier").set_value("deep")
    app.toggle(key="ask-lock").set_value(True).run()
    app = send(app, "My diagnosis: is it bad?")
    assert not copilot.model("deep").requests
    assert any("locked" in one.value for one in app.warning)
    assert app.toggle(key="ask-lock").value is False, "the lock of a message holds for one message"


def test_asking_again_and_editing_replace_the_answer(open_app: Open, pair: Any) -> None:
    copilot = pair(["One.", "Two.", "Three."], ["never"])
    app = send(open_app(copilot=copilot), "hello")
    app = settle(button(app, "again-").click().run())
    assert "Two." in texts(app)
    app = button(app, "edit-").click().run()
    app.text_area[0].set_value("hello there")
    app = settle(button(app, "confirm-edit").click().run())
    turns = copilot.record.turns(app_thread(app))
    assert [t.overruled for t in turns] == ["again", "edit", None]
    assert turns[-1].asked == "hello there"
    assert "Three." in texts(app)


def test_a_tool_waits_for_a_yes_and_runs_with_what_was_changed(open_app: Open, pair: Any, tmp_path: Path) -> None:
    notes: list[str] = []

    @tool(effects=["write"])
    def note(text: str) -> str:
        """Keep a note.

        Args:
            text: what to keep.
        """
        notes.append(text)
        return "kept"

    call = Step(calls=(ToolCall("1", "note", {"text": "milk"}),))
    copilot = pair([call, "Done.", call, "Then not."], ["never"], tools=[note])
    app = send(open_app(copilot=copilot), "Note milk")
    assert notes == []
    assert "note" in texts(app)
    deciding(app, "once-")
    next(t for t in app.text_input if t.label == "text").set_value("milk and bread")
    app = settle(deciding(app, "once-").click().run())
    assert notes == ["milk and bread"]
    assert "Done." in texts(app)
    app = send(app, "Note it again")
    deciding(app, "no-")
    next(t for t in app.text_input if (t.key or "").startswith("deny-")).set_value("I have enough")
    app = settle(deciding(app, "no-").click().run())
    assert notes == ["milk and bread"]
    assert "Then not." in texts(app)


def test_stopping_keeps_the_text_and_says_so(open_app: Open, pair: Any) -> None:
    copilot = pair([Step(text="word " * 2000, delay=0.2)], ["never"])
    app = open_app(copilot=copilot)
    app.chat_input[0].set_value("a long one").run()
    until(app, lambda: "word" in texts(app))
    app = button(app, "stop").click().run()
    until(app, lambda: "Stopped" in texts(app))  # a click waits for a few seconds only
    assert copilot.record.turns(app_thread(app))[-1].status == "stopped"


def until(app: AppTest, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120  # each look draws the whole page
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)
        app.run()


def test_thumbs_and_words_of_search(open_app: Open, pair: Any) -> None:
    copilot = pair(["It is Paris."], ["never"])
    app = send(open_app(copilot=copilot), "What is the capital of France?")
    app.feedback[0].set_value(0).run()
    assert copilot.record.turns(app_thread(app))[-1].feedback == "down"
    app.text_input(key="history-search").set_value("capital").run()
    assert any(one.key and one.key.startswith("found-") for one in app.button)


def test_the_developer_card_is_turned_on_by_a_word(open_app: Open, pair: Any, the_desk: Callable[[], Desk]) -> None:
    app = send(open_app(copilot=pair(["It is Paris."], ["never"])), "hello")
    app.chat_input[0].set_value("-developer on").run()
    assert the_desk().preferences.developer
    assert any("Developer card" in one.label for one in app.expander)
    assert len(the_desk().copilot.record.turns(app_thread(app))) == 1, "it is no question"


def test_files_are_read_before_the_question_is_asked(open_app: Open, pair: Any, the_desk: Callable[[], Desk]) -> None:
    copilot = pair(["The warranty lasts 18 months."], ["never"])
    app = open_app(copilot=copilot)
    text = b"# Kettle\n\nThe warranty of the kettle lasts 18 months from the day of purchase."
    app.chat_input[0].upload("kettle.md", text).set_value("How long is the warranty of the kettle?").run()
    for pending in the_desk().pending.values():
        assert pending.job.ended.wait(60)
        until(app, lambda pending=pending: pending.over)
    app = settle(app)
    turn = copilot.record.turns(app_thread(app))[-1]
    assert [Path(p.source).name for p in turn.passages] == ["kettle.md"]
    assert turn.collection == "uploads"
    assert "1 added" in "".join(one.label for one in app.expander)
    assert [c.name for c in copilot.knowledge.collections() if not c.locked] == ["uploads"]


def test_what_cannot_be_begun_with_is_said_with_its_words(
    open_app: Open, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(copilot=pair(["Yes."], ["never"]))
    # Removed by another program between the drawing of the list and the click.
    monkeypatch.setattr("tierwise_app.web.chat.visit.options", lambda _: {"collection": "gone", "lock": False})
    app = send(app, "Where does it stand?")
    assert any("gone" in one.value for one in app.error)
    assert "Where does it stand?" in [one.value for one in app.code]


def test_files_may_come_without_a_question(open_app: Open, pair: Any, the_desk: Callable[[], Desk]) -> None:
    copilot = pair(["The warranty lasts 18 months."], ["never"])
    app = open_app(copilot=copilot)
    app.chat_input[0].upload("kettle.md", b"The warranty of the kettle lasts 18 months.").run()
    for pending in the_desk().pending.values():
        until(app, lambda pending=pending: pending.over)
    app.run()
    assert "1 added" in "".join(one.label for one in app.expander)
    assert not app.info
    app = send(app, "How long is the warranty of the kettle?")
    assert [Path(p.source).name for p in copilot.record.turns(app_thread(app))[-1].passages] == ["kettle.md"]


def test_files_of_a_locked_message_go_to_a_locked_collection(
    open_app: Open, pair: Any, the_desk: Callable[[], Desk]
) -> None:
    copilot = pair(["It says nothing."], ["never"])
    app = open_app(copilot=copilot)
    app.toggle(key="ask-lock").set_value(True).run()
    app.chat_input[0].upload("letter.txt", b"The result of the test is negative.").set_value("Is it bad?").run()
    for pending in the_desk().pending.values():
        until(app, lambda pending=pending: pending.over)
    settle(app)
    assert {c.name: c.locked for c in copilot.knowledge.collections()} == {"uploads-locked": True}
    assert copilot.record.turns(app_thread(app))[-1].locked


def test_what_cannot_be_asked_is_said_and_the_words_stay(open_app: Open, pair: Any) -> None:
    app = open_app(copilot=pair(["never"], ["never"]))
    app.chat_input[0].set_value("   ").run()
    assert not app.exception
    assert app.error


def test_a_long_thread_draws_its_newest_turns(open_app: Open, pair: Any) -> None:
    copilot = pair(["Yes."], ["never"])
    for n in range(25):
        copilot.ask(f"question number {n}", thread="long")
    app = open_app(copilot=copilot, thread="long")
    assert "question number 24" in texts(app)
    assert "question number 2\n" not in texts(app)
    app = button(app, "show-earlier").click().run()
    assert "question number 0" in texts(app)


def test_what_ends_while_the_page_is_drawn_leaves_the_input_open(
    open_app: Open, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    copilot = pair(["Yes."], ["never"])
    copilot.ask("hello", thread="t")
    busy = iter([True])
    monkeypatch.setattr("tierwise_app.web.chat.composer.is_live", lambda _: next(busy, False))
    app = open_app(copilot=copilot, thread="t")
    assert next(busy, None) is None, "it was drawn as busy once"
    assert not app.chat_input[0].proto.disabled
    assert "Yes." in texts(app)


def test_a_thread_that_is_not_there_is_said(open_app: Open, pair: Any) -> None:
    app = open_app(copilot=pair(["Yes."], ["never"]), thread="t-gone")
    assert "no such thread" in texts(app)
