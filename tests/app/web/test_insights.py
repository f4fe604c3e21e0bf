"""The Insights page: sums of one's own turns with their definitions, and their export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from turns import drafted, keep

from tierwise.config import Price
from tierwise.testing import make_copilot
from tierwise_app.web import desk as desk_module
from tierwise_app.web.desk import Desk
from tierwise_app.web.insights.figures import as_csv, as_json, records_json, sums
from tierwise_app.web.insights.history import start_of
from tierwise_app.web.words import known

MAIN = Path(desk_module.__file__).with_name("main.py")


@pytest.fixture
def desk(fresh_server: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(make_copilot(["quick says this"], ["deep says that"], home=own_home))
    monkeypatch.setattr(desk_module, "Desk", lambda: made)
    yield made
    made.copilot.close()


def opened() -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60).switch_page("app_pages/insights.py").run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "subheader")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def figures(app: AppTest) -> dict[str, str]:
    return {m.label.replace("\\", ""): m.value for m in app.metric}


def history(desk: Desk) -> None:
    long_ago = datetime(2020, 1, 1).timestamp()
    keep(
        desk.copilot.record,
        drafted("zzzz", 0.9, created=long_ago),
        drafted("aaaa", 0.9, feedback="up"),
        drafted("bbbb", 0.8, feedback="down: secret reason"),
        drafted("cccc", 0.2, up=True, usd=0.25),
        drafted("dddd", 0.1, up=True, usd=0.50, overruled="local"),
        drafted("eeee", 0.9, overruled="again"),
        drafted("ffff", 0.3, refused="lock", locked=True),
    )


def test_an_empty_period_says_what_to_do(desk: Desk) -> None:
    assert "No turn was asked in this period." in shown(opened())


def test_turns_that_were_asked_add_up(desk: Desk) -> None:
    desk.copilot.ask("What is it?", tier="quick")
    desk.copilot.ask("What is it?", tier="deep", thread="other")
    app = opened()
    found = figures(app)
    assert (found["Turns"], found["Active days"], found["Threads"]) == ("2", "1", "2")
    assert (found["Stayed local"], found["Escalation rate"]) == ("50%", "unknown")
    # One more turn, and the page knows.
    desk.copilot.ask("And this?", tier="quick")
    assert figures(app.run())["Turns"] == "3"


def test_an_answer_that_was_held_back_from_a_larger_tier_is_counted_by_why(fresh_server: Path, own_home: Path) -> None:
    with make_copilot(["I'm sorry, but I can't help with that."], ["deep says that"], home=own_home) as copilot:
        locked = copilot.ask("What is it?", lock=True)
        free = copilot.ask("What is it?")
        assert (copilot.record.get(locked.turn_id).refused, copilot.record.get(free.turn_id).refused) == ("lock", None)
        assert copilot.record.insights().refused_by == {"lock": 1}
        assert copilot.record.insights().escalated_by == {"refusal": 1}


def test_a_period_adds_up_and_each_figure_says_what_it_means(desk: Desk) -> None:
    history(desk)
    app = opened()
    found = figures(app)
    assert found["Turns"] == "6"
    assert found["Escalation rate"] == "33%"
    assert found["Regret"] == "25%"
    assert found["Waste"] == "50%"
    assert (found["Escalated by you"], found["Made local"], found["Regenerated"]) == ("0", "1", "1")
    assert (found["Spent"], found["Spent on waste"], found["Sent out"]) == ("$0.75", "$0.50", "1.0 kB")
    assert found["Saved"] == "unknown"  # deep has no price
    assert (found["Median turn"], found["Slow turn"]) == ("1.0 s", "2.0 s")
    assert all(metric.help for metric in app.metric)
    said = shown(app)
    assert "Energy: not measured." in said
    assert "nothing is sent anywhere" in said
    tables = [table.value for table in app.dataframe]
    assert ["The draft was too unlikely to be right", 2, "100%"] in tables[1].values.tolist()
    assert ["It was locked to this device", 1, "100%"] in tables[2].values.tolist()
    assert ["quick", 4, 6, 1, 1, 1] in tables[3].values.tolist()
    assert ["deep", 2, 2, 0, 0, 1] in tables[3].values.tolist()
    assert ["deep", "400 ms / 400 ms", "3.0 s / 3.0 s", 400, 100, "$0.75"] in tables[4].values.tolist()

    app.segmented_control(key="insights-period").set_value("all").run()
    assert not app.exception
    assert figures(app)["Turns"] == "7"
    assert "Turns a week" in shown(app)


def test_savings_name_what_they_take_for_granted(fresh_server: Path, own_home: Path, desk: Desk) -> None:
    history(desk)
    priced = Price(input=1000.0, output=10_000.0)
    object.__setattr__(desk.copilot.tiers[-1], "price", priced)
    app = opened()
    assert figures(app)["Saved"] == "$1.20"  # four answers of 100 tokens read and 20 written
    assert "had it read as many tokens (400) and written as many (80)" in shown(app)


def test_the_table_is_exported_with_definitions(desk: Desk) -> None:
    history(desk)
    found = sums(start_of(30))
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    by_name = {(row["figure"], row["of"]): row for row in rows}
    assert by_name["turns", ""]["value"] == "6"
    assert by_name["regret", ""]["definition"].startswith("Of the answers from which nothing left")
    assert by_name["energy", ""]["value"] == ""
    assert by_name["escalated_by", "p_good"]["value"] == "2"
    assert by_name["tier_ms_p50", "deep"]["value"] == "3000.0"
    told = json.loads(as_json(found))
    assert (told["turns"], told["insights"]["escalated"], told["spent_usd"]) == (6, 2, 0.75)


def test_records_are_exported_without_anybodys_words_unless_they_are_wanted(desk: Desk) -> None:
    history(desk)
    bare = records_json(start_of(30), texts=False)
    lines = [json.loads(line) for line in bare.splitlines()]
    assert [line["turn_id"] for line in lines] == ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff"]
    assert "secret" not in bare
    assert (lines[1]["feedback"], lines[2]["attempts"][1]["cost_usd"]) == ("down", 0.25)
    whole = records_json(start_of(30), texts=True)
    assert all(word in whole for word in ("secret question", "secret answer", "secret reason"))


def test_a_period_begins_at_midnight() -> None:
    now = datetime(2026, 11, 27, 15, 30)
    assert start_of(7, now) == datetime(2026, 11, 21).timestamp()
    assert start_of(1, now) == datetime(2026, 11, 27).timestamp()
    assert start_of(None, now) is None


def test_every_reason_that_can_be_counted_has_words() -> None:
    codes = ("p_good", "gain", "doubted", "truncated", "empty", "refusal", "lock", "offline", "budget", "guard",
             "no_higher_tier", "tier_down", "context_window", "adapter", "failed", "unknown", "stays")  # fmt: skip
    assert all(known(f"insights.codes.{code}") for code in codes)
