"""What every test gets: a home of its own, and one thread for llama.cpp (two busy models on two cores crawl)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No time limits: machines are busy. CI repeats the same examples; HYPOTHESIS_PROFILE=thorough looks further.
BUSY: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **BUSY)
settings.register_profile("ci", **BUSY, derandomize=True)
settings.register_profile("thorough", **BUSY, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: programs of tests would too
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
