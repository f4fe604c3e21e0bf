"""The Routing lab: what another setting would have done with one's own turns, and calibrating from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from parts import TinyEmbedder
from streamlit.testing.v1 import AppTest
from sums import asked, deep_model, deep_says, quick_knows, quick_model, tiers
from turns import drafted, keep

from tierwise import Copilot, Settings, load_settings
from tierwise.routing import Replay
from tierwise.turns import Notice
from tierwise_app.web import desk as desk_module
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.lab.page import in_words

MAIN = Path(desk_module.__file__).with_name("main.py")
CONFIG = """
# mine
[[tiers]]
name = "quick"
model = "llama:smollm2-135m"
[[tiers]]
name = "deep"
model = "openai:gpt"
base_url = "http://127.0.0.1:9/v1"
price = { input = 2.5, output = 10.0 }
"""


@pytest.fixture
def page(fresh_server: Path, the_desk: Callable[[], Desk]) -> Iterator[Callable[[], AppTest]]:
    def opened() -> AppTest:
        app = AppTest.from_file(str(MAIN), default_timeout=60).switch_page("app_pages/lab.py").run()
        assert not app.exception
        return app

    yield opened
    the_desk().copilot.close()


@pytest.fixture
def two_tiers(own_home: Path) -> Path:
    own_home.mkdir(parents=True, exist_ok=True)
    path = own_home / "tierwise.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def shown(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "success", "text")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "").replace("&#36;", "$")


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def history(desk: Desk) -> None:
    """Six drafts, of which the three least likely ones went up; one of them to no avail."""
    keep(
        desk.copilot.record,
        drafted("aaaa", 0.05, up=True, usd=0.25),
        drafted("bbbb", 0.40, up=True, usd=0.50, feedback="down: also wrong"),
        drafted("cccc", 0.45, up=True, usd=0.25),
        drafted("dddd", 0.60, overruled="escalate"),
        drafted("eeee", 0.90, feedback="up"),
        drafted("ffff", 0.95),
        drafted("gggg", 0.90, requested_tier="quick"),
        drafted("hhhh", 0.90, locked=True),
        drafted("iiii", 0.10, notices=(Notice("would_escalate", "x"),)),
    )


# -- what the sentence says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            Replay(50, escalations_then=30, escalations_now=18, fewer=("x",) * 12, disliked_fewer=3, usd_then=1.61,
                   usd_now=1.0),
            "**At Economy: 12 fewer escalations** (18 instead of 30), about $0.61 less. Of the 12 turns that would have"
            " stayed, you disliked the larger tier's answer to 3.",
        ),
        (
            Replay(50, escalations_then=3, escalations_now=4, more=("x",), usd_then=0.0, usd_now=None),
            "**At Economy: one escalation more** (4 instead of 3). What that is worth in money is not known: the larger"
            " tier has no price. Of the one turn that would newly have gone up, you disliked the answer to none, which"
            " this might have spared you.",
        ),
        (Replay(50, escalations_then=3, escalations_now=3), "**At Economy nothing would have changed:** 3 escalations,"
         " as it was."),
        (
            Replay(9, escalations_then=3, escalations_now=3, more=("x",), fewer=("y",), usd_then=1.0, usd_now=1.0),
            "**At Economy: as many escalations** (3), but of other turns, at the same cost.",
        ),
    ],
)  # fmt: skip
def test_a_setting_in_words(found: Replay, said: str) -> None:
    assert said in in_words("economy", found).replace("\\", "").replace("&#36;", "$")


# -- the page ----------------------------------------------------------------------------------------------------------


def test_with_one_tier_it_says_what_it_needs(page: Callable[[], AppTest]) -> None:
    assert "there is only one: **quick**" in shown(page())


def test_without_turns_it_says_what_it_needs(page: Callable[[], AppTest], two_tiers: Path) -> None:
    app = page()
    assert "answered turns that were asked with *Auto* and drafted by quick" in shown(app)
    assert "40 more such turns are needed" in shown(app)


def test_a_share_is_tried_on_ones_own_turns(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk]
) -> None:
    history(the_desk())
    app = page()
    assert app.segmented_control(key="lab-setting").value == "balanced"  # the one in force
    app.segmented_control(key="lab-setting").set_value("share").run()
    app.slider(key="lab-share").set_value(20).run()

    said = shown(app)
    assert "**At 20%: 2 fewer escalations** (1 instead of 3), about $0.75 less." in said
    assert "Of the 2 turns that would have stayed, you disliked the larger tier's answer to 1." in said
    assert "6 turns were looked at. Drafts with a chance of being right below 40% go up." in said
    assert "So few turns tell little" in said
    assert [(m.label, m.value) for m in app.metric] == [
        ("Escalations", "1"), ("Stay on the smallest tier", "83%"), ("Larger tiers cost", "$0.25"),
    ]  # fmt: skip
    # Which turns these are, the latest first, and what the user thought of them.
    assert "deep then, quick now · chance of being right 45% · not judged" in said
    assert "deep then, quick now · chance of being right 40% · you disliked it" in said
    assert said.index("secret question cccc") < said.index("secret question bbbb")
    assert "secret question aaaa" not in said
    # What is left out, and why.
    assert "3 turns are left out" in [e.label for e in app.expander]
    assert {"- 1: a tier was asked for", "- 1: no larger tier could be asked"} <= set(said.split("\n"))
    # It cannot be kept without a calibration, and says so.
    assert app.button(key="lab-use").disabled
    # The numbers of the chart stand in a table, too.
    table = app.dataframe[0].value
    assert list(table["Setting"])[:4] == ["Economy", "Balanced", "Quality", "At most 20%"]
    assert list(table["Turns that go up"])[-1] == 6


def test_a_question_is_shown_as_it_is(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk]
) -> None:
    keep(the_desk().copilot.record, drafted("aaaa", 0.9, up=True, asked="![x](http://evil.example/x.png) <b>"))
    app = page()
    app.segmented_control(key="lab-setting").set_value("economy").run()
    (line,) = [m.value for m in app.markdown if "evil" in m.value]
    assert "![" not in line and "<b>" not in line and "\\!\\[x\\]" in line


def test_why_opens_the_record_of_a_turn(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk]
) -> None:
    history(the_desk())
    app = page()
    app.segmented_control(key="lab-setting").set_value("share").run()
    app.slider(key="lab-share").set_value(0).run()
    press(app, "lab-why-bbbb")
    said = shown(app)
    assert "0.40 is too little." in said
    assert "secret draft" in said and "secret answer" in said


def test_a_setting_is_put_in_force_and_taken_back(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk]
) -> None:
    history(the_desk())
    app = page()
    assert "This is the setting in force." in shown(app)
    app.segmented_control(key="lab-setting").set_value("economy").run()
    press(app, "lab-use")
    assert the_desk().settings.dial == load_settings(two_tiers).dial == "economy"
    assert "# mine" in two_tiers.read_text(encoding="utf-8")
    assert "The dial is now economy; it was balanced." in shown(app)
    press(app, "lab-back")
    assert the_desk().settings.dial == load_settings(two_tiers).dial == "balanced"


def test_a_variable_above_the_file_is_said(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIERWISE_DIAL", "quality")
    history(the_desk())
    app = page()
    app.segmented_control(key="lab-setting").set_value("economy").run()
    press(app, "lab-use")
    assert [e.value.replace("\\", "") for e in app.error] == [
        "The environment variable TIERWISE_DIAL sets the dial, and stands above the file. Unset it."
    ]
    assert two_tiers.read_text(encoding="utf-8") == CONFIG


def test_a_damaged_calibration_is_said_and_the_rest_stays(
    page: Callable[[], AppTest], two_tiers: Path, the_desk: Callable[[], Desk]
) -> None:
    history(the_desk())
    (two_tiers.parent / "calibration.json").write_text("{", encoding="utf-8")
    app = page()
    assert "calibration.json is damaged" in next(w.value.replace("\\", "") for w in app.warning)
    assert app.metric


# -- calibrating -------------------------------------------------------------------------------------------------------

N = 48


@pytest.fixture
def sums_desk(fresh_server: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    """A server whose tiers know some sums, with a history of them that the user judged."""
    made: list[Desk] = []

    def make(deep: Any = None) -> Desk:
        copilot = Copilot(tiers(quick_model(), deep or deep_model()), settings=Settings(home=own_home),
                          embedder=TinyEmbedder(), tools=())  # fmt: skip
        made.append(Desk(copilot))
        monkeypatch.setattr(desk_module, "Desk", lambda: made[-1])
        keep(copilot.record, *(
            drafted(f"{n:04d}", 0.6, asked=asked(n), feedback="up" if quick_knows(n) else "down") for n in range(1, N)
        ))  # fmt: skip
        return made[-1]

    yield make
    for one in made:
        one.copilot.close()


def ended(desk: Desk, kind: str) -> Job:
    (job,) = desk.jobs.of(kind)
    assert job.ended.wait(60)
    return job


def test_calibrating_says_first_what_it_takes_and_what_leaves(
    sums_desk: Callable[..., Desk], page: Callable[[], AppTest], two_tiers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tierwise.runtime.calibrate.label_curve", lambda *_: {})  # it fits a dozen times more
    deep = deep_model()
    desk = sums_desk(deep)
    app = page()
    assert f"Of the turns of this period, **{N - 1}** can be learned from" in shown(app)
    assert not app.get("progress")
    app.slider(key=f"lab-most-{N - 1}").set_value(N - 1)
    press(app, "lab-estimate")
    ended(desk, "calibration-estimate")
    assert not deep.requests  # nothing left for it
    app.run()
    said = shown(app)
    assert f"**{N - 1} questions, with the passages found for them, go to sums.invalid**" in said
    assert "about an unknown amount, since a tier has no price, beside your budget" in said
    assert app.dataframe[-1].value["Question"].tolist()[:2] == [asked(1), asked(2)]
    assert app.button(key="lab-begin").disabled  # until a person agrees

    app.checkbox(key="lab-consent").check().run()
    press(app, "lab-begin")
    job = ended(desk, "calibration")
    assert job.error is None and not job.result.stopped
    assert len(deep.requests) == N - 1
    assert (two_tiers.parent / "calibration.json").is_file()
    app.run()
    assert "The calibration is in force from now on." in shown(app)


def test_calibrating_stops_between_two_answers_and_keeps_what_is_there(
    sums_desk: Callable[..., Desk], page: Callable[[], AppTest], own_home: Path
) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def slow(request: Any) -> Any:
        at_work.set()
        assert go_on.wait(120)
        return deep_says(request)

    desk = sums_desk(deep_model(slow))
    app = page()
    press(app, "lab-estimate")
    ended(desk, "calibration-estimate")
    app.run()
    app.checkbox(key="lab-consent").check().run()
    press(app, "lab-begin")
    assert at_work.wait(60)
    app.run()
    assert app.get("progress")
    press(app, "lab-stop")
    assert "It ends after the answers that are being written." in shown(app)
    go_on.set()
    assert ended(desk, "calibration").result.stopped
    app.run()
    assert "Calibrating was stopped. The answers that are there are kept" in shown(app)
    assert not (own_home / "calibration.json").exists()
    assert (own_home / "calibration" / "quick.jsonl").stat().st_size > 0


def test_under_a_lock_nothing_is_sent_to_calibrate(
    sums_desk: Callable[..., Desk], page: Callable[[], AppTest], own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sums_desk()
    monkeypatch.setattr(Desk, "settings", Settings(home=own_home, locked=True))
    app = page()
    assert "Everything stays on this device now" in shown(app)
    assert not [b for b in app.button if b.key == "lab-estimate"]
    assert not desk.jobs.of("calibration-estimate")
