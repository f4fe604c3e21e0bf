"""What leaves the device, on the terminal: shown whole, decided on there or later, and kept here."""

from __future__ import annotations

import json

import pytest
from person import Person


@pytest.fixture
def deep(cli):
    """A hosted tier that answers "Yes.", and knowledge with one document."""
    _, server = cli.serve(["No."], ["Yes."])
    page = cli.home.parent / "pool.md"
    page.write_text("# Pool\n\nThe fee of the pool is seven euros.\n", encoding="utf-8")
    assert cli("ingest", page).code == 0
    return server


def test_what_would_leave_is_shown_whole_and_waits(cli, deep):
    asked = cli("ask", "What is the fee of the pool?", "-t", "deep", "--thread", "t", "--show-before-sending")
    assert asked.code == 3
    assert deep.requests == []
    assert "Nothing has left this device yet." in asked.out
    assert f"to deep (openai:scripted-deep) at {deep.url.split('/')[2]}:" in asked.out
    assert "     | The fee of the pool is seven euros." in asked.out
    assert "     | What is the fee of the pool?" in asked.out
    assert "question: Your question  (needed)" in asked.out

    (waiting,) = cli("threads", "waiting", "--json").json
    assert waiting["waiting"] == []
    (item,) = [item for item in waiting["outgoing"]["items"] if item["kind"] == "passage"]
    assert "seven euros" in item["text"]
    assert "tierwise threads approve" in cli("threads", "waiting").out
    assert "to be seen before it leaves to deep" in cli("why").out
    assert "Nothing has left" in cli("threads", "show", "t").out

    approved = cli("threads", "approve", "t")
    assert (approved.code, approved.out.splitlines()[0]) == (0, "Yes.")
    assert "seven euros" in json.dumps(deep.requests)
    assert cli("threads", "waiting").out.strip() == "nothing waits"


def test_items_are_taken_out_by_their_number_or_id(cli, deep):
    words = ["ask", "What is the fee of the pool?", "-t", "deep", "--show-before-sending", "--json"]
    asked = cli(*words)
    assert asked.code == 3
    turn, items = asked.json["turn_id"], asked.json["outgoing"]["items"]
    number = next(n for n, item in enumerate(items, 1) if item["kind"] == "passage")
    needed = cli("threads", "approve", turn, "--without", "1")
    assert (needed.code, deep.requests) == (2, [])
    assert "cannot be taken out" in needed.err
    assert cli("threads", "approve", turn, "--without", "99").code == 2
    done = cli("threads", "approve", turn, "--without", number, "--json")
    assert (done.code, done.json["status"], done.json["sent_out"]["passages"]) == (0, "done", 0)
    assert "seven euros" not in json.dumps(deep.requests)

    other = cli(*words).json
    passage = next(item["id"] for item in other["outgoing"]["items"] if item["kind"] == "passage")
    assert cli("threads", "approve", other["turn_id"], "--without", passage).code == 0
    assert "seven euros" not in json.dumps(deep.requests)


def test_no_keeps_it_here(cli, deep):
    cli("ask", "What is the fee of the pool?", "-t", "deep", "--thread", "t", "--show-before-sending")
    denied = cli("threads", "deny", "t")
    assert denied.code == 4
    assert "You kept this turn on the device" in denied.err
    assert deep.requests == []


def test_without_is_refused_where_no_request_waits(cli, deep):
    turn = cli("ask", "Hello?", "-t", "quick", "--json").json["turn_id"]
    refused = cli("threads", "approve", turn, "--without", "1")
    assert refused.code == 2
    assert "--without is for what would leave" in refused.err


def test_at_a_terminal_it_is_asked_at_once(cli, deep):
    words = ("-t", "deep", "--show-before-sending")
    with Person(cli, "ask", "What is the fee of the pool?", *words) as person:
        person.types("what\r", after="take out > ")
        person.sees("There is no item 'what'")
        person.types("1\r", after="take out > ")
        person.sees("cannot be taken out")
        person.types("2\r", after="take out > ")
        person.sees("taken out: 2")
        person.types("y\r", after="take out > ")
        person.sees("Yes.")
    (request,) = deep.requests
    assert "seven euros" not in json.dumps(request)


def test_the_chat_asks_too_and_ctrl_c_leaves_it_waiting(cli, deep):
    with Person(cli, "chat", "--show-before-sending", "-t", "deep") as person:
        person.types("What is the fee of the pool?\r", after="\n> ")
        person.types("n\r", after="take out > ")
        person.sees("You kept this turn on the device")
        person.types("And now?\r", after="\n> ")
        person.types("\x03", after="take out > ")
        person.sees("tierwise threads approve")
        person.types("/quit\r", after="\n> ")
    assert deep.requests == []
    assert len(cli("threads", "waiting", "--json").json) == 1


def test_the_configuration_may_ask_for_it(cli, deep):
    path = cli.home / "tierwise.toml"
    path.write_text('show_before_sending = "first"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert cli("ask", "Hello?", "-t", "deep").code == 3
    path.write_text(path.read_text(encoding="utf-8").replace('"first"', '"maybe"'), encoding="utf-8")
    wrong = cli("ask", "Hello?")
    assert wrong.code == 2
    assert "show_before_sending" in wrong.err
