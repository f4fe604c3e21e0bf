"""Copilots on scripted models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder

from tierwise import Copilot
from tierwise.testing import make_copilot


@pytest.fixture
def copilots(own_home: Any) -> Iterator[Any]:
    """Makes copilots on scripted models and closes them."""
    made: list[Copilot] = []

    def make(*args: Any, **options: Any) -> Copilot:
        defaults = {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier(), "home": own_home}
        made.append(make_copilot(*args, **(defaults | options)))
        return made[-1]

    yield make
    for copilot in made:
        copilot.close()
