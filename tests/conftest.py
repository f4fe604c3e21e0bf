"""What every test gets: a home of its own, and one thread for llama.cpp (two busy models on two cores crawl)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No time limits: machines are busy. CI repeats the same examples; HYPOTHESIS_PROFILE=thorough looks further.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's stores or configuration."""
    home = tmp_path / "home"
    for name in ("TIERWISE_CONFIG", "TIERWISE_DIAL", "TIERWISE_OFFLINE", "TIERWISE_LOCKED", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIERWISE_HOME", str(home))
    monkeypatch.setenv("TIERWISE_THREADS", "1")
    work = tmp_path / "work"  # a folder without a tierwise.toml
    work.mkdir()
    monkeypatch.chdir(work)
    return home
