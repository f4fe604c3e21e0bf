"""The developer card, and the report of a turn: figures and settings, never a secret, texts only on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import MarkerVerifier, Shelf, TinyEmbedder, passage
from streamlit.testing.v1 import AppTest
from tool_steps import calling
from web_text import words_of

from tierwise import Copilot, DecisionRecord, Reason, Settings, Tier
from tierwise.errors import ServerError
from tierwise.redact import redact
from tierwise.testing import ScriptedModel, Step, make_copilot
from tierwise.turns import Attempt, FoundPassage, Notice, Retrieval, ToolStep
from tierwise.types import Passage
from tierwise_app.web.answer.report import bug_report
from tierwise_tools import calculator, clock

Make = Callable[..., Copilot]
KEY = "sk-abcdefghijklmnopqrstuvwx"


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


def card(record: DecisionRecord, settings: Settings) -> AppTest:
    def script(record, settings):  # type: ignore[no-untyped-def]
        from tierwise_app.web.answer.developer import draw_card

        draw_card(record, settings)

    app = AppTest.from_function(script, args=(record, settings), default_timeout=60).run()
    assert not app.exception, app.exception
    return app


def test_the_card_tells_all_that_is_known_of_an_escalated_turn_with_tools(copilots: Make) -> None:
    quick = ScriptedModel([calling(("calculator", {"expression": "6*7"})), "UNSURE"], context_window=4000)
    copilot = copilots(quick, ["It is 42."], tools=[calculator, clock], retriever=Shelf(passage("Forty-two.")))
    copilot.ask("What is 6*7?")
    record = copilot.record.get("last")
    said = words_of(card(record, copilot.settings))
    assert record.turn_id in said
    assert "quick: the draft says so (marker),1,0.5" in said
    assert "Searched for “What is 6*7?”. At most 4 passages, relevance line none" in said
    assert "a.txt · p1,0.800,kept" in said
    assert "Instructions," in said
    assert "Tool calls and results," in said
    assert 'Window,"4,000","8,192"' in said
    assert re.search(r'calculator,.,"quick, deep"', said)
    assert "not run" in said  # the clock
    assert re.search(r"calculator.*done \d", said)
    assert "Draft of a smaller tier" in said
    assert "search," in said  # the phase


@pytest.mark.parametrize("how", ["blocked", "failed", "locked", "empty"])
def test_the_card_stands_for_turns_that_did_not_come_far(copilots: Make, how: str) -> None:
    down = Step(error=ServerError("Down."))
    copilot = copilots([down] * 3 if how == "failed" else ["UNSURE"], ["y"] if how in ("blocked", "locked") else None)
    copilot.ask("Hello there?", tier="deep" if how == "blocked" else "auto", lock=how in ("blocked", "locked"))
    record = copilot.record.get("last")
    if how == "empty":
        record = DecisionRecord("a", "t", "q", "running", 1.0)
    app = card(record, copilot.settings)
    labels = [button.label for button in app.button]
    assert ("Report with texts" in labels) is not record.locked
    app.button(key=f"report-{record.turn_id}").click().run()
    assert not app.exception
    assert app.code[0].value.startswith("# tierwise: a turn")
    assert "Hello there" not in app.code[0].value


def test_texts_are_in_the_report_only_when_they_are_asked_for(copilots: Make) -> None:
    copilot = copilots(["The code is 4411."])
    copilot.ask("What is the code?")
    record = copilot.record.get("last")
    app = card(record, copilot.settings)
    assert not app.code
    app.button(key=f"report-{record.turn_id}-texts").click().run()
    assert "4411" in app.code[0].value
    app.button(key=f"report-{record.turn_id}").click().run()
    assert "4411" not in app.code[0].value
    # a button that is not there cannot be asked for either
    assert "4411" not in bug_report(replace(record, locked=True), copilot.settings, texts=True)


WORDS = "Zebra quartz 7741"


def full(word: str = WORDS) -> DecisionRecord:
    """A record that has its texts wherever a record can have any."""
    found = Passage("p1", f"/home/ana/{word}.pdf", word, 3, 0, len(word), word, 0.5, word, head=word)
    step = ToolStep(1, 0, "send", {"to": word}, True, word, 3.0, files=(f"/home/ana/{word}",), mended=word)
    reason = Reason("invented", f'No passage has "{word}".', 0.1, 0.2)
    attempt = Attempt(
        1, "quick", f"llama:/home/ana/{word}/m.gguf", "m", "discarded", word, reasons=(reason,),
        error=f"It said: {word}.",
    )  # fmt: skip
    return DecisionRecord(
        "a1", "t", word, "failed", 1.0, text=word, reasons=(reason,), attempts=(attempt,), passages=(found,),
        tools=(step,), notices=(Notice("unsure", word),), error=f"Broken at {word}", collection=word, searched=word,
        document=word, only={"x": word}, feedback=f"down: {word}",
        retrieval=Retrieval(word, 4, 1.0, 0.2, (FoundPassage("p1", found.source, 3, 0.5, True),)),
    )  # fmt: skip


def test_without_texts_no_word_of_a_turn_is_in_its_report() -> None:
    report = bug_report(full(), Settings())
    assert "Zebra" not in report
    assert "7741" not in report
    assert "/home/" not in report
    assert '"characters": 17' in report
    assert '"code": "invented"' in report
    assert "Zebra" in bug_report(full(), Settings(), texts=True)


@pytest.mark.parametrize("texts", [True, False])
def test_secrets_are_in_no_report(monkeypatch: pytest.MonkeyPatch, texts: bool) -> None:
    monkeypatch.setenv("OWN_KEY", "correct-horse-battery")
    tier = Tier("deep", "openai:m", base_url="https://ana:hunter2hunter2@h.invalid/v1", api_key_env="OWN_KEY")
    told = f'{{"api_key": "abcdefgh12345678", "password": "hunter2hunter2"}} {KEY} correct-horse-battery'
    record = replace(full(told), error=f"Authorization: Bearer {KEY} was refused")
    nested = json.dumps({"body": json.dumps({"client_secret": "s3cr3t-s3cr3t"})})
    step = replace(record.tools[0], result=nested, arguments={"token": "tok-abcdefgh", "to": KEY})
    report = bug_report(replace(record, tools=(step,)), Settings(tiers=(tier,)), texts=texts)
    secrets = (KEY, "correct-horse-battery", "hunter2hunter2", "abcdefgh12345678", "s3cr3t-s3cr3t", "tok-abcdefgh")
    for secret in secrets:
        assert secret not in report
    assert "h.invalid" in report
    assert '"key": "set"' in report


@given(st.text(alphabet="`ab\n ", max_size=40))
def test_no_text_ends_its_fence(text: str) -> None:
    report = bug_report(full(text), Settings(), texts=True)
    fence = ""
    for line in report.splitlines():
        ticks = re.match("`{3,}", line)
        if not fence and ticks:
            fence = ticks[0]
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            assert line == "" or line.startswith("#")
    assert not fence


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"first_token": 60.0000000, "prompt_tokens": 123456789}', True),
        ('api_key_env = "OPENAI_API_KEY"', True),
        ("the password: short", True),
        ('{"password": "1234567890"}', False),
        (r"{\"refresh_token\": \"abcdefghij\"}", False),
        ("HF_TOKEN=hf_abcdefghij", False),
    ],
)
def test_what_is_named_as_a_secret_is_taken_out(text: str, kept: bool) -> None:
    assert (redact(text) == text) is kept
