"""An embeddings endpoint in place of MiniLM: configured, used for everything, and never one that sends texts away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tierwise import ConfigError, Copilot, Tier, load_settings
from tierwise.config import EmbedderSettings, Settings
from tierwise.errors import EmbedderMismatch
from tierwise.knowledge import Knowledge
from tierwise.models import MiniLM, OpenAIEmbedder
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, block_network, make_copilot

SECTION = '[embedder]\nmodel = "openai:small"\nbase_url = "http://127.0.0.1:9/v1"\non_device = true\n'
BATTERY = "The battery of the lantern lasts forty hours. Charge the battery with the cable in the box."


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(ScriptedModel([])) as running:
        yield running


def settings_for(server: LoopbackServer, home: Path) -> Settings:
    return Settings(home=home, embedder=EmbedderSettings("openai:small", base_url=server.url, on_device=True))


def sent(server: LoopbackServer) -> str:
    return json.dumps([body["input"] for body in server.requests])


def test_the_section_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text(f'{SECTION}dimension = 256\napi_key_env = "EMBED_KEY"\n[[tiers]]\nname = "a"\nmodel = "llama:x"\n')
    settings = load_settings(path)
    assert settings.embedder == EmbedderSettings(
        "openai:small", "http://127.0.0.1:9/v1", api_key_env="EMBED_KEY", dimension=256, on_device=True
    )
    assert [tier.name for tier in settings.tiers] == ["a"]


WRONG = {
    "not on the device": ('[embedder]\nmodel = "openai:small"\n', "would go to it, locked ones as well"),
    "no model": ("[embedder]\non_device = true\n", "'model' is missing"),
    "another kind": ('[embedder]\nmodel = "bert"\non_device = true\n', "Write openai:MODEL"),
    "a key": (f'{SECTION}api_key = "sk-1"\n', "A key never goes into the file"),
    "dimension": (f"{SECTION}dimension = 0\n", "dimension must be a whole number from 1"),
    "word for a flag": ('[embedder]\nmodel = "openai:a"\non_device = "yes"\n', "on_device must be a bool"),
    "no section": ('embedder = "openai:a"\n', r"written as an \[embedder\] section"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG.keys())
def test_mistakes_in_the_section_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load_settings(path)


def test_an_embedder_off_the_device_is_refused_before_anything_is_sent(own_home: Path) -> None:
    away = OpenAIEmbedder("small", base_url="http://127.0.0.1:9/v1")
    with block_network() as tried:
        with pytest.raises(ConfigError, match="locked ones as well"):
            make_copilot(embedder=away)
        with pytest.raises(ConfigError, match="locked ones as well"):
            Knowledge(own_home, away)
    assert tried == []


def test_a_copilot_embeds_everything_at_the_configured_server(
    server: LoopbackServer, own_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "lantern.txt").write_text(BATTERY)
    model = ScriptedModel(["The lantern runs for forty hours."], repeat=True)
    with Copilot([Tier("quick", model)], settings=settings_for(server, own_home)) as copilot:
        copilot.knowledge.ingest(tmp_path / "lantern.txt")
        answer = copilot.ask("How long does the battery of the lantern last?")
    assert "forty hours" in model.requests[0].messages[-1].content
    assert "Charge the battery" in sent(server)
    assert "How long does the battery" in sent(server)
    assert answer.sent_out.bytes == 0, "the owner says that it stays on this machine"
    with pytest.raises(EmbedderMismatch, match="tierwise sources rebuild"):
        Knowledge(own_home, MiniLM()).search("battery", vector=MiniLM().embed(["battery"])[0])


def test_with_its_server_down_documents_are_searched_by_words(
    server: LoopbackServer, own_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "lantern.txt").write_text(BATTERY)
    model = ScriptedModel(["The battery of the lantern lasts forty hours."], repeat=True)
    with Copilot([Tier("quick", model)], settings=settings_for(server, own_home)) as copilot:
        copilot.knowledge.ingest(tmp_path / "lantern.txt")
        server.faults += [Fault(503)] * 50
        answer = copilot.ask("How long does the battery of the lantern last?")
    assert answer.status == "done"
    assert [c.quote for c in answer.citations] == ["The battery of the lantern lasts forty hours."]
    assert any("Searched by words only" in notice.text for notice in answer.notices)
