"""The demo end to end on the embedded model: nothing scripted, nothing leaves the machine."""

from __future__ import annotations

import shlex

import pytest

from tierwise_app.demo import QUESTIONS


@pytest.mark.slow
def test_the_demo_reads_asks_escalates_and_what_it_recommends_works(cli):
    shown = cli.process("demo")
    assert shown.code == 0, shown.err

    assert "No hosted model is configured, so deep is a stand-in" in shown.out
    turns = [
        r for t in cli("threads", "list", "--json").json for r in cli("threads", "show", t["thread"], "--json").json
    ]
    escalated = [t for t in turns if t["final"] == "deep"]
    assert len(turns) >= 3
    assert escalated, [t["p_good"] for t in turns]
    assert all(a["outcome"] == "discarded" for t in escalated for a in t["attempts"][:-1])
    assert all(t["sent_out"]["bytes"] > 0 for t in escalated)
    assert all(host.startswith("127.0.0.1:") for t in turns for host in t["sent_out"]["hosts"])
    assert all("stand_in" in [n["code"] for n in t["notices"]] for t in escalated)
    assert any(t["citations"] for t in turns)
    assert all(t["text"] in shown.out or t["citations"] for t in turns)

    ask, why, chat = [shlex.split(line) for line in shown.out.rsplit("Try next:\n", 1)[1].splitlines()]
    assert ask[-4] == "ask"
    answer = cli(*ask[-4:], "--json").json
    assert answer["status"] == "done"
    assert cli(*why[-1:]).code == 0
    assert cli(*chat[-3:], stdin="/quit\n").code == 0


@pytest.mark.slow
def test_the_demo_as_json(cli, monkeypatch):
    monkeypatch.setattr("tierwise_app.demo.QUESTIONS", QUESTIONS[:1])

    ran = cli("demo", "--json")

    (answer,) = ran.json
    assert answer["status"] == "done"
    assert "Reading" in ran.err
