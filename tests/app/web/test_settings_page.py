"""The page of settings on a real configuration file, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from page_texts import texts
from streamlit.testing.v1 import AppTest

from tierwise_app import checks
from tierwise_app.checks import Check
from tierwise_app.web.desk import Desk

Alone = Callable[[str], AppTest]
The = Callable[[], Desk]
LOCKED = '# mine\nlocked = true # for now\ndial = 0.2\n\n[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\n'


@pytest.fixture
def config(own_home: Path) -> Path:
    own_home.mkdir(parents=True, exist_ok=True)
    return own_home / "tierwise.toml"


def field(app: AppTest, name: str):  # type: ignore[no-untyped-def]
    """The widget of a value; its key tells which state of the file it belongs to."""
    kinds = (*app.toggle, *app.number_input, *app.get("segmented_control"))
    return next(one for one in kinds if str(one.key).startswith(f"set-{name}-"))


def test_saving_makes_the_file_and_takes_effect(open_alone: Alone, config: Path, the_desk: The) -> None:
    app = open_alone("settings")
    assert not app.exception and "no configuration file yet" in texts(app)
    assert app.button(key="settings-review").disabled
    field(app, "locked").set_value(True)
    field(app, "day").set_value(1.5)
    field(app, "dial").set_value("share").run()
    field(app, "share").set_value(30.0).run()
    assert "3 changes are not saved" in texts(app)
    app.button(key="settings-review").click().run()
    assert not config.exists()
    assert "+locked = true" in texts(app) and "at most 30% of questions" in texts(app)
    app.button(key="settings-yes").click().run()
    assert not app.exception and not app.error
    settings = the_desk().settings
    assert (settings.locked, settings.dial, settings.budget.day, settings.path) == (True, 0.3, 1.5, config)
    assert "Nothing is changed" in texts(app)


def test_ending_the_lock_asks_and_keeps_comments(open_alone: Alone, config: Path, the_desk: The) -> None:
    config.write_text(LOCKED, encoding="utf-8")
    app = open_alone("settings")
    assert field(app, "locked").value is True and field(app, "share").value == 20
    field(app, "locked").set_value(False).run()
    app.button(key="settings-review").click().run()
    assert any("The lock on everything ends" in one.value for one in app.warning)
    app.button(key="settings-no").click().run()
    assert config.read_text(encoding="utf-8") == LOCKED and the_desk().settings.locked
    app.button(key="settings-review").click().run()
    app.button(key="settings-yes").click().run()
    assert not the_desk().settings.locked
    assert config.read_text(encoding="utf-8") == LOCKED.replace("locked = true", "locked = false")


def test_changes_are_taken_back(open_alone: Alone, config: Path) -> None:
    app = open_alone("settings")
    field(app, "offline").set_value(True).run()
    app.button(key="settings-reset").click().run()
    assert field(app, "offline").value is False and "Nothing is changed" in texts(app)


def test_a_file_that_somebody_else_changes_meanwhile_is_not_written_over(
    open_alone: Alone, config: Path, the_desk: The
) -> None:
    config.write_text(LOCKED, encoding="utf-8")
    app = open_alone("settings")
    field(app, "passages").set_value(9).run()
    app.button(key="settings-review").click().run()
    config.write_text("# theirs\n" + LOCKED, encoding="utf-8")
    app.button(key="settings-yes").click().run()
    assert any("changed by somebody else" in one.value for one in app.error)
    assert config.read_text(encoding="utf-8") == "# theirs\n" + LOCKED
    assert the_desk().settings.passages == 4


def test_a_value_beyond_its_bounds_is_refused_by_the_server(open_alone: Alone, config: Path) -> None:
    app = open_alone("settings")
    field(app, "passages").set_value(9).run()
    app.button(key="settings-review").click().run()
    review = app.session_state["settings-open"]
    app.session_state["settings-open"] = type(review)(review.text, type(review.wanted)(passages=900))
    app.run()
    assert "900 passages" in app.error[0].value
    assert not config.exists() and not any(one.key == "settings-yes" for one in app.button)


def test_a_broken_file_is_said(open_alone: Alone, config: Path) -> None:
    app = open_alone("settings")
    config.write_text("dial = [", encoding="utf-8")
    app.run()
    assert not app.exception and "not valid TOML" in app.error[0].value


def test_a_variable_that_overrides_is_said(
    open_alone: Alone, config: Path, monkeypatch: pytest.MonkeyPatch, the_desk: The
) -> None:
    monkeypatch.setenv("TIERWISE_LOCKED", "1")
    monkeypatch.setenv("TIERWISE_DIAL", "quality")
    app = open_alone("settings")
    assert field(app, "locked").value is False  # the file's value, which is what is edited
    assert "TIERWISE\\_LOCKED is set, so on holds" in texts(app)
    assert "TIERWISE\\_DIAL is set, so Quality holds" in texts(app)


def test_how_the_app_looks_is_kept_at_once(open_alone: Alone, the_desk: The) -> None:
    app = open_alone("settings")
    app.toggle(key="prefer-simple").set_value(True).run()
    app.toggle(key="prefer-developer").set_value(True).run()
    the_desk().prefer(welcomed=True)
    app.run()
    app.button(key="prefer-welcome").click().run()
    now = the_desk().preferences
    assert (now.simple, now.developer, now.welcomed) == (True, True, False)


def test_checking_this_machine(open_alone: Alone, monkeypatch: pytest.MonkeyPatch, the_desk: The) -> None:
    def run_checks(load: Callable[[], object], *, online: bool) -> Iterator[Check]:
        assert load() and not online
        yield Check("python", "ok", "3.11")
        yield Check("disk", "warn", "1 *MB* free", "Free some space.")
        yield Check("tier quick", "fail", "no file", "Run: tierwise models pull x")

    monkeypatch.setattr(checks, "run_checks", run_checks)
    app = open_alone("settings")
    app.button(key="check-run").click().run()
    (job,) = the_desk().jobs.of("check")
    assert job.ended.wait(60)
    app.run()
    assert "1 problems, 1 warnings, 1 in order" in texts(app)
    assert "**tier quick** (problem): no file" in app.error[0].value
    assert "1 \\*MB\\* free" in app.warning[0].value
    assert "Run: tierwise models pull x" in [one.value for one in app.code]


def test_places_and_versions(open_alone: Alone, own_home: Path) -> None:
    app = open_alone("settings")
    shown = texts(app)
    assert str(own_home) in [one.value for one in app.code]
    assert "| Questions, answers and decision records |" in shown and "| streamlit | 1\\." in shown
