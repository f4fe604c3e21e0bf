"""What all windows of one server share: the copilot, the turns that run, the jobs that run."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import streamlit as st

from tierwise import Copilot, RunningTurn, Settings
from tierwise.config import load_settings
from tierwise_app.web.jobs import Jobs
from tierwise_app.web.preferences import Preferences, read_preferences, write_preferences


class Desk:
    """One server's state. Thread-safe.

    The copilot belongs to a configuration; when that changes a new one takes its place, and the old one is closed once
    its turns are over.
    """

    def __init__(self, copilot: Copilot | None = None) -> None:
        self._lock = threading.RLock()
        self._copilot = copilot or Copilot(settings=load_settings())
        self._turns: dict[str, RunningTurn] = {}
        self.jobs = Jobs()

    @property
    def copilot(self) -> Copilot:
        """The copilot in force; do not keep it."""
        with self._lock:
            return self._copilot

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self.copilot.settings

    @property
    def preferences(self) -> Preferences:
        """How the app is to look."""
        return read_preferences(self.settings.home)

    def prefer(self, **changes: bool) -> None:
        """Change preferences; see :class:`Preferences`."""
        write_preferences(self.settings.home, replace(self.preferences, **changes))

    def turn(self, thread: str | None) -> RunningTurn | None:
        """The turn that runs in a thread, or ran there last since this server began."""
        with self._lock:
            return None if thread is None else self._turns.get(thread)

    def is_busy(self, thread: str | None) -> bool:
        """Whether a turn of this server runs in a thread."""
        turn = self.turn(thread)
        return turn is not None and not turn.over

    def ask(self, question: str, **options: Any) -> RunningTurn:
        """Begin a turn; options as for ``Copilot.ask``."""
        return self._keep(self.copilot.start(question, **options))

    def ask_again(self, turn_id: str, **options: Any) -> RunningTurn:
        """Begin a turn that asks an earlier one again; options as for ``Copilot.again``."""
        return self._keep(self.copilot.start_again(turn_id, **options))

    def go_on(self, turn_id: str) -> RunningTurn:
        """Go on with a turn that waited or was cut off."""
        return self._keep(self.copilot.start_on(turn_id))

    def reopen(self) -> None:
        """Read the configuration again; turns that run go on with what they began with.

        Raises:
            ConfigError: if it cannot be used; the one before stays in force.
        """
        with self._lock:
            fresh = Copilot(settings=load_settings(self.settings.path))
            old, self._copilot = self._copilot, fresh
            running = [turn for turn in self._turns.values() if not turn.over]
        threading.Thread(target=_close, args=(old, running), daemon=True, name="close-copilot").start()

    def _keep(self, turn: RunningTurn) -> RunningTurn:
        with self._lock:
            self._turns[turn.thread] = turn
        return turn


def _close(copilot: Copilot, running: list[RunningTurn]) -> None:
    for turn in running:
        turn.wait()
    copilot.close()


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The server's desk, made when it is first needed."""
    return Desk()
