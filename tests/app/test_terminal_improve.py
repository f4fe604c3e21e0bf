"""``tierwise improve``: what is shown before anything leaves, who is asked, and what is kept."""

from __future__ import annotations

import signal

import pytest
from waiting import until

from tierwise.testing import Step

REFUSAL = "I'm sorry, but I cannot answer that question."


@pytest.fixture
def missed(cli):
    """Two servers, and two questions that were asked offline and should have gone up."""
    servers = cli.serve([REFUSAL], ["Paris."])
    for n in (1, 2):
        ran = cli("ask", f"Which city is capital number {n}?", "--thread", f"t{n}", "--offline")
        assert "would_escalate: A larger model should have been asked" in ran.out
        assert "tierwise is offline" in ran.out
    return servers


def test_it_is_asked_what_was_missed_and_the_better_answer_stands(cli, missed):
    _, deep = missed
    ran = cli("improve", "--yes")

    assert ran.code == 0
    assert "in t1: Which city is capital number 1?" in ran.out
    assert "would go to deep: about $" in ran.out
    assert "2 questions, about $" in ran.out
    assert "leave this device for 127.0.0.1" in ran.out
    assert ran.out.count("Paris.") == 2
    assert "2 answers improved, 0 left" in ran.err
    assert len(deep.requests) == 2
    assert "overruled (escalate)" in cli("threads", "show", "t1").out
    again = cli("improve", "--yes")
    assert (again.code, again.out) == (0, "There is nothing to improve.\n")


def test_programs_get_one_value(cli, missed):
    ran = cli("improve", "--last", 1, "--yes", "--json")

    assert ran.code == 0
    assert list(ran.json) == ["answers", "left", "left_out"]
    assert [(a["tier"], a["text"], a["thread"]) for a in ran.json["answers"]] == [("deep", "Paris.", "t2")]
    assert (ran.json["left"], ran.json["left_out"]) == (0, [])
    assert len(cli("improve", "--yes", "--json").json["answers"]) == 1


def test_without_a_terminal_it_needs_a_yes(cli, missed):
    _, deep = missed
    ran = cli("improve")

    assert ran.code == 2
    assert "There is no terminal to ask on. Add --yes if you are sure." in ran.err
    assert deep.connections == 0


def test_on_a_terminal_a_person_says_yes_or_no(cli, missed):
    _, deep = missed
    assert cli.terminal("improve", typed="n\n").code == 130
    assert deep.connections == 0

    ran = cli.terminal("improve", typed="y\n")

    assert ran.code == 0
    assert "Ask these 2?" in ran.out
    assert "2 answers improved" in ran.out


def test_offline_nothing_is_asked(cli, missed):
    _, deep = missed
    cli.env["TIERWISE_OFFLINE"] = "1"
    ran = cli("improve", "--yes")

    assert ran.code == 4
    assert "tierwise is offline: no larger tier can be asked now." in ran.err
    assert deep.connections == 0


def test_it_stops_at_the_budget(cli, missed):
    cli.env["TIERWISE_BUDGET_DAY"] = "0.0000001"
    ran = cli("improve", "--yes", "--json")

    assert ran.code == 4
    assert (ran.json["answers"], ran.json["left"]) == ([], 2)
    assert "2 answers left to improve. deep costs money" in ran.json["error"]["message"]


def test_a_tier_that_is_gone_is_said(cli, missed):
    _, deep = missed
    deep.close()
    ran = cli("improve", "--yes")

    assert ran.code == 1
    assert "0 answers improved, 2 left" in ran.err


def test_what_has_to_be_seen_first_waits(cli, missed):
    _, deep = missed
    path = cli.home / "tierwise.toml"
    path.write_text('show_before_sending = "always"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    ran = cli("improve", "--last", 1, "--yes")

    assert ran.code == 3
    assert "tierwise threads approve" in ran.out
    assert deep.connections == 0
    assert cli("threads", "approve", "t2").code == 0
    assert "Paris." in cli("threads", "show", "t2").out


def test_wrong_words_are_one_sentence(cli, missed):
    turn = cli("ask", "Hello?", "--tier", "deep", "--json").json["turn_id"]

    assert cli("improve", "nobody", "--yes").code == 2
    ran = cli("improve", turn, "--yes")
    assert ran.code == 2
    assert f"ask --again {turn}" in ran.err


def test_ctrl_c_keeps_what_is_done(cli):
    slow = Step("Paris, and so on. " * 500, delay=0.2)
    _, deep = cli.serve([REFUSAL], ["Rome.", slow])
    for n in (1, 2):
        cli("ask", f"Which city is capital number {n}?", "--thread", f"t{n}", "--offline")
    with cli.start("improve", "--yes") as process:
        until(lambda: len(deep.requests) == 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Rome." in out
    assert "1 answer improved, 1 left" in err
    assert [t["text"] for t in cli("threads", "show", "t1", "--json").json][-1] == "Rome."


def test_stats_tell_how_many_there_are(cli, missed):
    assert "improvable     2 answers: tierwise improve" in cli("stats").out
    assert cli("stats", "--json").json["improvable"] == 2
