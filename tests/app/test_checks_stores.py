"""What the doctor says of the stores and of turns that can go on: one line each, with one fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tierwise import Copilot, Settings, Tier
from tierwise.testing import ScriptedModel, Step
from tierwise_app.checks import Check
from tierwise_app.checks_stores import check_configuration, check_libraries, check_stores

TIERS = (Tier("quick", ScriptedModel([])), Tier("deep", ScriptedModel([])))


def lines(home: Path, **settings: Any) -> dict[str, Check]:
    return {check.name: check for check in check_stores(Settings(home=home, **settings))}


def test_turns_that_were_left_and_answers_that_missed_a_tier_are_named_with_the_command(own_home: Path) -> None:
    with Copilot([Tier("quick", ScriptedModel([Step("A draft that is cut", finish="length")]))], home=own_home) as one:
        one.ask("Why?", thread="the leak")
        assert "unfinished" not in lines(own_home)
        with one.record._writing() as db:  # as if its program had ended in the middle
            db.execute("UPDATE turns SET status = 'running', owner = 'gone'")
    told = lines(own_home, tiers=TIERS)
    assert told["unfinished"].fix == "Run: tierwise threads resume 'the leak'"
    assert told["record.sqlite"].status == "ok"
    assert "1 backup" in told["backups"].text


def test_an_answer_to_improve_needs_a_larger_tier(own_home: Path) -> None:
    with Copilot([Tier("quick", ScriptedModel([Step("A draft that is cut", finish="length")]))], home=own_home) as one:
        one.ask("Why?")
    assert lines(own_home, tiers=TIERS)["improvable"].fix == "Run: tierwise improve"
    assert lines(own_home)["improvable"].fix == "Add a larger tier: tierwise setup"


def test_a_damaged_file_that_was_put_aside_is_told_of(own_home: Path) -> None:
    with Copilot([Tier("quick", ScriptedModel(["Fine."]))], home=own_home) as one:
        one.ask("Why?")
    store = own_home / "record.sqlite"
    store.write_bytes(b"no database at all" * 500)
    told = lines(own_home)
    assert told["record.sqlite"].status == "ok"  # mended
    (aside,) = own_home.glob("record.sqlite.damaged-*")
    assert any(aside.name in f"{check.text} {check.fix}" for check in told.values())


def test_a_key_in_the_configuration_is_found(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text(
        '[[tiers]]\nname = "deep"\nmodel = "openai:m"\nbase_url = "http://u:sk-proj-0123456789abcdefghij@h/v1"\n'
    )
    (found,) = [check for check in check_configuration(Settings(path=path)) if check.name == "secrets"]
    assert "in line 4" in found.text
    assert "0123456789abcdefghij" not in found.text


def test_libraries_with_known_faults_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.status for check in check_libraries()] == ["ok"]
    monkeypatch.setattr("tierwise_app.checks_stores.version", lambda name: "0.1")
    (found,) = check_libraries()
    assert found.status == "warn"
    assert "langgraph" in found.text
