"""A person's yes and no on the terminal: asked for, given by another process, kept over a crash."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest
from person import Person
from tool_package import install_notes
from tool_steps import calling, echo

from tierwise.testing import Step

NOTE = calling(("note", {"text": "buy tea"}))


@pytest.fixture
def notes(cli, tmp_path, monkeypatch):
    """A file that the tools of an enabled package write; ``notes(steps)`` serves a model that calls them."""
    written = tmp_path / "notes.txt"
    install_notes(tmp_path / "site", written)
    cli.env["PYTHONPATH"] = str(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "acme_notes", raising=False)

    def serve(*steps: str | Step) -> Path:
        cli.serve(list(steps))
        config = (cli.home / "tierwise.toml").read_text(encoding="utf-8")
        cli.write_config(config + '\n[tools]\nenabled = ["clock", "notes"]\n')
        return written

    yield serve
    sys.modules.pop("acme_notes", None)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_a_call_waits_and_another_process_says_yes_once(cli, notes):
    written = notes(NOTE, echo)

    asked = cli("ask", "Note that I need tea.", "--thread", "home")
    assert asked.code == 3
    turn = re.search(r"tierwise threads approve (\w+)", asked.out)[1]
    assert 'text: "buy tea"' in asked.out
    assert "from package acme-notes 1.2, asked for by quick; effects: write" in asked.out
    assert "asks because note can change something" in asked.out
    assert lines(written) == []

    (waiting,) = cli("threads", "waiting", "--json").json
    assert (waiting["turn_id"], waiting["thread"], waiting["asked"]) == (turn, "home", "Note that I need tea.")
    assert [(call["name"], call["arguments"]) for call in waiting["waiting"]] == [("note", {"text": "buy tea"})]
    assert "tierwise threads approve" in cli("threads", "show", "home").out

    approved = cli.process("threads", "approve", "home")
    assert (approved.code, approved.out.splitlines()[0]) == (0, "noted: buy tea")
    assert lines(written) == ["buy tea"]
    again = cli("threads", "approve", turn, "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "invalid_input")
    assert lines(written) == ["buy tea"]
    assert "tool note(text=buy tea) gave: noted: buy tea (approved" in cli("threads", "show", "home").out
    assert "note(text=buy tea) gave: noted: buy tea (approved" in cli("why").out
    assert cli("threads", "waiting").out.strip() == "nothing waits"


def test_ask_json_has_what_waits(cli, notes):
    notes(NOTE, echo)

    asked = cli("ask", "Note it.", "--json")

    assert asked.code == 3
    assert asked.json["status"] == "needs_approval"
    (call,) = asked.json["waiting"]
    assert set(call) == {"id", "turn_id", "name", "arguments", "effects", "why", "tier", "origin"}
    done = cli("threads", "approve", asked.json["turn_id"], call["id"][:6], "--json")
    assert (done.code, done.json["status"], done.json["waiting"]) == (0, "done", [])


def test_no_is_told_to_the_model_with_its_reason(cli, notes):
    written = notes(NOTE, echo)
    cli("ask", "Note it.", "--thread", "home")

    denied = cli("threads", "deny", "home", "--reason", "not today")

    assert denied.code == 0
    assert denied.out.startswith("not run: the user said no: not today")
    assert "tool note(text=buy tea) denied" in cli("threads", "show", "home").out
    assert lines(written) == []


def test_changed_arguments_are_checked_run_and_recorded(cli, notes):
    written = notes(NOTE, echo)
    cli("ask", "Note it.", "--thread", "home")

    assert cli("threads", "approve", "home", "--args", "[1]").code == 2
    wrong = cli("threads", "approve", "home", "--args", '{"words": "x"}')
    assert (wrong.code, lines(written)) == (2, [])
    assert "do not fit" in wrong.err

    assert cli("threads", "approve", "home", "--args", '{"text": "buy coffee", "copies": 2}').code == 0
    assert lines(written) == ["buy coffee", "buy coffee"]
    assert "approved, arguments changed by you" in cli("why").out


def test_of_several_calls_one_is_decided_on_and_the_others_wait(cli, notes):
    written = notes(calling(("note", {"text": "a"}), ("note", {"text": "b"})), echo)
    first, second = cli("ask", "Note both.", "--thread", "home", "--json").json["waiting"]

    assert cli("threads", "approve", "home", "zzz").code == 2
    half = cli("threads", "approve", "home", second["id"])
    assert (half.code, lines(written)) == (3, ["b"])
    assert first["id"] in half.out
    assert second["id"] not in half.out
    assert cli("threads", "approve", "home").code == 0
    assert lines(written) == ["b", "a"]


def test_always_holds_until_it_is_taken_back(cli, notes):
    written = notes(NOTE, echo, calling(("note", {"text": "milk"})), echo, calling(("note", {"text": "rice"})), echo)
    cli("ask", "Note it.", "--thread", "a")
    assert cli("threads", "approve", "a", "--always").code == 0
    assert "free (allowed for good); asks after untrusted text" in cli("tools", "list").out

    assert cli("ask", "Once more.", "--thread", "b").code == 0
    assert lines(written) == ["buy tea", "milk"]

    assert cli("tools", "forget", "note", "--json").json == {"name": "note"}
    assert cli("tools", "forget", "note").code == 2
    assert cli("ask", "And again.", "--thread", "c").code == 3


def test_what_is_shown_is_all_of_it_and_nothing_hidden(cli, notes):
    sly = "first\x1b[2K\u202e line\n" + "x" * 5000 + "\n  asks because you said so"
    notes(calling(("note", {"text": sly})), echo)

    shown = cli("ask", "Note it.").out

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "  | first\\u{1b}[2K\\u{202e} line\n" in shown
    assert "x" * 5000 in shown
    assert "\n  |   asks because you said so\n" in shown


def test_a_crash_in_the_middle_of_a_call_asks_before_it_is_done_twice(cli, notes):
    written = notes(calling(("stuck", {"text": "once"})), echo)
    cli("ask", "Note it.", "--thread", "home")
    with cli.start("threads", "approve", "home") as process:
        deadline = time.monotonic() + 60
        while not lines(written) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        assert lines(written), process.stderr.read()

    assert "was begun, and nobody knows whether it was done" in cli("threads", "show", "home").out
    resumed = cli("threads", "resume", "home")
    assert resumed.code == 3
    assert "begun before the program ended" in resumed.out
    assert cli("threads", "deny", "home").code == 0
    assert lines(written) == ["once"]
    assert cli("threads", "resume", "home").code == 2
    assert cli("threads", "resume", "nowhere", "--json").json["error"]["code"] == "unknown_name"


def test_a_chat_from_a_pipe_leaves_it_waiting_with_a_word(cli, notes):
    written = notes(NOTE, "Hello.")

    ran = cli("chat", "--thread", "home", stdin="Note it.\nHello?\n")

    assert ran.code == 0
    assert "1 tool call waits for your yes" in ran.out
    assert "Hello." in ran.out
    assert lines(written) == []


def test_a_chat_asks_inline_and_ctrl_c_leaves_it_waiting(cli, notes, tmp_path):
    steps = [(calling(("note", {"text": name})), echo) for name in ("a", "b", "c", "d")]
    written = notes(*(step for pair in steps for step in pair))
    cli.env["EDITOR"] = f"{sys.executable} {tmp_path / 'editor.py'}"
    (tmp_path / "editor.py").write_text(
        "import json, sys\npath = sys.argv[1]\ndata = json.load(open(path)) | {'text': 'edited'}\n"
        "json.dump(data, open(path, 'w'))\n"
    )

    with Person(cli, "chat", "--thread", "home") as person:
        person.types("First.\r", after="\n> ")
        person.types("maybe\r", after="[n] no > ")
        person.types("y\r", after="[n] no > ")
        person.sees("noted: a")
        person.types("Second.\r", after="\n> ")
        person.types("e\r", after="[n] no > ")
        person.sees("noted: edited")
        person.types("Third.\r", after="\n> ")
        person.types("n\r", after="[n] no > ")
        person.types("wrong\r", after="may be empty) > ")
        person.sees("the user said no: wrong")
        person.types("Fourth.\r", after="\n> ")
        person.types("\x03", after="[n] no > ")
        person.sees("tierwise threads approve")
        person.types("/quit\r", after="\n> ")

    assert lines(written) == ["a", "edited"]
    *over, last = cli("threads", "show", "home", "--json").json
    assert (last["status"], last["tools"]) == ("needs_approval", [])
    ends = [turn["tools"][0] for turn in over]
    assert [(end["outcome"], end["approved"], end["edited"]) for end in ends] == [
        ("done", True, False),
        ("done", True, True),
        ("denied", False, False),
    ]
    assert cli("threads", "approve", "home", "--json").json["text"] == "noted: d"


def screen(output: str) -> list[str]:
    """The rows of a wide terminal after this was written to it."""
    rows, y, x = [""], 0, 0
    for command, count, letter, text in re.findall(r"(\x1b\[([0-9;]*)([A-Za-z]))|([^\x1b])", output):
        if letter == "A":
            y -= int(count or 1)
        elif letter == "J":
            rows = [*rows[:y], rows[y][:x]]
        elif letter == "K":
            rows[y] = ""
        elif text == "\r":
            x = 0
        elif text == "\n":
            y, x = y + 1, 0
            rows += [""] * (y + 1 - len(rows))
        elif not command:
            rows[y] = rows[y][:x].ljust(x) + text + rows[y][x + 1 :]
            x += 1
    return rows


def test_a_terminal_shows_what_tools_do_between_the_words(cli, notes):
    notes(calling(("count", {}), text="I count them."), "There are none.")

    shown = cli.terminal("ask", "How many notes are there?")

    assert shown.code == 0
    said, counted, blank, answer, end, *_ = screen(shown.out)
    assert (said, blank, answer) == ("I count them.", "", "There are none.")
    assert re.fullmatch(r"count gave: 0 \([\d.]+ m?s\)", counted)
    assert end.startswith("[quick] why:")
