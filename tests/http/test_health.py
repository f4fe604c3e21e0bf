"""Whether the server lives and can answer: for machines that watch it, and no more than they may know."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from serving import running, serving

from tierwise import AsyncCopilot, Settings, Tier
from tierwise.testing import ScriptedModel
from tierwise_app.serve import lifespan
from tierwise_app.serve.keys import Keys


def test_a_server_that_can_answer_says_so() -> None:
    with serving(deep=["A long answer."]) as server:
        assert server.client.get("/healthz").json() == {"status": "ok"}
        answer = server.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "status": "ready",
                "stores": "writable",
                "tiers": [{"name": "quick", "status": "ready"}, {"name": "deep", "status": "ready"}],
            },
        )


def test_without_a_key_only_the_word_is_told(tmp_path: Path) -> None:
    _, secret = Keys(tmp_path).add("watcher")
    with serving(home=tmp_path) as server:
        assert server.client.get("/healthz").json() == {"status": "ok"}
        assert server.client.get("/readyz").json() == {"status": "ready"}
        for header in ("Bearer wrong", f"Bearer {secret}"):
            answer = server.client.get("/readyz", headers={"Authorization": header})
            assert answer.status_code == 200
            assert str(tmp_path) not in answer.text


def test_damaged_keys_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with serving(home=tmp_path) as server:
        assert server.client.get("/readyz").json() == {"status": "ready"}


def test_tiers_that_cannot_be_asked_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    tiers = [
        Tier("gone", f"llama:{tmp_path}/not-there.gguf"),
        Tier("keyless", "openai:gpt-5-mini", api_key_env="SOME_KEY"),
        Tier("own", ScriptedModel(["x"], on_device=False, host="scripted.invalid")),
    ]
    copilot = AsyncCopilot(tiers, settings=Settings(home=tmp_path / "home", offline=True))
    with running(copilot) as server:
        answer = server.client.get("/readyz")
    assert answer.status_code == 503
    assert [(t["name"], t["status"]) for t in answer.json()["tiers"]] == [
        ("gone", "not usable"),
        ("keyless", "kept out"),
        ("own", "kept out"),
    ]
    assert str(tmp_path) not in answer.text
    assert "SOME_KEY" not in answer.text

    copilot = AsyncCopilot(tiers, settings=Settings(home=tmp_path / "home2"))
    with running(copilot) as server:
        answer = server.client.get("/readyz")
    assert answer.status_code == 200
    assert [t["status"] for t in answer.json()["tiers"]] == ["not usable", "no key", "ready"]


def test_another_that_writes_is_no_trouble_and_a_store_that_is_gone_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(home=tmp_path) as server:
        other = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert server.client.get("/readyz").json()["stores"] == "writable"
        other.execute("ROLLBACK")
        other.close()

    async def nothing(_: object) -> None:
        """What is done beside would open the store in the very moment in which it is gone, and so make it anew."""

    monkeypatch.setattr(lifespan, "_beside", nothing)
    with serving(home=tmp_path) as server:
        (tmp_path / "record.sqlite").rename(tmp_path / "elsewhere.sqlite")
        answer = server.client.get("/readyz")
        (tmp_path / "elsewhere.sqlite").rename(tmp_path / "record.sqlite")
    assert (answer.status_code, answer.json()["stores"]) == (503, "not writable")


def test_a_server_that_is_about_to_end_is_not_ready() -> None:
    with serving() as server:
        server.parts.turns.draining = True
        answer = server.client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        assert server.client.get("/healthz").status_code == 200
