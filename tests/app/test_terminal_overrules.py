"""Overruling and judging answers on the terminal, and asking what another setting would have changed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tierwise.record import Record
from tierwise.turns import Attempt, DecisionRecord

REFUSAL = "I'm sorry, but I cannot answer that question."


def test_ask_again_goes_to_the_next_larger_tier_and_replaces_the_answer(cli):
    _, deep = cli.serve(["Lyon."], ["Paris."])
    old = cli("ask", "What is the capital of France?", "--thread", "t", "--json").json

    new = cli("ask", "--again", old["turn_id"], "--json")

    assert new.code == 0
    assert (new.json["tier"], new.json["text"], new.json["thread"]) == ("deep", "Paris.", "t")
    assert len(deep.requests) == 1
    assert cli("why", old["turn_id"], "--json").json["overruled"] == "escalate"
    assert f"the question of turn {old['turn_id']}" in cli("why").out
    assert "overruled    escalate: you had a larger tier answer again" in cli("why", old["turn_id"]).out
    shown = cli("threads", "show", "t").out
    assert "overruled (escalate)" in shown
    assert f"asked again of {old['turn_id']}" in shown
    assert "overruled (escalate)" in cli("threads", "export", "t").out
    assert [t["turn_id"] for t in cli("threads", "search", "Lyon", "--json").json] == [old["turn_id"]]


def test_ask_again_takes_a_tier(cli):
    cli.serve(["Paris, here."], ["Paris."])
    cli("ask", "What is the capital of France?", "--tier", "deep")

    ran = cli("ask", "--again", "last", "--tier", "quick")

    assert ran.code == 0
    assert "Paris, here." in ran.out
    assert "[quick] why:" in ran.out


def test_a_locked_answer_is_not_escalated_off_the_device(cli):
    _, deep = cli.serve(["5,000."], ["never"])
    cli("ask", "What do I earn?", "--lock")

    ran = cli("ask", "--again", "last")

    assert ran.code == 4
    assert "locked to this device, and deep is not on it" in ran.err
    assert deep.connections == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["ask", "Hello?", "--again", "last"], "usage"),
        (["ask", "--again", "last", "--thread", "t"], "usage"),
        (["ask", "--again", "last", "--collection", "c"], "usage"),
        (["ask", "--again", "no-such-turn"], "unknown_name"),
        (["ask", "--again", "last", "--tier", "huge"], "unknown_name"),
        (["why", "--up", "--down"], "usage"),
        (["why", "--reason", "too long"], "usage"),
        (["why", "--down", "--reason", "x" * 600], "invalid_input"),
        (["router", "replay"], "usage"),
        (["router", "replay", "--dial", "quality", "--target-share", "0.2"], "usage"),
        (["router", "replay", "--dial", "luxury"], "invalid_input"),
        (["router", "replay", "--target-share", "most"], "invalid_input"),
        (["router", "replay", "--target-share", "120%"], "invalid_input"),
        (["router", "replay", "--dial", "quality", "--since", "soon"], "invalid_input"),
    ],
)
def test_wrong_use_is_one_sentence(cli, words, code):
    cli.serve(["Hello."], ["Hello!"])
    cli("ask", "Hello?")

    ran = cli(*words, "--json")

    assert ran.code == 2
    assert ran.json["error"]["code"] == code
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


def test_the_largest_tier_cannot_be_escalated(cli):
    cli.serve(["Hello."], ["Hello!"])
    cli("ask", "Hello?", "--tier", "deep")

    ran = cli("ask", "--again", "last")

    assert ran.code == 2
    assert "deep is the largest tier" in ran.err


def test_chat_escalates_and_comes_back(cli):
    _, deep = cli.serve(["Lyon.", "Paris, here."], ["Paris."])

    ran = cli("chat", "--thread", "t", stdin="What is the capital of France?\n/escalate\n/escalate\n/local\n/local\n")

    assert ran.code == 0
    assert [line.split("]")[0] for line in ran.out.splitlines() if "why:" in line] == ["[quick", "[deep", "[quick"]
    assert "deep is the largest tier" in ran.err
    assert "No tier below quick is on this device" in ran.err
    assert len(deep.requests) == 1
    found = cli("threads", "show", "t", "--json").json
    assert [t["overruled"] for t in found] == ["escalate", "local", None]


def test_chat_judges_the_last_answer(cli):
    cli.serve(["Paris."])

    ran = cli("chat", "--thread", "t", stdin="/up\nCapital of France?\n/up\nAnd of Spain?\n/down too  short\n")

    assert "There is no answer in this thread yet" in ran.err
    assert "noted: up" in ran.out
    assert "noted: down: too short" in ran.out
    assert [t["feedback"] for t in cli("threads", "show", "t", "--json").json] == ["up", "down: too short"]
    assert "down: too short" in cli("threads", "show", "t").out


def test_why_judges_an_answer(cli):
    cli.serve(["Paris."])
    answer = cli("ask", "What is the capital of France?", "--json").json

    ran = cli("why", answer["turn_id"], "--down", "--reason", "too short")

    assert ran.out.strip() == f"noted for turn {answer['turn_id']}: down: too short"
    assert cli("why", "--up", "--json").json["feedback"] == "up"
    assert "feedback     up" in cli("why").out


def test_stats_tell_of_regret(cli):
    cli.serve(["Lyon."], ["Paris."])
    cli("ask", "What is the capital of France?")
    cli("ask", "--again", "last")
    cli("ask", "What is the capital of Spain?")
    cli("ask", "What is the capital of Peru?")
    cli("why", "--down")

    found = cli("stats", "--json").json
    shown = cli("stats").out

    assert (found["overruled"], found["thumbs"], found["regretted"]) == ({"escalate": 1}, {"down": 1}, 2)
    assert found["regret"] == pytest.approx(2 / 3)
    assert "overruled      escalate 1" in shown
    assert "regret         67%" in shown


def test_a_thread_stays_and_says_why(cli):
    _, deep = cli.serve([REFUSAL], ["Here is the proof."])
    cli("ask", "Prove that there are infinitely many primes.", "--thread", "t")

    ran = cli("ask", "commit it", "--thread", "t")

    assert "[deep] why: This goes on with what deep answered; 0 of 3 follow-ups have stayed with it" in ran.out
    assert len(deep.requests) == 2
    assert "The message means nothing without what was said before" in cli("why").out


def remember(cli, turn_id, p_good, *, usd=None, feedback=None):
    """A turn in the record as if quick had drafted it and, with a price, deep had answered."""
    draft = Attempt(1, "quick", "llama:smollm2-135m", "m", "accepted" if usd is None else "discarded", "d", p_good)
    better = () if usd is None else (Attempt(2, "deep", "openai:m", "m", "accepted", "a", cost_usd=usd),)
    final = "quick" if usd is None else "deep"
    begun = DecisionRecord(turn_id, "t", "why?", "running", time.time(), chosen="quick")
    record = Record(cli.home)
    record.start(begun)
    record.finish(replace(begun, status="done", text="a", final=final, attempts=(draft, *better)))
    if feedback:
        record.set_feedback(turn_id, feedback)
    record.close()


def test_replay_tells_what_another_setting_would_have_changed(cli):
    quick, deep = cli.serve(["Hello."], ["Hello!"])
    cli("ask", "Hello?", "--tier", "quick")
    remember(cli, "sure", 1.0)
    remember(cli, "half", 0.6, feedback="down: wrong")
    remember(cli, "poor", 0.01, usd=0.5)
    before = (len(quick.requests), len(deep.requests))

    dial = cli("router", "replay", "--dial", "quality", "--since", "1h", "--json").json
    share = cli("router", "replay", "--target-share", "70%", "--json").json
    shown = cli("router", "replay", "--target-share", "0.7").out

    assert (len(quick.requests), len(deep.requests)) == before  # no model was asked
    assert list(dial)[:3] == ["dial", "target_share", "threshold"]
    assert (dial["turns"], dial["skipped"], dial["escalations_then"]) == (3, {"manual": 1}, 1)
    assert dial["escalations_now"] == 1 + len(dial["more"]) - len(dial["fewer"])
    assert {*dial["more"], *dial["fewer"]} <= {"half", "poor"}
    assert (share["more"], share["disliked_more"], share["threshold"]) == (["half"], 1, 1.0)
    assert (share["usd_then"], share["usd_now"]) == (0.5, 1.0)
    assert shown.splitlines() == [
        "looked at      3 turns",
        "left out       1 turn: a tier was asked for",
        "line           drafts below p(good) 1.00 go up",
        "escalated      1 turn then, 2 now",
        "stayed local   67% then, 33% now",
        "larger tiers   $0.50 then, $1.00 now (estimated)",
        "more           1 turn, 1 disliked or overruled as it was answered: half",
        "fewer          0 turns",
    ]
    assert cli("router", "replay", "--dial", "quality", "--since", "2100-01-01").out.startswith(
        "looked at      0 turns"
    )


def test_replay_with_one_tier_or_nothing_to_tell(cli):
    cli.serve(["Hello."])
    assert "only one tier" in cli("router", "replay", "--dial", "quality").err

    cli.serve(["Hello."], ["Hello!"])
    ran = cli("router", "replay", "--target-share", "0.2")

    assert (ran.code, ran.out.split()) == (0, ["looked", "at", "0", "turns"])
