"""The Insights page offers to improve what a larger tier missed, says what leaves, and does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts import MarkerVerifier
from streamlit.testing.v1 import AppTest

from tierwise import Settings
from tierwise.testing import make_copilot
from tierwise_app.web import desk as desk_module
from tierwise_app.web.desk import Desk
from tierwise_app.web.insights.improving import KIND

MAIN = Path(desk_module.__file__).with_name("main.py")


@pytest.fixture
def desk(fresh_server: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    path = own_home.parent / "tierwise.toml"
    path.write_text('show_before_sending = "never"\n', encoding="utf-8")
    settings = Settings(home=own_home, path=path)
    made = Desk(
        make_copilot(
            ["UNSURE, says quick"], ["deep says that"], home=own_home, settings=settings, verifier=MarkerVerifier()
        )
    )
    monkeypatch.setattr(desk_module, "Desk", lambda: made)
    yield made
    made.copilot.close()


def opened() -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60).switch_page("app_pages/insights.py").run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    return "\n".join(str(e.value) for kind in ("markdown", "caption", "success") for e in getattr(app, kind))


def test_what_was_missed_is_asked_after_a_look_at_what_leaves(desk: Desk) -> None:
    turn = desk.copilot.ask("Why is it so?", offline=True, thread="t")
    assert turn.tier == "quick"
    app = opened()
    assert "**1 answer** should have come from a larger tier" in shown(app)
    app.button(key="improve-show").click().run()
    assert "Why is it so?" in shown(app)
    assert "goes to deep" in shown(app)
    assert len(desk.copilot.model("deep").requests) == 0  # type: ignore[attr-defined]

    app.button(key="improve-ask").click().run()
    (job,) = desk.jobs.of(KIND)
    assert job.ended.wait(60)
    assert job.error is None
    assert [t.text for t in desk.copilot.record.turns("t", standing=True)] == ["deep says that"]
    app.run()
    assert "Improved: 1." in shown(app)
    assert "improve-show" not in [button.key for button in app.button]


def test_nothing_is_offered_where_nothing_was_missed(desk: Desk) -> None:
    desk.copilot.ask("Why is it so?")
    assert "should have come from a larger tier" not in shown(opened())
