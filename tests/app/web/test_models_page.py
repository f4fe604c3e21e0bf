"""Models & tiers: the tiers in the configuration, the catalogue, downloads that stop and go on, trials."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_source import Source, crawl_at, serving

from tierwise.models import profile
from tierwise.models.store import card as catalogue
from tierwise.testing import LoopbackServer, ScriptedModel
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise_app.probe import Probe
from tierwise_app.web.models import facts

VOCABULARY = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
TIERS = """\
# mine
[[tiers]]
name = "quick"
model = "llama:smollm2-135m"

# far away
[[tiers]]
name = "deep"
model = "openai:large"
base_url = "https://models.example.com/v1"
api_key_env = "DEEP_KEY"
price = { input = 2.5, output = 10.0 }
"""


@pytest.fixture
def configured(own_home: Path) -> Path:
    own_home.mkdir(mode=0o700, exist_ok=True)
    path = own_home / "tierwise.toml"
    path.write_text(TIERS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phi3(tmp_path_factory.mktemp("gguf") / "Tiny (v2).gguf", VOCABULARY, follows={32001: 263})


@pytest.fixture
def page(open_alone: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens the page at a part of it, with a dialog if one is named, on a machine whose memory was measured."""
    device = replace(profile(measure=False), bandwidth=10e9)
    monkeypatch.setattr(facts, "profile", lambda home, **_: device)

    def opened(part: str = "tiers", dialog: tuple[str, dict[str, Any]] | None = None) -> Any:
        app = open_alone("models")
        app.session_state["models.part"] = part
        if dialog is not None:
            app.session_state["models.dialog"] = dialog
        return app.run()

    return opened


