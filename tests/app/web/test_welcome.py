"""The first run: what is here, what would be better, sample documents; it works without any of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from page_texts import texts
from streamlit.testing.v1 import AppTest

from tierwise import Copilot, Tier
from tierwise.config import Settings
from tierwise.models import DeviceProfile
from tierwise.testing import ScriptedModel
from tierwise_app.proposing import propose
from tierwise_app.samples import QUESTIONS
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job

GB = 10**9
Open = Callable[..., AppTest]
The = Callable[[], Desk]


def machine(available: float, bandwidth: float | None) -> DeviceProfile:
    return DeviceProfile("cpu", 4, 8, 4, int(32 * GB), int(available * GB), bandwidth)


@pytest.mark.parametrize(
    ("available", "bandwidth", "name"),
    [
        (16, 60 * GB, "phi-3-mini-4k"),  # the default wherever it runs well
        (16, None, "phi-3-mini-4k"),
        (16, 20 * GB, "qwen2.5-1.5b"),  # it would be slower than one reads
        (2.5, 60 * GB, "qwen2.5-1.5b"),  # it would not fit
        (16, 0.5 * GB, "qwen2.5-0.5b"),  # nothing is quick here: the least slow
        (0.3, 60 * GB, None),
    ],
)
def test_a_model_is_proposed_that_suits_the_machine(
    available: float, bandwidth: float | None, name: str | None
) -> None:
    found = propose(machine(available, bandwidth))
    assert (found and found[0].name) == name


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the measurement."""
    monkeypatch.setattr("tierwise_app.web.welcome.machine._measured", lambda home: machine(16, 60 * GB))


def copilot(home: Path) -> Copilot:
    model = ScriptedModel(["24 months."], name="quick", repeat=True)
    return Copilot(settings=Settings(home=home, tiers=(Tier("quick", model),)))


def end(job: Job) -> Job:
    assert job.ended.wait(120)
    return job


def test_the_first_page_works_at_once_and_is_short(open_app: Open, looked: None, the_desk: The) -> None:
    app = open_app()
    end(the_desk().jobs.of("machine")[0])
    app.run()
    shown = texts(app)
    assert not app.exception
    assert "SmolLM2 135M Instruct" in shown and "4 cores" in shown
    assert "Phi\\-3 mini 4k Instruct" in shown and "licence MIT" in shown and "words a minute" in shown
    assert not app.chat_input[0].disabled
    app.button(key="welcome-later").click().run()
    assert the_desk().preferences.welcomed
    assert "Welcome" not in texts(app)


def test_simple_mode_has_no_way_to_pages_that_it_hides(open_app: Open, looked: None, the_desk: The) -> None:
    app = open_app()
    the_desk().prefer(simple=True)
    end(the_desk().jobs.of("machine")[0])
    app.run()
    assert not app.exception and "simple mode hides" in texts(app)
    assert not [one for one in app.button if one.key in ("welcome-models", "welcome-hosted")]


def test_sample_documents_are_read_and_asked_about(open_app: Open, looked: None, the_desk: The, own_home: Path) -> None:
    with copilot(own_home) as own:
        app = open_app(copilot=own)
        app.button(key="welcome-read").click().run()
        report = end(the_desk().jobs.of("ingest")[0]).result
        assert report.failed == 0 and report.added >= 4
        app.run()
        app.button(key="welcome-question-0").click().run()
        thread = app.query_params["thread"]
        turn = the_desk().turn(thread[0] if isinstance(thread, list) else thread)
        assert turn is not None
        turn.wait(60)
        app.run()
        assert not app.exception and "24 months" in texts(app)
        record = own.record.get(turn.turn_id)
        assert (record.asked, record.collection) == (QUESTIONS[0].text, "demo")
        assert record.passages and the_desk().preferences.welcomed


def test_documents_that_cannot_be_read_are_said(
    open_app: Open, looked: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = [(tmp_path / "gone", "demo")]
    monkeypatch.setattr("tierwise_app.web.welcome.samples.documents", lambda: gone)
    app = open_app()
    app.button(key="welcome-read").click().run()
    assert not app.exception and app.error and "gone" in app.error[0].value
