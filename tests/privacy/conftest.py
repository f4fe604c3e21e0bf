"""What every test here gets: a hosted tier and a proxy on loopback that count, and a net around everything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outside import Listener, Outside, big_model, outside
from parts import MarkerVerifier, Shelf, TinyEmbedder

from tierwise import Copilot, Settings, Tier
from tierwise.testing import LoopbackServer, ScriptedModel


@pytest.fixture(scope="session")
def hosted() -> Iterator[LoopbackServer]:
    with big_model() as server:
        yield server


@pytest.fixture(scope="session")
def proxy() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def world(hosted: LoopbackServer, proxy: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Watches; proxy variables and tracing are set, as they may be on a user's machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with outside(hosted, proxy) as watched:
        yield watched


@pytest.fixture
def copilots(own_home: Path, world: Outside) -> Iterator[Any]:
    """Makes copilots of a scripted tier here and the hosted one, and closes them."""
    made: list[Copilot] = []

    def make(*quick: Any, deep: Tier | None = None, locked: bool = False, offline: bool = False, **parts: Any) -> Any:
        given = quick[0] if quick and isinstance(quick[0], ScriptedModel) else None
        tiers = [
            Tier("quick", given or ScriptedModel(list(quick), name="quick", repeat=True)),
            deep or Tier("deep", "openai:big", base_url=world.hosted.url),
        ]
        settings = Settings(
            home=own_home, locked=locked, offline=offline, show_before_sending=parts.pop("show", "never")
        )
        defaults = {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier(), "tools": []}
        made.append(Copilot(tiers, settings=settings, home=own_home, **(defaults | parts)))
        return made[-1]

    yield make
    for copilot in made:
        copilot.close()
