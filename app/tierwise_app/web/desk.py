"""What all windows of one server share: the copilot, the turns that run, the jobs that run."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise import Copilot, DecisionRecord, RunningTurn, Settings
from tierwise.config import load_settings
from tierwise.damage import take_news
from tierwise_app.web.jobs import Job, Jobs
from tierwise_app.web.preferences import Preferences, read_preferences, write_preferences

if TYPE_CHECKING:
    from tierwise_app.web.pending import Pending

_KEPT = 20  # turns that are over and still tell, without the record, how they ended
_LEFT_OUT = "secrets_left_out"  # the notice of a turn of which not everything was stored
_GRACE = 5.0  # seconds for pages that are just being drawn from the copilot that goes


class Desk:
    """One server's state. Thread-safe.

    Attributes:
        jobs: long work.
        pending: messages that wait for their files, by thread.

    The copilot belongs to a configuration; when that changes a new one takes its place, and the old one is closed once
    its turns are over.
    """

    def __init__(self, copilot: Copilot | None = None) -> None:
        self._lock = threading.RLock()
        self._copilot = copilot or Copilot(settings=load_settings())
        self._news: list[str] = []
        self._turns: dict[str, RunningTurn] = {}
        self.pending: dict[str, Pending] = {}
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

    def news(self) -> list[str]:
        """What became of stores that were damaged, as long as this app runs."""
        self._news += take_news(self.settings.home)
        return self._news

    def turn(self, thread: str | None) -> RunningTurn | None:
        """The turn that runs in a thread, or ran there last since this server began."""
        with self._lock:
            return None if thread is None else self._turns.get(thread)

    def as_told(self, record: DecisionRecord) -> DecisionRecord:
        """The turn that ran last in its thread as the person saw it, secrets included; any other as it is stored."""
        turn = self.turn(record.thread)
        answer = turn.answer if turn is not None and turn.turn_id == record.turn_id else None
        if turn is None or answer is None or not any(one.code == _LEFT_OUT for one in answer.notices):
            return record
        return replace(
            record,
            asked=turn.asked,
            text=answer.text,
            citations=answer.citations,
            unsupported=answer.unsupported,
            attempts=answer.attempts,
        )

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
            turns = [turn for turn in self._turns.values() if not turn.over]
        work = (old, turns, self.jobs.running())
        threading.Thread(target=_close, args=work, daemon=True, name="close-copilot").start()

    def _keep(self, turn: RunningTurn) -> RunningTurn:
        with self._lock:
            self._turns[turn.thread] = turn
            over = [thread for thread, one in self._turns.items() if one.over]
            for thread in over[:-_KEPT]:
                del self._turns[thread]
        return turn


def _close(copilot: Copilot, turns: list[RunningTurn], jobs: list[Job]) -> None:
    for turn in turns:
        turn.wait()
    for job in jobs:
        job.ended.wait()
    time.sleep(_GRACE)
    copilot.close()


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The server's desk, made when it is first needed."""
    made = Desk()
    threading.Thread(target=_warm, args=(made.copilot,), daemon=True, name="warm-up").start()
    return made


def _warm(copilot: Copilot) -> None:
    """Load what every turn needs while the person is still typing the first message; a failure shows when asked."""
    with contextlib.suppress(Exception):
        _ = copilot.graph
        copilot.route("What is this about?")
