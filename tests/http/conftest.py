"""The HTTP server for tests; ``serving`` of ``tests/support`` is the same for fixtures of a wider scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from serving import Server, serving

from tierwise_app.serve.openai import held


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream does not begin before its turn has something to tell, however slow the machine is."""
    monkeypatch.setattr(held, "_PATIENCE", 60.0)


@pytest.fixture
def served(tmp_path: Any) -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test: ``served(quick=..., deep=..., serve=ServeSettings(...))``."""
    with ExitStack() as stack:

        def start(*args: Any, **kwargs: Any) -> Server:
            return stack.enter_context(serving(*args, **kwargs))

        yield start
