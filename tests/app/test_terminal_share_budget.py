"""Shares of questions, budgets and the calibration as the terminal shows them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from calibrations import calibration, flat

from tierwise import events as ev
from tierwise import load_settings
from tierwise.models import open_embedder
from tierwise.record import Record
from tierwise.routing.calibration.stages import FILE, Stage, save_calibration
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Reason
from tierwise_app.live import TurnView
from tierwise_app.render import reason_text, record_lines

UNCALIBRATED = "uncalibrated_share: A share of questions can be kept only after: tierwise router calibrate."


def calibrate(cli, **changes):
    """Put a calibration for the served tiers into the home folder."""
    encoder = open_embedder(None).identity
    found = calibration(models=("openai:scripted-quick", "openai:scripted-deep"), encoder=encoder)
    found = replace(found, **changes)
    save_calibration(cli.home, found)
    return found


def budget(cli, text):
    path = cli.home / "tierwise.toml"
    path.write_text(f"[budget]\n{text}\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


# -- shares ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("--target-share", "0.2"), ("--target-share", "20%"), ("--dial", "0.2")])
def test_ask_takes_a_share(cli, words):
    cli.serve(["Paris."], ["Paris!"])

    ran = cli("ask", "What is the capital of France?", *words)

    assert ran.code == 0
    assert UNCALIBRATED in ran.out
    assert cli("why", "--json").json["dial"] == 0.2
    assert "dial at most 20% of questions to a larger tier" in cli("why").out


def test_route_takes_a_share_and_keeps_its_json(cli):
    cli.serve(["never"], ["never"])

    ran = cli("route", "Hello?", "--target-share", "0.2", "--json")

    assert (ran.code, list(ran.json)) == (0, ["choice", "p_good", "reasons"])
    assert UNCALIBRATED in ran.err


def test_chat_takes_a_share_and_changes_it(cli):
    cli.serve(["Hi."], ["Hi!"])

    ran = cli("chat", "--target-share", "0.1", "--thread", "t", stdin="/dial\nHello?\n/dial 30%\nHello?\n/dial much\n")

    assert "dial: at most 10% of questions to a larger tier" in ran.out
    assert "dial: at most 30% of questions to a larger tier" in ran.out
    assert "The dial has no 'much'; it has economy, balanced, quality, or a share such as 0.2." in ran.err
    assert [t["dial"] for t in cli("threads", "show", "t", "--json").json] == [0.1, 0.3]


@pytest.mark.parametrize("command", [("ask", "Hello?"), ("chat",), ("route", "Hello?")])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target-share", "0.2", "--dial", "quality"), "either --dial WISH or --target-share S"),
        (("--target-share", "quality"), "Write --dial quality"),
        (("--target-share", "120%"), "--target-share is '120%'"),
        (("--target-share", "most"), "--target-share is 'most'"),
    ],
)
def test_wrong_shares_are_one_sentence(cli, command, words, says):
    cli.serve(["never"], ["never"])

    ran = cli(*command, *words)

    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_setup_writes_a_share(cli):
    ran = cli("setup", "--yes", "--dial", "20%", "--deep-model", "gpt-x", "--deep-url", "http://127.0.0.1:9/v1")

    assert "written" in ran.err
    path = cli.home / "tierwise.toml"
    assert load_settings(path).dial == 0.2
    assert "dial = 0.2\n" in path.read_text(encoding="utf-8")
    assert "nothing to change" in cli("setup", "--yes").err
    assert "The dial has no 'fast'" in cli("setup", "--yes", "--dial", "fast", "--force").err


# -- budgets -----------------------------------------------------------------------------------------------------------


def test_a_budget_that_is_spent_blocks_the_tier_by_name(cli):
    _, deep = cli.serve(["Here."], ["There."])
    budget(cli, "day = 0")
    path = cli.home / "tierwise.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("price", "# price", 1), encoding="utf-8")  # quick is free

    ran = cli("ask", "Hello?", "--tier", "deep")

    assert ran.code == 4
    assert "blocked: deep costs money, and $0 of today's budget of $0 are spent. Ask quick" in ran.err
    assert deep.connections == 0
    assert cli("ask", "Hello?").code == 0


def test_stats_and_doctor_show_what_is_spent(cli):
    cli.serve(["Here."], ["There."])
    assert cli("stats", "--json").json["budget"] == {
        "today": {"spent": 0, "cap": None},
        "month": {"spent": 0, "cap": None},
    }
    assert "spent" not in cli("stats").out
    budget(cli, "day = 0.5\nmonth = 10")
    begun = DecisionRecord("a", "t", "why?", "running", time.time())
    record = Record(cli.home)
    record.start(begun)
    record.finish(replace(begun, status="done", final="deep", text="a", cost_usd=0.2))
    record.close()

    shown = cli("stats").out
    assert "spent today    $0.20 of $0.50" in shown
    assert "spent month    $0.20 of $10.00" in shown
    assert cli("stats", "--json").json["budget"]["today"] == {"spent": 0.2, "cap": 0.5}
    assert check(cli, "budget")["text"] == "today $0.20 of $0.50, month $0.20 of $10.00"
    cli.env["TIERWISE_BUDGET_DAY"] = "0.1"
    spent = check(cli, "budget")
    assert (spent["status"], "not asked any more" in spent["text"]) == ("warn", True)


def test_doctor_warns_of_a_tier_that_no_budget_bounds(cli):
    cli.serve(["Here."], ["There."])
    budget(cli, "day = 1")
    path = cli.home / "tierwise.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("price", "# price"), encoding="utf-8")

    found = check(cli, "budget")

    assert (found["status"], found["fix"]) == ("warn", "Give it its price.")
    assert "deep has no price" in found["text"]


def check(cli, name):
    """One finding of the doctor, ``None`` if it does not look at that."""
    found = [c for c in cli("doctor", "--json").json["checks"] if c["name"] == name]
    return found[0] if found else None


# -- the calibration ---------------------------------------------------------------------------------------------------


def test_doctor_tells_of_the_calibration(cli):
    cli.serve(["Here."])
    assert check(cli, "calibration") is None  # nothing to choose from

    cli.serve(["Here."], ["There."])
    found = check(cli, "calibration")
    assert (found["status"], found["fix"]) == ("warn", "Run: tierwise router calibrate")
    assert "routing is uncalibrated" in found["text"]

    calibrate(cli, created=time.time() - 3 * 86400)
    found = check(cli, "calibration")
    assert (found["status"], found["text"]) == ("ok", "c0ffee, 3 days old, 120 questions, prediction off")

    calibrate(cli, models={"quick": "llama:other", "deep": "openai:scripted-deep"})
    found = check(cli, "calibration")
    assert (found["status"], "it was made for quick=llama:other" in found["text"]) == ("warn", True)

    (cli.home / FILE).write_text("{", encoding="utf-8")
    found = check(cli, "calibration")
    assert (found["status"], "is damaged" in found["text"]) == ("fail", True)


def test_route_tells_chances_and_gains_from_the_questions_vector(cli):
    cli.serve(["never"], ["never"])
    found = calibrate(cli)
    # A head on a number of the vector: without the vector nothing could be told.
    asked = Stage({"quick": replace(flat(0.5), names=("v0",), means=(0.0,), scales=(1.0,), weights=(0.0,)),
                   "deep": flat(0.75)}, 0.2, 0.7, 0.2)  # fmt: skip
    save_calibration(cli.home, replace(found, drafts={"quick": replace(found.drafts["quick"], asked=asked)}))

    ran = cli("route", "What is the capital of France?")

    assert ran.code == 0
    assert "p(good): quick 0.50, deep 0.75" in ran.out
    assert "gain over quick: deep +25 points" in ran.out
    assert "points)" in next(line for line in ran.out.splitlines() if "Gain expected" in line)


def test_an_unused_calibration_is_said_by_route_and_by_the_turn(cli):
    cli.serve(["Paris."], ["Paris!"])
    calibrate(cli, encoder="other")

    assert "calibration_unused: The calibration is not used" in cli("route", "Hello?").err
    assert "calibration_unused" in cli("ask", "Hello?").out


def test_replay_judges_by_the_calibration(cli):
    cli.serve(["never"], ["never"])
    found = calibrate(cli)
    record = Record(cli.home)
    for turn_id, surety in (("sure", 0.0), ("torn", -3.0)):
        begun = DecisionRecord(turn_id, "t", "why?", "running", time.time(), chosen="quick")
        draft = Attempt(1, "quick", found.models["quick"], "m", "accepted", "d", 0.6)
        features = {"quick.logprob_mean": surety}
        record.start(begun)
        record.finish(replace(begun, status="done", text="d", final="quick", attempts=(draft,), features=features))
    record.close()

    share = cli("router", "replay", "--target-share", "0.3", "--json").json
    assert (share["calibration"], share["threshold"], share["more"]) == ("c0ffee", None, ["torn"])
    shown = cli("router", "replay", "--dial", "balanced").out
    assert shown.startswith("judged by      calibration c0ffee\n")
    assert "1 turn: torn" in shown

    calibrate(cli, encoder="other")
    ran = cli("router", "replay", "--target-share", "0.3", "--json")
    assert (ran.json["calibration"], "The calibration is not used" in ran.err) == (None, True)


# -- screens -----------------------------------------------------------------------------------------------------------


def told(*events):
    """What the status line said, one entry an event."""
    view, said = TurnView(), []
    view._status.show = said.append
    for event in events:
        view.show(event)
    return said


def test_looks_are_phases_of_the_turn():
    event = {"turn_id": "t", "seq": 1, "attempt": 1}
    said = told(
        ev.AttemptStarted(**event, tier="quick", model="m"),
        ev.LookStarted(**event, look="self_check"),
        ev.LookFinished(**event, look="self_check", found={"self_yes": 0.3}, ms=9.0),
        ev.LookStarted(**event, look="second_sample"),
        ev.LookFinished(**event, look="second_sample", found={}, ms=9.0),
    )
    assert said[1:] == [
        "checking again: self-check by quick …",
        "checked again: chance that its model, asked, calls it right 0.30",
        "checking again: second sample by quick …",
        "checked again: found nothing",
    ]


def test_why_shows_calibration_and_looks():
    draft = Attempt(1, "quick", "m", "m", "accepted", "d", 0.6)
    record = DecisionRecord(
        "a", "t", "why?", "done", 1.0, dial=0.25, final="quick", attempts=(draft,), calibration="c0ffee",
        features={"quick.self_yes": 0.31, "quick.agree_answer": 1.0, "quick.gain": 0.1},
    )  # fmt: skip
    lines = dict(record_lines(record))
    assert lines["calibration"] == "c0ffee"
    assert lines["wish"].endswith("dial at most 25% of questions to a larger tier")
    assert lines["looked again"] == (
        "quick: chance that its model, asked, calls it right 0.31, agreement of a second sample's final answer 1.00"
    )


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (Reason("gain", "deep does better.", 0.123, 0.2), "deep does better (12 against 20 points)"),
        (Reason("gain", "A gain of 12 points is too small.", 0.123, 0.2), "A gain of 12 points is too small"),
        (Reason("margin", "It is low.", 0.123, 0.2), "It is low (0.123 against 0.2)"),
    ],
)  # fmt: skip
def test_gains_are_told_in_points(reason, shown):
    assert reason_text(reason) == shown