def said(app: Any) -> str:
    kinds = (app.subheader, app.markdown, app.caption, app.text, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def button(app: Any, label: str, nth: int = 0) -> Any:
    return [one for one in app.button if one.label == label][nth]


def field(app: Any, label: str) -> Any:
    fields = (*app.text_input, *app.number_input, *app.selectbox, *app.checkbox)
    return next(one for one in fields if one.label == label)


def finished(desk: Any, kind: str) -> Any:
    (job,) = desk.jobs.of(kind)
    assert job.ended.wait(60)
    return job


def tiers(path: Path) -> list[dict[str, Any]]:
    return list(tomllib.loads(path.read_text(encoding="utf-8"))["tiers"])


# -- tiers -------------------------------------------------------------------------------------------------------------


def test_a_tier_says_where_it_is_what_it_costs_and_whether_its_key_is_there(configured, page, monkeypatch):
    monkeypatch.setenv("DEEP_KEY", "sk-abcdefghijklmnop1234")
    app = page()
    shown = said(app)
    assert [head.value for head in app.subheader] == ["1. quick", "2. deep"]
    assert "On this device" in shown
    assert "Sent to models.example.com" in shown
    assert "$2.50 read, $10.00 written" in shown.replace("&#36;", "$")
    assert "DEEP_KEY is set" in shown.replace("DEEP_KEY is", "DEEP_KEY is")
    assert "abcdefghijklmnop" not in shown

    monkeypatch.delenv("DEEP_KEY")
    assert "DEEP_KEY is not set" in said(app.run())


def test_a_change_is_shown_before_it_is_written_and_holds_from_the_next_turn_on(configured, page, the_desk):
    app = page(dialog=("tier", {"name": "deep", "local": False}))
    before = the_desk().copilot
    field(app, "Model, as its server calls it").set_value("larger")
    button(app, "Show the change").click().run()

    assert configured.read_text(encoding="utf-8") == TIERS
    assert '-model = "openai:large"\n+model = "openai:larger"' in app.code[0].value
    assert "-price" not in app.code[0].value  # the form says it still holds

    button(app, "Save").click().run()

    assert not app.exception
    assert tiers(configured)[1]["model"] == "openai:larger"
    assert "# far away" in configured.read_text(encoding="utf-8")
    assert the_desk().copilot is not before
    assert the_desk().settings.tiers[1].model == "openai:larger"
    assert "models.dialog" not in app.session_state


@pytest.mark.parametrize(
    ("label", "value", "why"),
    [
        ("Environment variable that holds the key", "sk-abcdefghijklmnop1234", "not the name of an environment"),
        ("Address of the server", "ftp://x", "The address is none"),
        ("Model, as its server calls it", " ", "No model is named"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(configured, page, label, value, why):
    app = page(dialog=("tier", {"name": "deep", "local": False}))
    field(app, label).set_value(value)
    button(app, "Show the change").click().run()

    assert why in said(app)
    assert field(app, label).value == value
    assert "abcdefghijklmnop" not in said(app)
    assert configured.read_text(encoding="utf-8") == TIERS


def test_the_first_hosted_tier_keeps_the_embedded_model_before_it(page, own_home, the_desk):
    app = page(dialog=("tier", {"name": None, "local": False}))
    field(app, "Name of the tier").set_value("deep")
    field(app, "Model, as its server calls it").set_value("large")
    field(app, "The server runs on this machine and sends nothing on").check()
    button(app, "Show the change").click().run()
    assert "You vouch that deep stays on this device" in said(app)
    assert "The embedded model stays the first tier" in said(app)
    button(app, "Save").click().run()

    written = tiers(own_home / "tierwise.toml")
    assert [(tier["name"], tier["model"]) for tier in written] == [
        ("quick", "llama:smollm2-135m"),
        ("deep", "openai:large"),
    ]
    assert the_desk().settings.tiers[1].on_device


def test_a_name_that_is_taken_makes_no_second_tier(configured, page):
    app = page(dialog=("tier", {"name": None, "local": False}))
    field(app, "Name of the tier").set_value("quick")
    field(app, "Model, as its server calls it").set_value("large")
    button(app, "Show the change").click().run()
    assert "There is a tier 'quick' already" in said(app)


def test_tiers_move_and_go_with_their_comments(configured, page, the_desk):
    app = page(dialog=("change", {"wish": {"kind": "up", "name": "deep"}}))
    button(app, "Save").click().run()
    assert [tier["name"] for tier in tiers(configured)] == ["deep", "quick"]
    text = configured.read_text(encoding="utf-8")
    assert text.index("# far away") < text.index("# mine")
    assert [tier.name for tier in the_desk().settings.tiers] == ["deep", "quick"]

    app.session_state["models.dialog"] = ("change", {"wish": {"kind": "remove", "name": "deep"}})
    app.run()
    assert "Take the tier" in said(app)
    button(app, "Remove", -1).click().run()
    assert [tier["name"] for tier in tiers(configured)] == ["quick"]
    assert "# far away" not in configured.read_text(encoding="utf-8")


def test_a_file_that_changed_meanwhile_is_shown_again_before_it_is_written(configured, page):
    app = page(dialog=("change", {"wish": {"kind": "remove", "name": "deep"}}))
    configured.write_text("offline = true\n" + TIERS.replace("2.5", "3.5"), encoding="utf-8")
    button(app, "Remove", -1).click().run()
    assert "look at the change again" in said(app)
    assert len(tiers(configured)) == 2
    button(app, "Remove", -1).click().run()
    assert len(tiers(configured)) == 1


# -- trials ------------------------------------------------------------------------------------------------------------


def test_a_hosted_tier_is_asked_on_a_click_only_and_its_figures_are_shown(own_home, page, the_desk):
    own_home.mkdir(mode=0o700, exist_ok=True)
    with LoopbackServer(ScriptedModel(["one two three"], repeat=True)) as server:
        config = f'[[tiers]]\nname = "deep"\nmodel = "openai:scripted"\nbase_url = "{server.url}"\n'
        (own_home / "tierwise.toml").write_text(config, encoding="utf-8")
        app = page()
        assert server.requests == []
        assert "Connects to 127.0.0.1" in button(app, "Test connection").help.replace("\\", "").replace("\u2060", "")

        button(app, "Test connection").click().run()
        job = finished(the_desk(), "trial")

        assert isinstance(job.result.found, Probe)
        assert "deep works." in said(app.run())
        assert "It wrote: one two three" in said(app)
        assert server.requests


def test_nothing_is_asked_offline(configured, page, the_desk):
    configured.write_text("offline = true\n" + TIERS, encoding="utf-8")
    app = page()
    assert "This app is offline" in said(app)
    button(app, "Test connection").click().run()
    assert "is not asked" in finished(the_desk(), "trial").error
    app.session_state["models.part"] = "catalogue"
    button(app.run(), "Download").click().run()
    assert "nothing is downloaded" in said(app)
    assert the_desk().jobs.of("pull") == []


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_download_stops_and_goes_on_where_it_was(page, tiny, own_home, the_desk, monkeypatch):
    known = catalogue.card("smollm2-360m")
    go_on = threading.Event()
    with serving(Source(tiny.read_bytes(), faults=[crawl_at(1 << 20, go_on)])) as source:
        claims = {"url": source.url, "size": None, "size_about": len(source.content), "sha256": None}
        changed = type(known)(**{name: getattr(known, name) for name in known.__slots__} | claims)
        cards = {card.name: card for card in catalogue.catalogue()} | {known.name: changed}
        monkeypatch.setattr(catalogue, "_cards", lambda: cards)
        app = page("catalogue")
        app.text_input[0].set_value("smollm2 360").run()

        button(app, "Download").click().run()
        (job,) = the_desk().jobs.of("pull")
        while job.share is None:
            time.sleep(0.02)
        app.run()
        assert button(app, "Downloading").disabled
        button(app, "Stop").click().run()
        assert job.ended.wait(60)
        go_on.set()

        assert "What has arrived is kept" in said(app.run())
        next(one for one in app.button if one.label.startswith("Go on (")).click().run()
        assert the_desk().jobs.of("pull")[1].ended.wait(60)

        assert "smollm2-360m is here" in said(app.run())
        assert "Installed" in said(app)
        assert source.asked[0] is None
        assert source.asked[1] is not None  # the rest alone


def test_a_file_of_ones_own_is_checked_named_given_to_a_tier_and_kept_while_used(page, tiny, own_home, the_desk):
    app = page("own", ("file", {}))
    field(app, "Path or address").set_value(str(VOCABULARY.parent))
    button(app, "Add").click().run()
    assert "is not a file" in said(app)
    field(app, "Path or address").set_value(str(tiny))
    button(app, "Add").click().run()
    finished(the_desk(), "pull")
    assert "tiny-v2" in said(app.run())
    assert "Nobody vouches for it" in said(app)

    app.session_state["models.dialog"] = ("use", {"model": "tiny-v2"})
    button(app.run(), "Show the change").click().run()
    button(app, "Save").click().run()
    assert tiers(own_home / "tierwise.toml") == [{"name": "quick", "model": "llama:tiny-v2"}]

    app.session_state["models.dialog"] = ("remove", {"name": "tiny-v2"})
    assert "Tier quick uses tiny-v2" in said(app.run())
    assert button(app, "Remove", -1).disabled
    assert tiny.exists()


def test_the_catalogue_is_searched_paged_and_says_what_fits(page):
    app = page("catalogue")
    assert len([one for one in app.button if one.label == "Download"]) <= 6
    app.text_input[0].set_value("phi-3 mit").run()
    shown = said(app)
    assert "Phi-3 mini 4k Instruct" in shown
    assert "SmolLM2" not in shown
    assert "2.4 GB file" in shown
    assert "tokens/s here" in shown
    assert "MIT" in shown
    app.text_input[0].set_value("nothing like it").run()
    assert "No model is like that" in said(app)
