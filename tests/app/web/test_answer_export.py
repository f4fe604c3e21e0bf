"""A thread to take along."""

from __future__ import annotations

import json

from tierwise import Citation, DecisionRecord
from tierwise_app.web.answer.export import file_name, thread_json, thread_markdown

KEY = "sk-" + "a1B2" * 6


def turn(**more: object) -> DecisionRecord:
    given = {
        "turn_id": "t1",
        "thread": "kitchen",
        "asked": "How long is the warranty?",
        "status": "done",
        "created": 0.0,
    }
    return DecisionRecord(**(given | {"final": "quick", "text": "30 months."} | more))  # type: ignore[arg-type]


def test_markdown_has_questions_answers_and_sources():
    citation = Citation(1, "/documents/kettle.pdf", 3, 0, 9, "30 months", 0.9, sentence_end=10)
    text = thread_markdown([turn(citations=(citation, citation))], "The red kettle")
    assert text.startswith("# The red kettle\n")
    assert "## How long is the warranty?\n\n30 months.\n\n- [1] kettle.pdf, page 3: “30 months”\n" in text
    assert text.count("kettle.pdf") == 1
    assert thread_markdown([turn()]).startswith("# How long is the warranty?\n")
    assert thread_markdown([]).startswith("# Conversation")


def test_an_export_says_what_is_locked_to_the_device():
    text = thread_markdown([turn(), turn(turn_id="t2", locked=True)])
    assert "*1 turn locked to this device: keep this file here.*" in text
    assert text.count("· locked to this device") == 1
    assert [one["locked"] for one in json.loads(thread_json([turn(), turn(locked=True)]))] == [False, True]


def test_secrets_are_taken_out_of_both():
    turns = [turn(asked=f"Is {KEY} a key?", text=f"{KEY} is.", features={"words": 4.0})]
    for text in (thread_markdown(turns), thread_json(turns)):
        assert KEY not in text
        assert "[redacted]" in text
    (record,) = json.loads(thread_json(turns))
    assert record["features"] == {"words": 4.0}
    assert record["turn_id"] == "t1"


def test_a_file_is_named_after_the_thread():
    assert file_name("The red kettle: 30 months?", "md") == "the-red-kettle-30-months.md"
    assert file_name("../../etc/passwd", "md") == "etc-passwd.md"
    assert file_name("Über Ærø", "json") == "über-ærø.json"
    assert file_name("???", "md") == "conversation.md"
    assert len(file_name("x" * 500, "md")) == 63
